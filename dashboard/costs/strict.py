"""What the cost model's inputs have in common: frozen, and strict about names, so that a misspelt
line in a scenario's file is an error and not a default."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dashboard.costs.models import MOST_PLACES


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


CURRENCY_CODE = r"^[A-Z]{3}$"
Currency = Annotated[str, Field(pattern=CURRENCY_CODE, description="Currency code (ISO 4217).")]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=MOST_PLACES, allow_inf_nan=False)]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=MOST_PLACES, allow_inf_nan=False)]
