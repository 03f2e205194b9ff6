"""What an engine and its gateway might tell, for tests to change."""

from dataclasses import replace

from engine.api.events import RequestFinished
from engine.api.upstreams.flow import UpstreamLoad
from engine.runtime.protocol import Ready
from tests.engine.api.told import SECOND

IDLE = replace(
    SECOND, computing_s=0.0, steps=0, sequences=0, prompt_tokens=0, output_tokens=0, running=0
)
UPSTREAM_SECOND = UpstreamLoad(1.0, prompt_tokens=50, output_tokens=20, running=3, waiting=1)
ENDED = RequestFinished(
    request_id=7,
    developer_id=1,
    developer_name="Ada",
    status="ok",
    input_tokens=40,
    output_tokens=25,
    energy_j=None,
    energy_basis=None,
    duration_ms=1200.0,
    at=0,
    model="small",
    cached_input_tokens=32,
    queue_ms=10.0,
    ttft_ms=200.0,
    error_type=None,
)
MODEL = Ready(
    model="small",
    architecture="llama",
    context_length=2048,
    precision="bfloat16",
    layers=2,
    routed_experts=0,
    shared_experts=0,
    experts_per_token=0,
    default_experts_per_token=0,
    experts_adjustable=False,
    total_parameters=1_000,
    active_parameters=1_000,
    weight_bytes=2_000,
    threads=1,
    kernel="torch",
    load_ms=10.0,
    meters=[],
    energy_summary="",
    calibration=None,
)
