"""The messages between the gateway and the engine worker.

One JSON object a line, in both directions, over a local socket. The gateway sends `Submit`, `Abort`
and `Configure`; the worker sends one `Ready`, then a `Step` for every engine step that produced
something, an `Energy` for every closed energy window, and a `Load` about once a second. This module
knows nothing of torch.
"""

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from engine.energy.window import DeviceEnergy, EnergyWindow

FinishReason = Literal["stop", "length", "cancelled", "error"]


@dataclass(slots=True)
class SamplingParams:
    """How the next token is drawn. Defaults are OpenAI's; `seed` None means unrepeatable."""

    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0  # 0: off
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: list[str] = field(default_factory=list)
    top_logprobs: int | None = None  # None: no log-probabilities; 0: the chosen token's only


@dataclass(slots=True)
class Submit:
    """Start a request: `n` answers to each of its prompts, those of the first prompt first.

    `request_id` is the ledger's id. Of several tenants each gets its turn, and what is in the cache
    of one is not read for another.
    """

    request_id: int
    prompts: list[list[int]]  # token ids
    sampling: SamplingParams
    report_experts: bool = False
    grammar: str | None = None  # that the answer has to follow, in llguidance's Lark
    shown: list[int] = field(default_factory=list)  # special tokens that are text here
    n: int = 1
    tenant: int = 0
    type: Literal["submit"] = "submit"

    @property
    def answers(self) -> int:
        return self.n * len(self.prompts)


@dataclass(slots=True)
class Abort:
    """Stop a request; the worker answers with a final `Output` (finish_reason "cancelled")."""

    request_id: int
    type: Literal["abort"] = "abort"


@dataclass(slots=True)
class Configure:
    """Change the number of routed experts per token from the next step on (None: the default)."""

    experts_per_token: int | None
    type: Literal["configure"] = "configure"


@dataclass(slots=True)
class Ready:
    """The model is loaded. Parameter counts are numbers of weights; `active` is per token."""

    model: str
    architecture: str
    context_length: int
    precision: str
    layers: int
    routed_experts: int
    shared_experts: int
    experts_per_token: int
    default_experts_per_token: int
    experts_adjustable: bool  # whether `Configure` changes anything
    total_parameters: int
    active_parameters: int
    weight_bytes: int
    threads: int
    kernel: str
    load_ms: float
    meters: list[dict[str, Any]]
    energy_summary: str  # what is measured and what is not, for people
    calibration: dict[str, Any] | None  # when and how well energy was calibrated, if it was
    type: Literal["ready"] = "ready"


@dataclass(slots=True)
class TokenLogprob:
    """A token's text and log-probability, with the most likely alternatives beside it."""

    token: str
    token_bytes: list[int]
    logprob: float
    top: list[tuple[str, list[int], float]] = field(default_factory=list)


@dataclass(slots=True)
class Output:
    """What one step did for one of a request's answers (`index`).

    `text` is what may be shown now (whole characters, no part of a stop string); `output_tokens` is
    the count so far, `cached_input_tokens` of the prompt that were not recomputed. With
    `finish_reason` set it is the last message of this answer. `experts[layer][expert]` counts how
    often each routed expert was chosen, only in the last message and only where asked for.
    """

    request_id: int
    text: str
    output_tokens: int
    cached_input_tokens: int = 0
    queue_ms: float | None = None
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    stopped_by: str | None = None  # the request's stop string that ended it, if one did
    error: str | None = None
    unanswerable: bool = False  # the error is the request's, not the engine's
    experts_active_mean: float | None = None
    experts: list[list[int]] | None = None
    index: int = 0


@dataclass(slots=True)
class Step:
    """One engine step: its outputs, and how many sequences run and wait after it."""

    outputs: list[Output]
    running: int
    waiting: int
    experts_per_token: int
    type: Literal["step"] = "step"


@dataclass(slots=True)
class Energy:
    """One closed energy window. Request ids are strings in JSON, integers again once decoded."""

    window: EnergyWindow
    type: Literal["energy"] = "energy"


@dataclass(slots=True)
class Load:
    """What the engine did in the last second or so, and how full it is at its end.

    `sequences` are summed over the steps: divided by `steps` they are the mean batch. Prompt tokens
    are those that were computed, output tokens those that were drawn. `experts[layer][expert]`
    counts how often the `experts_tokens` computed tokens chose each; None: none was chosen.
    `accelerator_bytes` None: it computes on the processor.
    """

    duration_s: float
    computing_s: float
    steps: int
    sequences: int
    prompt_tokens: int
    output_tokens: int
    running: int
    waiting: int
    cache_blocks_held: int
    cache_blocks: int
    memory_bytes: int
    accelerator_bytes: int | None
    experts_per_token: int
    experts_tokens: int
    experts: list[list[int]] | None
    type: Literal["load"] = "load"


@dataclass(slots=True)
class WorkerError:
    """The worker cannot start or go on; the message is one clear line for people."""

    message: str
    type: Literal["worker_error"] = "worker_error"


ToWorker = Submit | Abort | Configure
FromWorker = Ready | Step | Energy | Load | WorkerError


def encode(message: ToWorker | FromWorker) -> bytes:
    """One line of JSON with its newline."""
    plain = _of_load(message) if isinstance(message, Load) else asdict(message)
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def decode_to_worker(line: bytes) -> ToWorker:
    """The worker's side of `encode`."""
    fields = json.loads(line)
    match fields["type"]:
        case "submit":
            return Submit(**{**fields, "sampling": SamplingParams(**fields["sampling"])})
        case "abort":
            return Abort(**fields)
        case "configure":
            return Configure(**fields)
        case other:
            raise ValueError(f"unknown message to the worker: {other!r}")


def decode_from_worker(line: bytes) -> FromWorker:
    """The gateway's side of `encode`."""
    fields = json.loads(line)
    match fields["type"]:
        case "step":
            outputs = [_output(item) for item in fields.pop("outputs")]
            return Step(outputs=outputs, **fields)
        case "energy":
            return Energy(_window(fields["window"]))
        case "load":
            return Load(**fields)
        case "ready":
            return Ready(**fields)
        case "worker_error":
            return WorkerError(**fields)
        case other:
            raise ValueError(f"unknown message from the worker: {other!r}")


def _of_load(load: Load) -> dict[str, Any]:
    """Without the deep copy that `asdict` makes: there may be thousands of experts."""
    return {one.name: getattr(load, one.name) for one in dataclasses.fields(load)}


def _output(fields: dict[str, Any]) -> Output:
    logprobs = [TokenLogprob(**item) for item in fields.pop("logprobs")]
    return Output(logprobs=logprobs, **fields)


def _window(fields: dict[str, Any]) -> EnergyWindow:
    for name in ("shares", "prefill"):
        fields[name] = {int(key): value for key, value in fields[name].items()}
    fields["devices"] = [DeviceEnergy(**device) for device in fields["devices"]]
    return EnergyWindow(**fields)
