"""What engines reach of the hardware's peaks: a few numbers for all models and all hardware."""

from typing import Annotated

from pydantic import Field

from dashboard.costs.capacity.parts import Entry

Share = Annotated[float, Field(gt=0, le=1)]


class Factors(Entry):
    """Calibrated against published speeds, not measured one by one: each also takes up what the
    model leaves out (imbalance of experts, kernels, scheduling)."""

    memory_share: Share = Field(description="Of an accelerator's memory bandwidth")
    dense_share: Share = Field(description="Of its FLOP/s, in attention and shared layers")
    expert_share: Share = Field(description="Of its FLOP/s, in routed experts")
    link_share: Share = Field(description="Of the link's or network's bandwidth")
    host_memory_share: Share = Field(description="Of the host's memory bandwidth")
    host_flops_share: Share = Field(description="Of the host's FLOP/s")
    layer_overhead_s: float = Field(ge=0, description="Seconds a layer and step, whatever its work")
