"""What a reader chose to compare with, as baselines. The names stand in the page's address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboard.alternatives.own_prices import OwnOffer, own_baseline
from dashboard.alternatives.vendors import (
    CURRENT,
    HOSTS,
    VENDORS,
    hosted,
    hosts_of,
    open_models_at_hosts,
    vendor_models,
)
from dashboard.costs.baselines import TYPICAL, Api, Baseline, GpuHour

SAME = "Same models at "
_DEFAULT_GPU = "H100 SXM 80 GB"


@dataclass(frozen=True, slots=True)
class Choices:
    """`apis`, `hosts` and `gpus` are names among those that can be chosen. `gpu_count` GPUs are
    rented for `gpu_hours` a month (None: in all hours)."""

    apis: Sequence[str]
    hosts: Sequence[str]
    gpus: Sequence[str]
    gpu_count: int = 1
    gpu_hours: Decimal | None = None
    own: Sequence[OwnOffer] = ()


def default_choices(models: Iterable[str], on: date) -> Choices:
    """A few vendor models, hosts of the ledger's own `models`, the cheapest and dearest H100."""
    gpus = [name for name, gpu in gpu_names().items() if gpu.gpu == _DEFAULT_GPU]
    gpus.sort(key=lambda name: gpu_names()[name].price_per_gpu_hour)
    return Choices(
        apis=[model for model in CURRENT if model in vendor_models(on)],
        hosts=[f"{SAME}{host}" for host in hosts_of(models, on)],
        gpus=[gpus[0], gpus[-1]],
    )


def host_names(on: date) -> list[str]:
    return [*(f"{SAME}{host}" for host in HOSTS), *open_models_at_hosts(on)]


def gpu_names() -> dict[str, GpuHour]:
    """`H100 SXM 80 GB, RunPod Secure Cloud`"""
    return {f"{gpu.gpu}, {gpu.source.split(',')[0]}": gpu for gpu in TYPICAL}


def baselines(choices: Choices, on: date) -> list[Baseline]:
    """Every choice with the prices of a day; names that cannot be chosen are passed over."""
    vendors, gpus, models = vendor_models(on), gpu_names(), open_models_at_hosts(on)
    found: list[Baseline] = [
        _api(name, vendors[name], on) for name in choices.apis if name in vendors
    ]
    for name in choices.hosts:
        if name in models:
            found.append(hosted(models[name][1], on, models[name][0]))
        elif name.removeprefix(SAME) in HOSTS:
            found.append(hosted(name.removeprefix(SAME), on))
    for name in choices.gpus:
        if name in gpus:
            rented = gpus[name].rented(choices.gpu_count, choices.gpu_hours)
            found.append(rented.model_copy(update={"name": f"{choices.gpu_count} × {name}"}))
    return [*found, *(own_baseline(offer, on) for offer in choices.own)]


def _api(model: str, vendor: str, on: date) -> Api:
    return Api(
        kind="api",
        name=f"{model} ({VENDORS[vendor]})",
        valid_from=on,
        source=f"{VENDORS[vendor]}'s list prices, in genai-prices",
        provider=vendor,
        model=model,
    )
