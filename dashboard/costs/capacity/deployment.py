"""A model on so many accelerators: one replica."""

from typing import Literal

from pydantic import Field, model_validator

from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel, Precision
from dashboard.costs.capacity.parts import Entry

Layout = Literal["tensor", "expert"]


class Deployment(Entry):
    """One replica.

    Layout "tensor": every matrix is cut over all accelerators, which work on the same sequences.
    Layout "expert": routed experts are spread over them, each has all else in full and sequences
    of its own (attention in data parallel). On one accelerator both are the same.
    """

    hardware: Hardware
    model: LanguageModel
    precision: Precision
    accelerators: int = Field(ge=1)
    layout: Layout = "tensor"
    kv_bits: int = Field(default=16, ge=1, description="Bits per number in the cache")

    @model_validator(mode="after")
    def _can_be_joined(self) -> "Deployment":
        most = self.hardware.most_accelerators
        if self.accelerators > most:
            raise ValueError(
                f"{self.accelerators} × {self.hardware.title} cannot serve as one replica: "
                f"take {most} at most, or more replicas."
            )
        return self

    @property
    def spans_nodes(self) -> bool:
        return self.accelerators > self.hardware.accelerators_per_node

    @property
    def title(self) -> str:
        return f"{self.accelerators} × {self.hardware.title}"


def both_layouts(
    hardware: Hardware,
    model: LanguageModel,
    precision: Precision,
    accelerators: int,
    kv_bits: int = 16,
) -> tuple[Deployment, Deployment]:
    """The same replica, cut and spread."""
    cut = Deployment(
        hardware=hardware,
        model=model,
        precision=precision,
        accelerators=accelerators,
        kv_bits=kv_bits,
    )
    return cut, cut.model_copy(update={"layout": "expert"})


def counts(hardware: Hardware) -> list[int]:
    """How many accelerators can be joined: powers of two within a node, then whole nodes.

    Heads and widths are divisible by powers of two; whole nodes join by spreading experts.
    """
    per_node, most = hardware.accelerators_per_node, hardware.most_accelerators
    within = [2**power for power in range(per_node.bit_length()) if 2**power <= min(per_node, most)]
    return within + list(range(2 * per_node, most + 1, per_node))
