"""A machine whose clock, meters and suspensions a test moves by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.energy.attribution import Attributor, Work
from engine.energy.meter_set import MeterSet
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError
from engine.energy.processor import ProcessorTime

TOKEN = Work(prefill_tokens=0, decode_tokens=1, flops=2e8, bytes_moved=1e8)
NOBODY: Mapping[int, Work] = {}
EXACT = Accuracy(0.0, "the bench")


@dataclass
class Machine:
    """One device that draws what it is told to, with a counter refreshed every `refresh_s`."""

    kind: Kind = "accelerator"
    refresh_s: float = 0.0
    settle_s: float = 0.0
    floor_w: float | None = None
    source: str = "bench"
    basis: Basis = "measured"
    accuracy: Accuracy = EXACT
    fails: bool = False
    epoch: int = 0
    now: float = 1000.0
    wall_offset: float = 1_700_000_000.0
    slept: float = 0.0
    drawn_j: float = 0.0
    own_s: float = 0.0
    everybody_s: float = 0.0
    shown: Count = field(default_factory=lambda: Count(0.0))
    shown_at: float = 1000.0
    reads: int = 0

    def attributor(self) -> Attributor:
        return Attributor(
            MeterSet((self,)),
            clock=lambda: self.now,
            wall=lambda: self.now + self.wall_offset,
            slept=lambda: self.slept,
            processor=lambda: ProcessorTime(self.own_s, self.everybody_s),
        )

    def read(self) -> dict[str, Count]:
        self.reads += 1
        if self.fails:
            raise MeterError("The bench meter is unplugged.")
        return {"device": self.shown if self.refresh_s else Count(self.drawn_j, self.epoch)}

    def detail(self) -> str:
        return "a meter on the bench"

    def run(self, seconds: float, watts: float, own: float = 0.0, others: float = 0.0) -> None:
        """Time passes; `own` and `others` are the processors kept busy."""
        end = self.now + seconds
        while self.refresh_s and self.shown_at + self.refresh_s <= end:
            self.shown_at += self.refresh_s
            at = max(0.0, self.shown_at - self.now)
            self.shown = Count(self.drawn_j + at * watts, self.epoch)
        self.now = end
        self.drawn_j += seconds * watts
        self.own_s += seconds * own
        self.everybody_s += seconds * (own + others)

    def step(
        self, attributor: Attributor, seconds: float, watts: float, work: Mapping[int, Work]
    ) -> None:
        started = self.now
        self.run(seconds, watts, own=1.0)
        attributor.step(started, self.now, work)
