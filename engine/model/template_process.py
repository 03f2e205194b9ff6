"""Runs one chat template in a process of its own: `python -m engine.model.template_process`.

A template comes with a model and is a program. Jinja's sandbox keeps it from Python; what it may
take is bounded here by the operating system: one that computes or grows without end dies with this
process, in whatever it is then, and nothing else does. Lines of JSON on stdin: `{source, names}`
first, then what each rendering is given; each rendering is answered on stdout by `{text}` or
`{refused}`, or by the end of the process.
"""

import contextlib
import datetime as dt
import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_S = 2.0  # that one rendering may take; the longest of real ones takes some 0.1 s
MEMORY_BYTES = 160 * 2**20  # address space, of which Python itself takes some 30 MB


def environment() -> ImmutableSandboxedEnvironment:
    """The Jinja that models' templates are written for."""
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    sandbox.globals["raise_exception"] = _refuse
    sandbox.globals["strftime_now"] = lambda form: dt.datetime.now(tz=dt.UTC).strftime(form)
    sandbox.filters["tojson"] = _to_json
    return sandbox


def _to_json(value: Any, indent: int | None = None) -> str:
    """Jinja's own escapes what HTML does not allow; a model has to read it as it is."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


class _Renderer:
    def __init__(self, source: str, names: dict[str, str]) -> None:
        self._source = source
        self._names = names
        self._template: Template | None = None

    def answer(self, given: dict[str, Any]) -> dict[str, str]:
        try:
            if self._template is None:  # within the limit, as compiling computes constants
                self._template = environment().from_string(self._source)
            return {"text": self._template.render(**self._names, **given)}
        except MemoryError:
            os._exit(1)
        except Exception as error:
            return {"refused": f"{error}" or type(error).__name__}


def main() -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process
    renderer = _Renderer(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        answer = json.dumps(renderer.answer(json.loads(line)))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
