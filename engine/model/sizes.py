"""What a model needs, reckoned from its configuration before any weight is touched."""

from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.model.config import Block, Dense, ModelConfig
from engine.model.errors import ModelFileError
from engine.model.precision import PRECISIONS

# Bytes of one weight in a matrix that is quantised, its share of the scales included: 32 weights
# have a 16-bit scale in int8, a scale and an offset in int4.
_BYTES = {"float32": 4.0, "bfloat16": 2.0, "int8": 1 + 2 / 32, "int4": 0.5 + 4 / 32}
_USABLE = 0.9  # of an accelerator's memory: the rest goes to activations, graphs and the driver
_COUNTS = (1, 2, 4, 8, 16, 32, 64)  # heads and experts divide evenly over powers of two


@dataclass(frozen=True)
class Accelerator:
    name: str
    memory_bytes: float


# Vendors' data sheets, decimal gigabytes.
ACCELERATORS = (
    Accelerator("NVIDIA RTX 5090 (32 GB)", 32e9),
    Accelerator("NVIDIA RTX PRO 6000 (96 GB)", 96e9),
    Accelerator("NVIDIA H100 (80 GB)", 80e9),
    Accelerator("NVIDIA H200 (141 GB)", 141e9),
    Accelerator("NVIDIA B200 (180 GB)", 180e9),
    Accelerator("AMD MI300X (192 GB)", 192e9),
    Accelerator("AMD MI355X (288 GB)", 288e9),
)


@dataclass(frozen=True)
class Needs:
    """What a model takes, by precision; `resident_bytes` with its routed experts left on disk."""

    name: str
    total_parameters: int
    active_parameters: int
    weight_bytes: dict[str, int]
    resident_bytes: dict[str, int]
    cache_bytes_per_token: int  # in 16 bits
    context_length: int

    @property
    def cache_bytes(self) -> int:
        """Of one sequence as long as the context."""
        return self.cache_bytes_per_token * self.context_length


def needs(config: ModelConfig) -> Needs:
    """Figures of a model; from the configuration alone."""
    kept, routed = _kept_parameters(config), _routed_parameters(config)
    total, mixture = config.parameters(), bool(config.mixtures)
    shared = total - kept - routed
    return Needs(
        name=config.name,
        total_parameters=total,
        active_parameters=config.active_parameters(),
        weight_bytes={p: _bytes(p, routed, shared, kept, mixture) for p in PRECISIONS},
        resident_bytes={p: _bytes(p, 0, shared, kept, mixture) for p in PRECISIONS},
        cache_bytes_per_token=2 * config.cached_per_token,
        context_length=config.context_length,
    )


def hardware_for(need: Needs, precision: str) -> list[tuple[int, Accelerator]]:
    """For each accelerator the least number that holds weights and one full context."""
    wanted = need.weight_bytes[precision] + need.cache_bytes
    found = []
    for accelerator in ACCELERATORS:
        fitting = (n for n in _COUNTS if n * accelerator.memory_bytes * _USABLE >= wanted)
        count = next(fitting, None)
        if count:
            found.append((count, accelerator))
    return found


def check_fits(need: Needs, precision: str, available: int, offload: bool = False) -> None:
    """Raises ModelFileError, with the figures and the nearest way that would fit, where the
    weights and the cache of one full context are more than the bytes that are available."""
    wanted = (need.resident_bytes if offload else need.weight_bytes)[precision]
    if wanted + need.cache_bytes <= available:
        return
    raise ModelFileError(
        f"{need.name} needs {gigabytes(wanted)} for its weights in "
        f"{precision} and {gigabytes(need.cache_bytes)} for its cache; {gigabytes(available)} of "
        f"memory are available. {_nearest(need, available)}"
    )


def _nearest(need: Needs, available: int) -> str:
    size = gigabytes(need.weight_bytes["int4"])
    if need.weight_bytes["int4"] + need.cache_bytes <= available:
        return f"It would fit here in int4 ({size} of weights)."
    resident = need.resident_bytes["int4"]
    if resident < need.weight_bytes["int4"] and resident + need.cache_bytes <= available:
        return (
            f"It would run here in int4 with its routed experts left on disk (--offload, "
            f"{gigabytes(resident)} of weights in memory), at the disk's speed."
        )
    smallest = min(
        hardware_for(need, "int4"), key=lambda held: held[0] * held[1].memory_bytes, default=None
    )
    if smallest is None:
        return "No single cluster in our table holds it, not even in int4."
    return f"The nearest that holds it, in int4 ({size}): {smallest[0]} × {smallest[1].name}."


def available_memory() -> int:
    """Bytes that a process may still take: what is free, or what its control group leaves it."""
    free = int(psutil.virtual_memory().available)
    return min([free, *_control_group_room()])


def _control_group_room() -> list[int]:
    """Version 2's file names first, then version 1's."""
    root = Path("/sys/fs/cgroup")
    pairs = (
        (root / "memory.max", root / "memory.current"),
        (root / "memory/memory.limit_in_bytes", root / "memory/memory.usage_in_bytes"),
    )
    room = []
    for limit, used in pairs:
        try:
            room.append(int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # not there, or "max": no limit
            continue
    return room


def gigabytes(count: float) -> str:
    """Bytes for people, in decimal units: "1,029 GB", "7.4 GB", "98 MB"."""
    if count < 1e9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 1e11 else f"{count / 1e9:,.0f} GB"


def _bytes(precision: str, routed: int, shared: int, kept: int, mixture: bool) -> int:
    """In int4, a mixture's experts alone have 4 bits."""
    wide = _BYTES["int8" if precision == "int4" and mixture else precision]
    halves = kept * (4 if precision == "float32" else 2)
    return round(routed * _BYTES[precision] + shared * wide + halves)


def _routed_parameters(config: ModelConfig) -> int:
    return sum(part.count * part.expert_parameters(config.hidden) for part in config.mixtures)


def _kept_parameters(config: ModelConfig) -> int:
    """Weights that no precision rounds: embedding, norms, routers."""
    ends = config.hidden * config.vocab_size + config.hidden
    return ends + sum(_kept_of_block(block, config.hidden) for block in config.blocks)


def _kept_of_block(block: Block, hidden: int) -> int:
    part = block.feed_forward
    routers = 0 if isinstance(part, Dense) else part.count * hidden
    return routers + 2 * hidden
