"""`python -m dashboard.costs.capacity`: the roofline against published speeds, as a table."""

import sys

from dashboard.costs.capacity.load import factors
from dashboard.costs.capacity.validation import checks, correction, errors


def table() -> str:
    """Every published figure: use, predicted, published, ratio; then the errors, what plans make
    of them, and the factors."""
    lines = [f"{'predicted':>10} {'published':>10} {'ratio':>6}  use        figure"]
    for check in checks():
        figure = check.figure
        lines.append(
            f"{check.predicted:>10,.1f} {figure.tokens_per_s:>10,.1f} {check.ratio:>6.2f}  "
            f"{figure.use:<9}  {figure.name} ({figure.kind})"
        )
    for use in ("calibrate", "held-out"):
        off = errors(checks(use=use))
        lines.append(
            f"{use}: {off.figures} figures, median ratio {off.median_ratio:.2f}, "
            f"typically off by a factor {off.typical_factor:.2f}, at worst {off.worst_factor:.2f}"
        )
    lines.append(
        f"planned with: predicted ÷ {correction():.2f}, the held-out median ratio; the table above "
        "is without that"
    )
    lines.append(", ".join(f"{name} {value:g}" for name, value in factors()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
