"""Token counts as OpenAI tells them."""

from typing import Any

from engine.api.source import Tally


def usage_of(tally: Tally) -> dict[str, Any]:
    return {
        "prompt_tokens": tally.input_tokens,
        "completion_tokens": tally.output_tokens,
        "total_tokens": tally.input_tokens + tally.output_tokens,
        "prompt_tokens_details": {"cached_tokens": tally.cached_input_tokens},
    }
