"""Counts what the engine's steps did, so that a message a second tells how busy it is."""

import time
from collections.abc import Sequence

import numpy as np
import psutil
import torch

from engine.runtime.engine import Engine, Processed
from engine.runtime.protocol import Load

TOLD_EVERY_S = 1.0


class LoadMeter:
    """Of a step it adds a few integers and, for each sequence, its experts' counts; all else is
    done when `take` is called."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._process = psutil.Process()
        config, routed = engine.model.config, engine.model.routed_experts
        self._experts = np.zeros((config.layers, routed), np.int32)
        self._clear()

    def _clear(self) -> None:
        self._began = time.monotonic()
        self._computing_s = 0.0
        self._steps = self._sequences = 0
        self._prompt_tokens = self._output_tokens = 0
        self._experts[:] = 0
        self._experts_tokens = 0

    @property
    def left_s(self) -> float:
        """Until the next message is due."""
        return self._began + TOLD_EVERY_S - time.monotonic()

    def note(self, took_s: float, processed: Sequence[Processed]) -> None:
        """A step, and what it computed of each sequence in it."""
        if not processed:
            return
        self._computing_s += took_s
        self._steps += 1
        self._sequences += len(processed)
        for part in processed:
            if part.is_prefill:
                self._prompt_tokens += part.tokens
            self._output_tokens += part.outputs
            self._experts_tokens += part.tokens
            self._experts += part.chosen

    def take(self) -> Load:
        """What was noted since the last one."""
        scheduler = self._engine.scheduler
        chosen = self._experts.any()
        load = Load(
            duration_s=time.monotonic() - self._began,
            computing_s=self._computing_s,
            steps=self._steps,
            sequences=self._sequences,
            prompt_tokens=self._prompt_tokens,
            output_tokens=self._output_tokens,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            cache_blocks_held=scheduler.pool.held,
            cache_blocks=scheduler.pool.size,
            memory_bytes=self._process.memory_info().rss,
            accelerator_bytes=_accelerator_bytes(),
            experts_per_token=self._engine.model.experts_per_token,
            experts_tokens=self._experts_tokens if chosen else 0,
            experts=self._experts.tolist() if chosen else None,
        )
        self._clear()
        return load


def _accelerator_bytes() -> int | None:
    """What torch holds of an accelerator's memory; None where it uses none."""
    return torch.cuda.memory_reserved() if torch.cuda.is_initialized() else None
