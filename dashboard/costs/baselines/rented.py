"""Rented GPUs: count × hours × price, shared among developers by their tokens.

`TYPICAL` are list prices without a commitment. They are second-hand: each is dated by the day on
which the public copy that its source names was made of the vendor's own list.
"""

from datetime import date, tzinfo
from decimal import Decimal
from fractions import Fraction

from dashboard.costs.baselines.lines import Line, Lines
from dashboard.costs.baselines.models import Rented
from dashboard.costs.baselines.usage import UsageRange
from dashboard.costs.months import hours, months_between
from dashboard.costs.strict import Strict

NOBODY = "Nobody's use"
UNSHARED = "Everybody, not shared"
_DATARECEIPTS = "copied by github.com/datareceipts/data-receipts, 109-gpu-pricing"
_EVANGELIST = "copied by github.com/api-evangelist, plans"
_RUNPOD = f"RunPod Secure Cloud, https://www.runpod.io/pricing, {_DATARECEIPTS}"
_RUNPOD_COMMUNITY = f"RunPod Community Cloud, https://www.runpod.io/pricing, {_DATARECEIPTS}"
_AWS = f"AWS price list, p5.48xlarge (8 GPUs) in us-east-1, {_DATARECEIPTS}"
_LAMBDA = f"Lambda, instances of 8, https://lambda.ai/instances, {_EVANGELIST}"
_HYPERSTACK = f"Hyperstack on demand, https://www.hyperstack.cloud/gpu-pricing, {_EVANGELIST}"
_AKASH = f"Akash, starting at, https://akash.network/pricing/gpus/, {_EVANGELIST}"
_DIGITALOCEAN = (
    "DigitalOcean list price, gpu-mi300x1-192gb, "
    "copied by huggingface.co/datasets/tokenwatt/gpu-cloud-prices"
)


class GpuHour(Strict):
    """A list price in USD per GPU and hour."""

    gpu: str
    price_per_gpu_hour: Decimal
    valid_from: date
    source: str

    def rented(self, count: int, hours_per_month: Decimal | None = None) -> Rented:
        """The baseline of so many of them, in all hours or so many a month."""
        return Rented(
            kind="rented",
            name=f"{count} × {self.gpu}, rented",
            valid_from=self.valid_from,
            source=self.source,
            currency="USD",
            gpu=self.gpu,
            count=count,
            price_per_gpu_hour=self.price_per_gpu_hour,
            hours_per_month="all" if hours_per_month is None else hours_per_month,
        )


def _price(gpu: str, price: str, day: date, source: str) -> GpuHour:
    return GpuHour(gpu=gpu, price_per_gpu_hour=Decimal(price), valid_from=day, source=source)


TYPICAL: tuple[GpuHour, ...] = (
    _price("A100 SXM 80 GB", "1.79", date(2026, 11, 9), _RUNPOD),
    _price("A100 SXM 80 GB", "2.79", date(2026, 9, 20), _LAMBDA),
    _price("H100 PCIe 80 GB", "2.89", date(2026, 11, 9), _RUNPOD),
    _price("H100 SXM 80 GB", "2.69", date(2026, 11, 9), _RUNPOD_COMMUNITY),
    _price("H100 SXM 80 GB", "3.20", date(2026, 8, 26), _HYPERSTACK),
    _price("H100 SXM 80 GB", "3.99", date(2026, 11, 9), _RUNPOD),
    _price("H100 SXM 80 GB", "3.99", date(2026, 9, 20), _LAMBDA),
    _price("H100 SXM 80 GB", "6.88", date(2026, 11, 9), _AWS),
    _price("H200 SXM 141 GB", "3.99", date(2026, 8, 26), _HYPERSTACK),
    _price("H200 SXM 141 GB", "4.45", date(2026, 9, 20), _AKASH),
    _price("B200 SXM 180 GB", "6.00", date(2026, 8, 26), _HYPERSTACK),
    _price("B200 SXM 180 GB", "6.69", date(2026, 9, 20), _LAMBDA),
    _price("MI300X 192 GB", "2.59", date(2026, 10, 8), _DIGITALOCEAN),
    _price("RTX PRO 6000 96 GB", "2.04", date(2026, 9, 20), _AKASH),
)


def rented_lines(usage: UsageRange, baseline: Rented, zone: tzinfo) -> Lines:
    """A line for each row of usage, by its tokens; one alone where nothing was used, or where
    somebody's tokens are not known, so that nobody's share is."""
    if baseline.hours_per_month == "all":
        rented, time = hours(usage.end - usage.start), "all hours of the range"
    else:
        months = months_between(usage.start, usage.end, zone)
        rented = Fraction(baseline.hours_per_month) * months
        time = f"{baseline.hours_per_month:f} hours a month"
    total = baseline.count * rented * Fraction(baseline.price_per_gpu_hour)
    notes = [
        f"{baseline.count} × {baseline.gpu} are rented in {time}; storage, network and the work of "
        "running them are left out.",
        "Shared by tokens (input and output).",
    ]
    if untold := [row.name for row in usage.rows if not row.tokens_known]:
        told = (
            f"Not shared: the source does not tell the tokens of {', '.join(sorted(set(untold)))}."
        )
        return Lines([Line(None, UNSHARED, baseline.gpu, total)], [notes[0], told])
    used = sum(row.tokens for row in usage.rows)
    if not used:
        return Lines([Line(None, NOBODY, baseline.gpu, total)], notes[:1])
    lines = [
        Line(row.developer_id, row.name, baseline.gpu, total * row.tokens / used)
        for row in usage.rows
    ]
    return Lines(lines, notes)
