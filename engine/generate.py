"""`python -m engine generate "…"`: one answer in the terminal, without gateway or ledger."""

import sys
import time
from dataclasses import dataclass

import click

from db.settings import Settings
from engine.energy.attribution import Attributor
from engine.local_engine import load_engine
from engine.machine_meters import machine_meters
from engine.model.errors import ModelFileError
from engine.model.model import Model
from engine.model.threads import thread_count
from engine.runtime.engine import Engine
from engine.runtime.metered import MeteredEngine
from engine.runtime.protocol import Output, SamplingParams, Submit
from engine.weights import WeightsError

_REQUEST = 1


@dataclass(frozen=True)
class _Answer:
    last: Output
    prompt_tokens: int
    first_token_s: float
    total_s: float
    energy_j: float | None


def run(settings: Settings, prompt: str, sampling: SamplingParams) -> None:
    """Prints the answer as it comes, then what it took; exits 1 with one line where it cannot."""
    try:
        threads = thread_count(settings.threads)
        engine = load_engine(settings, threads, 1)
    except (WeightsError, ModelFileError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    meters = machine_meters(settings)
    with Attributor(meters) as attributor:
        answer = _answer(engine, attributor, prompt, sampling)
    _tell(engine.model, answer, meters.basis, meters.source, threads)


def _answer(
    engine: Engine, attributor: Attributor, prompt: str, sampling: SamplingParams
) -> _Answer:
    ids = engine.tokenizer.encode_chat([{"role": "user", "content": prompt}])
    engine.submit(Submit(_REQUEST, [ids], sampling))
    metered = MeteredEngine(engine, attributor)
    begun = time.monotonic()
    first_token_s = None
    while True:
        result = metered.step()
        ended = time.monotonic()
        for output in result.outputs:
            first_token_s = first_token_s or ended - begun
            click.echo(output.text, nl=False)
            if output.error:
                click.echo(output.error, err=True)
                sys.exit(1)
            if output.finish_reason:
                click.echo()
                share = metered.close_window().shares.get(_REQUEST)
                return _Answer(output, len(ids), first_token_s, ended - begun, share)


def _tell(model: Model, answer: _Answer, basis: str, source: str, threads: int) -> None:
    last = answer.last
    decoding_s = answer.total_s - answer.first_token_s
    speed = f"{(last.output_tokens - 1) / decoding_s:.1f}" if last.output_tokens > 1 else "–"
    if answer.energy_j is None:
        energy = "unknown (the meter failed)"
    else:
        energy = f"{answer.energy_j:.2f} J ({basis}: {source})"
    lines = [
        ("tokens", f"{answer.prompt_tokens} in, {last.output_tokens} out ({last.finish_reason})"),
        ("speed", f"{speed} tokens/s; first token after {answer.first_token_s * 1000:.0f} ms"),
        ("energy", energy),
        ("model", f"{model.config.name}, {model.precision}, {model.kernel}, {threads} threads"),
    ]
    if last.experts_active_mean is not None:
        used = f"{last.experts_active_mean:.1f} of {model.routed_experts} a token and layer"
        lines.append(("experts", f"{used}, beside {model.shared_experts} shared"))
    click.echo()
    for name, value in lines:
        click.echo(f"{name:<8}{value}")
