"""Chat templates, which come with a model and are run in a process that holds them in bounds."""

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from engine.model.errors import ChatTemplateError, ModelFileError
from engine.model.template_process import CPU_S, MEMORY_BYTES, environment

_ROOT = Path(__file__).resolve().parents[2]


class ChatTemplate:
    """A template. `names` are what it may use beside the messages.

    Its process starts with the first rendering and is there until the template is not; any thread
    may render, one at a time. Raises ModelFileError where it is no Jinja.
    """

    def __init__(self, source: str, names: Mapping[str, str]) -> None:
        try:
            environment().parse(source)  # computes nothing
        except (TemplateError, RecursionError) as error:
            raise ModelFileError(f"The model's chat template cannot be read: {error}.") from error
        self._start = {"source": source, "names": dict(names)}
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Raises ChatTemplateError where the template refuses, or takes too much."""
        given = {
            "messages": messages,
            "tools": tools,
            "add_generation_prompt": add_generation_prompt,
        }
        with self._turn:
            answer = self._answer(given)
        if not answer:
            raise ChatTemplateError(
                f"The model's chat template takes more than {CPU_S:.0f} s or "
                f"{MEMORY_BYTES // 2**20} MB for this."
            )
        told = json.loads(answer)
        if "refused" in told:
            raise ChatTemplateError(f"The model's chat template refuses this: {told['refused']}.")
        return str(told["text"])

    def _answer(self, given: Mapping[str, Any]) -> bytes:
        """The process' line; empty where it died of this, and the next will be another."""
        process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _write(process, given)
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            self._end()
            self._process = None
            return b""
        return answer

    def _started(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.model.template_process"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
        )
        self._process = process
        self._end = weakref.finalize(self, _end, process)
        _write(process, self._start)
        return process


def _write(process: "subprocess.Popen[bytes]", content: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(content).encode() + b"\n")
    process.stdin.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()
