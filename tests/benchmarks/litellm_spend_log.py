"""LiteLLM's spend of each request into an SQLite file; it runs in LiteLLM's own environment.

LiteLLM's usual spend log is a PostgreSQL database through Prisma, whose engine is a binary that no
package registry carries. This is its documented other way, a callback: LiteLLM has counted the
tokens and computed the cost, and its own batching base class keeps the rows in memory and hands
them over every five seconds or 512 rows, as it does with its database. One durable commit a batch.
"""

import asyncio
import os
import sqlite3
from datetime import datetime
from typing import Any

from litellm.integrations.custom_batch_logger import CustomBatchLogger

PATH = os.environ["SPEND_LOG"]
COLUMNS = (
    "request_id text primary key, started_at real, ended_at real, api_key text, model text, "
    "prompt_tokens integer, completion_tokens integer, cost real"
)


class SpendLog(CustomBatchLogger):  # type: ignore[misc]  # LiteLLM is not installed here
    preserve_events_added_during_flush = True

    def __init__(self) -> None:
        super().__init__(flush_lock=asyncio.Lock())
        self._flushing: asyncio.Task[None] | None = None
        with sqlite3.connect(PATH, timeout=30) as file:
            file.execute("pragma journal_mode = wal")
            file.execute(f"create table if not exists spend ({COLUMNS})")

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self.periodic_flush())
        told = kwargs["standard_logging_object"]
        self.log_queue.append(
            (
                kwargs["litellm_call_id"],
                start_time.timestamp(),
                end_time.timestamp(),
                told["metadata"]["user_api_key_hash"],
                told["model"],
                told["prompt_tokens"],
                told["completion_tokens"],
                told["response_cost"],
            )
        )
        if len(self.log_queue) >= self.batch_size:
            await self.flush_queue()

    async def async_send_batch(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.to_thread(write, list(self.log_queue))


def write(rows: list[tuple[Any, ...]]) -> None:
    with sqlite3.connect(PATH, timeout=30) as file:
        file.execute("pragma synchronous = full")
        file.executemany("insert into spend values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


spend_log = SpendLog()
