"""One upstream server: what it serves, whether it answers, how much it is doing."""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic_core import from_json

from engine.api.upstreams.config import UpstreamConfig
from engine.api.upstreams.machine import Machine

log = logging.getLogger(__name__)

ASKED_WITHIN_S = 5.0
_LONGEST_CONTEXT = 2**31


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as its server spells it. `context_length` in tokens, None: it does not say."""

    name: str
    context_length: int | None


@dataclass(eq=False)
class Replica:
    """`models` by their names in lower case; `problem` says why it does not answer, None: it
    does. `asked` becomes true with the first answer or refusal."""

    config: UpstreamConfig
    machine: Machine
    models: dict[str, ServedModel] = field(default_factory=dict)
    problem: str | None = "It was not asked yet."
    asked: bool = False
    running: int = 0
    doubted: asyncio.Event = field(default_factory=asyncio.Event)  # so it is to be asked at once

    def __post_init__(self) -> None:
        names = self.config.models or ()
        self.models = {name.lower(): ServedModel(name, None) for name in names}

    @property
    def url(self) -> str:
        return self.config.url

    @property
    def is_up(self) -> bool:
        return self.problem is None

    @property
    def is_free(self) -> bool:
        return self.is_up and self.running < self.config.max_running

    @property
    def load(self) -> float:
        return self.running / self.config.max_running

    @property
    def headers(self) -> dict[str, str]:
        key = self.config.api_key
        return {"authorization": f"Bearer {key}"} if key else {}

    def fail(self, problem: str) -> None:
        """It does not answer; the next check may find that it does again."""
        if self.problem != problem:
            log.warning("The upstream %s: %s", self.url, problem)
        self.problem, self.asked = problem, True
        self.doubted.set()

    def doubt(self) -> None:
        """Something went wrong: whether it is still there is asked at once."""
        self.doubted.set()

    async def check(self, session: aiohttp.ClientSession) -> None:
        """Ask what it serves, which tells also whether it is there."""
        try:
            async with (
                asyncio.timeout(ASKED_WITHIN_S),
                session.get(
                    f"{self.url}/models", headers=self.headers, allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    self.fail(f"It answers {response.status} when asked for its models.")
                    return
                listing = from_json(await response.read())
        except TimeoutError:
            self.fail(f"It does not answer within {ASKED_WITHIN_S:.0f} s.")
            return
        except (aiohttp.ClientError, OSError) as error:
            self.fail(f"It cannot be reached ({reason(error)}).")
            return
        except ValueError:
            self.fail("What it says of its models is no JSON.")
            return
        self._take(listing)

    def _take(self, listing: Any) -> None:
        entries = listing.get("data") if isinstance(listing, dict) else None
        if not isinstance(entries, list):
            self.fail("What it says of its models is no OpenAI listing.")
            return
        listed = {
            entry["id"].lower(): ServedModel(entry["id"], _context_length(entry))
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        }
        if self.config.models is None:
            self.models = listed
        else:
            named = {name.lower(): ServedModel(name, None) for name in self.config.models}
            self.models = {name: listed.get(name, model) for name, model in named.items()}
        if self.problem is not None and self.asked:
            log.warning("The upstream %s answers again.", self.url)
        self.problem, self.asked = None, True
        self.doubted.clear()


def reason(error: Exception) -> str:
    """Why a connection failed, in a few words and without addresses of the team's network."""
    cause = getattr(error, "os_error", None) or error
    number = getattr(cause, "errno", None)
    return os.strerror(number) if isinstance(number, int) else type(cause).__name__


def _context_length(entry: dict[str, Any]) -> int | None:
    """vLLM and SGLang say `max_model_len`, others `context_length`; llama.cpp has it in `meta`."""
    meta = entry.get("meta")
    places = [entry.get("max_model_len"), entry.get("context_length")]
    if isinstance(meta, dict):
        places += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    good = (n for n in places if isinstance(n, int) and not isinstance(n, bool))
    return next((n for n in good if 0 < n <= _LONGEST_CONTEXT), None)
