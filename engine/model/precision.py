"""How weights are held."""

from typing import Literal, get_args

Precision = Literal["float32", "bfloat16", "int8", "int4"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
