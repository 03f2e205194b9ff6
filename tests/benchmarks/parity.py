"""How close every family comes to transformers: `python -m tests.benchmarks.parity`.

For each variant and precision: the largest difference of a logit from transformers' float32 one,
over 108 positions, relative to their range, and at how many of the last 64 the most likely token
is the same (each after transformers' own text, so that one slip does not spoil the rest). The
column "transformers" is what transformers itself loses in bfloat16. These models are random and
tiny: their tokens are near ties far more often than a trained model's.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from engine.model.precision import PRECISIONS
from tests.engine.model.parity.harness import Checked, Difference
from tests.engine.model.parity.variants import VARIANTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", help="only variants whose family's name contains this")
    wanted = (parser.parse_args().family or "").lower()
    torch.set_num_threads(1)
    columns = ("transformers", *PRECISIONS)
    print(f"| family | variant | {' | '.join(columns)} |")
    print(f"|---|---|{'---|' * len(columns)}")
    for variant in VARIANTS:
        if wanted in variant.family.lower():
            with tempfile.TemporaryDirectory() as folder:
                checked = Checked(variant, Path(folder))
                found = [checked.bfloat16_difference()]
                found += [checked.difference(precision) for precision in PRECISIONS]
            cells = " | ".join(map(_cell, found))
            print(f"| {variant.family} | {variant.point} | {cells} |", flush=True)


def _cell(difference: Difference) -> str:
    return f"{difference.largest:.1e}, {difference.agreeing}/64"


if __name__ == "__main__":
    main()
