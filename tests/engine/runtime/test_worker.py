"""The worker as the gateway sees it: a process at the other end of a socket."""

import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.energy.calibration import Calibration, Setup
from engine.energy.meter_set import detect
from engine.energy.work import StepCosts
from engine.model.tokenizer import Tokenizer
from engine.runtime.protocol import (
    Abort,
    Configure,
    Energy,
    FromWorker,
    Load,
    Output,
    Ready,
    SamplingParams,
    Step,
    Submit,
    ToWorker,
    WorkerError,
    decode_from_worker,
    encode,
)
from tests.conftest import make_home
from tests.engine.model.reference import write_carving


class Gateway:
    """Starts a worker and speaks with it."""

    def __init__(self, weights: Path, home: Path, *options: str) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(120)
        command = [sys.executable, "-m", "engine.runtime.worker", "--fd", str(theirs.fileno())]
        self.process = subprocess.Popen(
            [*command, "--weights", str(weights), *options],
            pass_fds=[theirs.fileno()],
            env={"PATH": "/usr/bin:/bin", "BREAKEVEN_HOME": str(home)},
        )
        theirs.close()
        self._lines = self._socket.makefile("rb")

    def send(self, *messages: ToWorker) -> None:
        """All at once, so that the worker sees them together."""
        self._socket.sendall(b"".join(encode(message) for message in messages))

    def next(self) -> FromWorker:
        return decode_from_worker(self._lines.readline())

    def close(self) -> int:
        self._lines.close()
        self._socket.close()
        return self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def carved(gguf_path: Path, home: Path) -> Path:
    return write_carving(home / "c.safetensors", gguf_path)


@pytest.fixture(scope="module")
def gateway(gguf_path: Path, home: Path, carved: Path) -> Iterator[Gateway]:
    started = Gateway(gguf_path, home, "--carved", str(carved), "--threads", "2")
    ready = started.next()
    assert isinstance(ready, Ready)
    yield started
    started.close()


def ask(gateway: Gateway, tokenizer: Tokenizer, request_id: int, tokens: int = 5) -> None:
    ids = tokenizer.encode_chat([{"role": "user", "content": "Tell me a story."}])
    gateway.send(Submit(request_id, [ids], SamplingParams(tokens, temperature=1.0, seed=1)))


def until_finished(gateway: Gateway, request_id: int) -> tuple[list[FromWorker], Output]:
    messages: list[FromWorker] = []
    while True:
        messages.append(gateway.next())
        if isinstance(messages[-1], Step):
            for output in messages[-1].outputs:
                if output.request_id == request_id and output.finish_reason:
                    return messages, output


def next_energy(gateway: Gateway) -> Energy:
    """Past the loads that are told beside it."""
    message = gateway.next()
    while isinstance(message, Load):
        message = gateway.next()
    assert isinstance(message, Energy)
    return message


def test_ready_tells_what_was_loaded(gguf_path: Path, home: Path, carved: Path) -> None:
    gateway = Gateway(gguf_path, home, "--carved", str(carved), "--experts-per-token", "8")
    ready = gateway.next()
    assert isinstance(ready, Ready)
    assert ready.model == "SmolLM2-135M-Instruct"
    assert (ready.layers, ready.routed_experts, ready.shared_experts) == (30, 32, 16)
    assert (ready.experts_per_token, ready.default_experts_per_token) == (8, 24)
    assert ready.active_parameters < ready.total_parameters
    assert ready.meters
    loading = gateway.next()
    assert isinstance(loading, Energy)
    assert loading.window.loading_j > 0
    assert loading.window.shares == {}
    assert gateway.close() == 0


def test_every_joule_of_a_request_is_told_before_its_end(
    gateway: Gateway, tokenizer: Tokenizer
) -> None:
    ask(gateway, tokenizer, 11)
    messages, _ = until_finished(gateway, 11)
    assert isinstance(messages[-2], Energy)
    assert 11 in messages[-2].window.shares
    after = next_energy(gateway)
    assert 11 not in after.window.shares


def test_shares_and_idle_add_up_to_the_total(gateway: Gateway, tokenizer: Tokenizer) -> None:
    ask(gateway, tokenizer, 21, tokens=30)
    ask(gateway, tokenizer, 22, tokens=10)
    messages, _ = until_finished(gateway, 21)
    windows = [message.window for message in messages if isinstance(message, Energy)]
    assert {key for window in windows for key in window.shares} == {21, 22}
    for window in windows:
        if window.total_j is not None:
            given = sum(share for share in window.shares.values() if share is not None)
            assert window.idle_j is not None
            unserved = window.idle_j + window.overhead_j + window.loading_j + window.other_j
            assert given + unserved == pytest.approx(window.total_j, rel=1e-9)


def test_energy_is_told_every_second_without_work(gateway: Gateway) -> None:
    windows = [next_energy(gateway).window for _ in range(3)]
    assert all(window.shares == {} for window in windows)
    assert statistics.median(window.duration_s for window in windows) < 1.5


def test_loads_add_up_to_every_token_and_every_choice_of_an_expert(
    gateway: Gateway, tokenizer: Tokenizer
) -> None:
    while not isinstance(gateway.next(), Load):  # what was before is told
        pass
    ask(gateway, tokenizer, 41, tokens=30)
    messages, end = until_finished(gateway, 41)
    messages += [gateway.next() for _ in range(4)]  # without work about two a second
    loads = [message for message in messages if isinstance(message, Load)]
    prompt = len(tokenizer.encode_chat([{"role": "user", "content": "Tell me a story."}]))
    computed = prompt - end.cached_input_tokens
    assert sum(load.prompt_tokens for load in loads) == computed
    assert sum(load.output_tokens for load in loads) == end.output_tokens == 30
    # The last token of an answer is drawn and not computed.
    tokens = sum(load.experts_tokens for load in loads)
    assert tokens == computed + 29
    chosen = sum(sum(map(sum, load.experts)) for load in loads if load.experts)
    assert chosen == pytest.approx(24 * 30 * tokens, rel=0.02)
    assert sum(load.sequences for load in loads) == sum(load.steps for load in loads) == 30
    assert loads[-1].running == loads[-1].cache_blocks_held == 0
    assert all(load.computing_s <= load.duration_s for load in loads)


def test_an_abort_is_answered_with_a_cancelled_end(gateway: Gateway, tokenizer: Tokenizer) -> None:
    ask(gateway, tokenizer, 31, tokens=4000)
    while not isinstance(gateway.next(), Step):
        pass
    gateway.send(Abort(31))
    _, last = until_finished(gateway, 31)
    assert last.finish_reason == "cancelled"
    assert last.output_tokens >= 1


def test_the_number_of_experts_changes_between_steps(
    gateway: Gateway, tokenizer: Tokenizer
) -> None:
    gateway.send(Configure(4))
    ask(gateway, tokenizer, 41)
    messages, last = until_finished(gateway, 41)
    assert last.experts_active_mean == pytest.approx(4)
    assert isinstance(messages[-1], Step)
    assert messages[-1].experts_per_token == 4
    gateway.send(Configure(None))
    ask(gateway, tokenizer, 42)
    _, last = until_finished(gateway, 42)
    assert last.experts_active_mean == pytest.approx(24)


def test_steps_are_charged_by_what_was_calibrated(
    gguf_path: Path, tmp_path: Path, weights_dir: Path, tokenizer: Tokenizer
) -> None:
    home = make_home(tmp_path / "home", weights_dir)
    gateway = Gateway(gguf_path, home, "--threads", "2")
    ready = gateway.next()
    gateway.close()
    assert isinstance(ready, Ready)
    assert ready.calibration is None
    setup = Setup(ready.model, ready.precision, ready.kernel, ready.threads, False, detect().source)
    prompts_are_free = StepCosts(0.0, 1.0, 0.0, 0.0, 0.0)
    Calibration("2026-11-25T12:00:00+00:00", setup, prompts_are_free, 0.03, "rapl").save(home)

    gateway = Gateway(gguf_path, home, "--threads", "2")
    ready = gateway.next()
    assert isinstance(ready, Ready)
    assert ready.calibration == {
        "at": "2026-11-25T12:00:00+00:00", "error": 0.03, "source": "rapl",
    }  # fmt: skip
    ask(gateway, tokenizer, 1, tokens=400)
    while not isinstance(gateway.next(), Step):
        pass
    # One step, in which the other's answer goes on: only that has a cost now.
    gateway.send(Submit(2, [list(range(1000, 1200))], SamplingParams(1, temperature=1.0, seed=1)))
    messages, _ = until_finished(gateway, 2)
    windows = [message.window for message in messages if isinstance(message, Energy)]
    assert sum(window.shares.get(2) or 0.0 for window in windows) == 0
    assert sum(window.shares.get(1) or 0.0 for window in windows) > 0
    gateway.close()

    gateway = Gateway(gguf_path, home, "--threads", "2", "--precision", "int8")
    ready = gateway.next()
    gateway.close()
    assert isinstance(ready, Ready)
    assert ready.calibration is None  # it was measured with other weights

    replaced = replace(setup, meters="a meter that is gone")
    Calibration("2026-11-25T12:00:00+00:00", replaced, prompts_are_free, 0.03, "x").save(home)
    gateway = Gateway(gguf_path, home, "--threads", "2")
    ready = gateway.next()
    gateway.close()
    assert isinstance(ready, Ready)
    assert ready.calibration is None  # or by another meter


@pytest.mark.slow
def test_two_equal_requests_at_once_are_charged_the_same(gguf_path: Path, home: Path) -> None:
    gateway = Gateway(gguf_path, home, "--threads", "2")
    assert isinstance(gateway.next(), Ready)
    charged = {1: 0.0, 2: 0.0}
    prompt = list(range(2000, 2100))
    # Of two tenants, as one's prompt is not read from the other's cache.
    gateway.send(
        *(Submit(i, [prompt], SamplingParams(600, 5.0, seed=1), tenant=i) for i in charged)
    )
    unfinished = set(charged)
    while unfinished:
        message = gateway.next()
        if isinstance(message, Energy):
            for request, joules in message.window.shares.items():
                assert joules is not None
                charged[request] += joules
        if isinstance(message, Step):
            unfinished -= {out.request_id for out in message.outputs if out.finish_reason}
    gateway.close()
    assert charged[1] > 0
    assert charged[1] == pytest.approx(charged[2], rel=0.02)


def test_weights_that_cannot_be_read_are_one_clear_line(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(64))
    gateway = Gateway(bad, home)
    error = gateway.next()
    assert isinstance(error, WorkerError)
    assert "not a complete GGUF file" in error.message
    assert "\n" not in error.message
    assert gateway.close() == 1


def test_the_worker_ends_when_the_gateway_leaves(gguf_path: Path, home: Path) -> None:
    gateway = Gateway(gguf_path, home, "--precision", "int4")
    gateway.next()
    assert gateway.close() == 0
