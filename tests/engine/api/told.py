"""What an engine might tell of a second, for tests to change."""

from engine.runtime.protocol import Load

SECOND = Load(
    duration_s=1.0,
    computing_s=0.5,
    steps=10,
    sequences=20,
    prompt_tokens=100,
    output_tokens=30,
    running=2,
    waiting=0,
    cache_blocks_held=4,
    cache_blocks=512,
    memory_bytes=612_000_000,
    accelerator_bytes=None,
    experts_per_token=2,
    experts_tokens=0,
    experts=None,
)
