"""llama.cpp through the low-level functions of `llama-cpp-python`, as a peer to measure against."""

import ctypes
import time
from pathlib import Path
from typing import Any

_CONTEXT = 1024  # positions a sequence


class LlamaCpp:
    """One context for up to `together` sequences. ImportError where the package is missing."""

    def __init__(self, gguf: Path, threads: int, together: int) -> None:
        import llama_cpp

        self._c: Any = llama_cpp
        silent = self._c.llama_log_callback(lambda *_: None)
        self._silent = silent
        self._c.llama_log_set(silent, ctypes.c_void_p(0))
        self._c.llama_backend_init()
        self._model = self._c.llama_model_load_from_file(
            str(gguf).encode(), self._c.llama_model_default_params()
        )
        parameters = self._c.llama_context_default_params()
        parameters.n_ctx = _CONTEXT * together
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_seq_max = together
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = self._c.llama_init_from_model(self._model, parameters)
        self._vocab_size = self._c.llama_vocab_n_tokens(self._c.llama_model_get_vocab(self._model))

    @property
    def instructions(self) -> str:
        """What it was compiled to use, as it says itself."""
        return str(self._c.llama_print_system_info().decode())

    def decode(self, prompt: list[int], tokens: int, together: int) -> list[float]:
        """Seconds a step of so many equal sequences, each step one batch, greedily."""
        self._c.llama_memory_clear(self._c.llama_get_memory(self._context), True)
        for sequence in range(together):
            self._run([(token, i, sequence) for i, token in enumerate(prompt)])
        chosen = [self._best(-1)] * together
        seconds = []
        for step in range(tokens - 1):
            started = time.perf_counter()
            at = len(prompt) + step
            self._run([(token, at, sequence) for sequence, token in enumerate(chosen)], True)
            chosen = [self._best(row) for row in range(together)]
            seconds.append(time.perf_counter() - started)
        return seconds

    def prefill(self, prompt: list[int]) -> list[float]:
        """Seconds from a prompt to its first token."""
        self._c.llama_memory_clear(self._c.llama_get_memory(self._context), True)
        started = time.perf_counter()
        self._run([(token, i, 0) for i, token in enumerate(prompt)])
        self._best(-1)
        return [time.perf_counter() - started]

    def _run(self, entries: list[tuple[int, int, int]], every: bool = False) -> None:
        batch = self._c.llama_batch_init(len(entries), 0, 1)
        batch.n_tokens = len(entries)
        for row, (token, position, sequence) in enumerate(entries):
            batch.token[row], batch.pos[row] = token, position
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, sequence
            batch.logits[row] = every or row == len(entries) - 1
        code = self._c.llama_decode(self._context, batch)
        self._c.llama_batch_free(batch)
        if code:
            raise RuntimeError(f"llama_decode gave {code}")

    def _best(self, row: int) -> int:
        import numpy as np

        logits = self._c.llama_get_logits_ith(self._context, row)
        return int(np.ctypeslib.as_array(logits, (self._vocab_size,)).argmax())
