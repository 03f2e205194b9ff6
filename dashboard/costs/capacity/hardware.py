"""Accelerators and the machines around them."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from dashboard.costs.capacity.parts import Entry, Positive, Source
from dashboard.costs.models import Amount

ComputePrecision = Literal["bf16", "fp8", "fp4"]


class Rates(Entry):
    """Peak dense multiplications, FLOP/s. None: the hardware has no such unit."""

    bf16: Positive = Field(description="FLOP/s in 16 bits")
    fp8: Positive | None = Field(default=None, description="FLOP/s in 8 bits")
    fp4: Positive | None = Field(default=None, description="FLOP/s in 4 bits")

    def at(self, precision: ComputePrecision) -> float:
        """The rate in `precision`, or in 16 bits where the hardware lacks it: such weights are
        then only stored in it."""
        return getattr(self, precision) or self.bf16


class HostMemory(Entry):
    """A processor's memory that holds the experts, in the manner of KTransformers."""

    memory_bytes: Positive = Field(description="Bytes of main memory")
    memory_bandwidth: Positive = Field(description="Bytes/s of all channels of all sockets")
    flops: Positive = Field(description="FLOP/s of the cores in 32 bits (AVX-512)")


class HardwarePrice(Entry):
    """Typical purchase price in US dollars before tax."""

    accelerator: Amount = Field(description="US dollars for one accelerator")
    host: Amount | None = Field(
        default=None, description="US dollars for the rest of one node; None: unknown"
    )
    estimated: bool = Field(default=False, description="Whether it is a range's middle or older")
    source: Source


class Hardware(Entry):
    """One kind of accelerator, with the node that it sits in."""

    name: str
    title: str
    memory_bytes: Positive = Field(description="Bytes on one accelerator")
    memory_bandwidth: Positive = Field(description="Bytes/s of one accelerator's memory")
    flops: Rates
    watts: Positive = Field(description="Rated watts of one accelerator")
    accelerators_per_node: int = Field(ge=1)
    sold_in: int = Field(default=1, ge=1, description="How many one has to buy together")
    most_accelerators: int = Field(ge=1, description="The most that can serve as one replica")
    link_bandwidth: Positive = Field(description="Bytes/s one way to others of its node")
    network_bandwidth: Positive | None = Field(
        default=None, description="Bytes/s one way to other nodes; None: no such network"
    )
    host_watts: float | None = Field(
        default=None, ge=0, description="Rated watts of the rest of one node; None: unknown"
    )
    host: HostMemory | None = Field(default=None, description="Where the experts are kept instead")
    price: HardwarePrice | None = Field(default=None, description="None: unknown")
    source: Source

    def nodes(self, accelerators: int) -> int:
        return -(-accelerators // self.accelerators_per_node)

    def bought(self, accelerators: int) -> int:
        """How many have to be bought to have so many."""
        return -(-accelerators // self.sold_in) * self.sold_in

    def cost(self, accelerators: int) -> Decimal | None:
        """What so many cost in US dollars, with their hosts; None: unknown in part or whole."""
        if self.price is None or self.price.host is None:
            return None
        bought = self.bought(accelerators)
        return self.price.accelerator * bought + self.price.host * self.nodes(bought)

    def rated_watts(self, accelerators: int) -> float:
        """Rated watts of all that has to be bought, with hosts where those are known."""
        bought = self.bought(accelerators)
        return self.watts * bought + (self.host_watts or 0.0) * self.nodes(bought)
