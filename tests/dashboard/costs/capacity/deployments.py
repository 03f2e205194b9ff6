"""Deployments of the catalogue, and a small machine and model whose arithmetic fits a line."""

from datetime import date
from decimal import Decimal
from typing import Any

from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel
from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.running import Ownership
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD, Asked, Load

SOURCE = {"title": "made up", "address": "https://example.org", "date": date(2026, 1, 1)}

# Everything at its peak and nothing in between, so that seconds are bytes or FLOPs ÷ a rate.
PERFECT = Factors(
    memory_share=1,
    dense_share=1,
    expert_share=1,
    link_share=1,
    host_memory_share=1,
    host_flops_share=1,
    layer_overhead_s=0,
)


def deployed(model: str, precision: str, on: str, accelerators: int = 1, **more: Any) -> Deployment:
    found = models()[model]
    return Deployment(
        hardware=hardware()[on],
        model=found,
        precision=found.at(precision),
        accelerators=accelerators,
        **more,
    )


def machine(**changes: Any) -> Hardware:
    """1,000 bytes/s and 100,000 FLOP/s; nodes of 2 at 100 bytes/s, 10 bytes/s between them."""
    made: dict[str, Any] = {
        "name": "small",
        "title": "Small",
        "memory_bytes": 100_000,
        "memory_bandwidth": 1000,
        "flops": {"bf16": 100_000},
        "watts": 500,
        "accelerators_per_node": 2,
        "most_accelerators": 4,
        "link_bandwidth": 100,
        "network_bandwidth": 10,
        "host_watts": 1000,
        "source": SOURCE,
    }
    return Hardware.model_validate(made | changes)


def shape(**changes: Any) -> LanguageModel:
    """One layer of 10 numbers: 4 experts of 3 × 10 × 2 = 60 weights, of which a token visits 1.

    Always visited: attention 2 × 10 × 5 × (2 + 1) = 300, router 40, output 100 = 440 weights.
    """
    made: dict[str, Any] = {
        "name": "small",
        "title": "Small model",
        "layers": 1,
        "dense_layers": 0,
        "hidden": 10,
        "dense_width": 0,
        "expert_width": 2,
        "experts": 4,
        "active_experts": 1,
        "shared_experts": 0,
        "vocabulary": 10,
        "heads": 2,
        "context_tokens": 10_000,
        "published_total": 780,
        "published_active": 500,
        "attention": {"kind": "grouped", "kv_heads": 1, "head_dim": 5},
        "precision": [{"name": "bytes", "expert_bits": 8, "other_bits": 8, "compute": "bf16"}],
        "source": SOURCE,
    }
    return LanguageModel.model_validate(made | changes)


def small(accelerators: int = 1, **changes: Any) -> Deployment:
    """The small model, in a byte a weight, on small machines."""
    made: dict[str, Any] = {"hardware": machine(), "model": shape()}
    made |= changes
    precision = made["model"].at("bytes")
    return Deployment(precision=precision, accelerators=accelerators, **made)


def owned(**changes: Any) -> Ownership:
    """36 months, $0.18 per kWh at all hours, no operations."""
    made: dict[str, Any] = {
        "life_months": 36,
        "tariff": {"kind": "flat", "currency": "USD", "price_per_kwh": Decimal("0.18")},
        "pue": 1,
        "operations": {"currency": "USD"},
        "year": 2026,
    }
    return Ownership.model_validate(made | changes)


def asked(load: Load = ASSUMED_LOAD, first_token_limit_s: float = 5.0) -> Asked:
    return Asked(load=load, first_token_limit_s=first_token_limit_s)
