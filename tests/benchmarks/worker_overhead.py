"""What the gateway adds to the engine's time: `python -m tests.benchmarks.worker_overhead`.

The same prompt with one token of answer, first asked of the worker directly, then over HTTP with
a key, two durable writes to the ledger and the energy told. The difference is the gateway's.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from platformdirs import user_cache_path

from engine.model.tokenizer import Tokenizer
from engine.runtime.client import WorkerClient
from engine.runtime.protocol import SamplingParams, Submit
from engine.weights import ensure_default_weights
from tests.conftest import make_home
from tests.product import Product

WARM_UP = 20
REQUESTS = 300
MESSAGES = [{"role": "user", "content": "Hello"}]


async def direct_ms(weights: Path, log_path: Path) -> list[float]:
    """Milliseconds of each request, asked of the worker itself."""
    prompt = Tokenizer.open(weights).encode_chat(MESSAGES)
    client = WorkerClient(
        ["--weights", str(weights)],
        log_path,
        on_energy=lambda _: None,
        on_load=lambda _: None,
        on_change=lambda: None,
    )
    client.start()
    await client.wait_ready()
    taken = []
    for number in range(WARM_UP + REQUESTS):
        started = time.perf_counter()
        submit = Submit(number, [prompt], SamplingParams(max_tokens=1))
        async for _ in client.generate(submit):
            pass
        taken.append((time.perf_counter() - started) * 1000)
    await client.stop()
    return taken[WARM_UP:]


def gateway_ms(product: Product, *, stream: bool) -> list[float]:
    """Milliseconds of each request over HTTP, on one kept connection."""
    key = (
        "bk-" + product.run("db", "key", "create", "--developer", "ada").split("bk-")[1].split()[0]
    )
    body = {
        "model": "smollm2-135m-instruct",
        "messages": MESSAGES,
        "max_tokens": 1,
        "stream": stream,
    }
    taken = []
    with httpx.Client(base_url=product.url, headers={"authorization": f"Bearer {key}"}) as client:
        for _ in range(WARM_UP + REQUESTS):
            started = time.perf_counter()
            client.post("/v1/chat/completions", json=body).raise_for_status()
            taken.append((time.perf_counter() - started) * 1000)
    return taken[WARM_UP:]


def told(name: str, taken: list[float]) -> str:
    p99 = statistics.quantiles(taken, n=100)[98]
    return f"{name:<24}{statistics.median(taken):>8.2f}{p99:>10.2f}"


def main() -> None:
    weights_dir = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    weights = ensure_default_weights(weights_dir)
    with tempfile.TemporaryDirectory() as folder:
        product = Product(make_home(Path(folder) / "home", weights_dir), "serve")
        direct = asyncio.run(direct_ms(weights, Path(folder) / "worker.log"))
        product.start()
        try:
            whole = gateway_ms(product, stream=False)
            streamed = gateway_ms(product, stream=True)
        finally:
            product.stop()
    print(f"{REQUESTS} requests, ms        p50       p99")
    print(told("worker alone", direct))
    print(told("gateway", whole))
    print(told("gateway, streaming", streamed))
    print(f"added, p50: {statistics.median(whole) - statistics.median(direct):.2f} ms")


if __name__ == "__main__":
    main()
