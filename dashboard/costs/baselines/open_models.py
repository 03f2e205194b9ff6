"""What hosts call the open models, as genai-prices lists them (checked with 0.2.3)."""

from datetime import date

from dashboard.costs.baselines.rates import Rates, listed

_FIREWORKS = "accounts/fireworks/models"

# By the model's name in lower case, without its maker's: the id that each provider has for it.
OPEN_MODELS: dict[str, dict[str, str]] = {
    "kimi-k2-instruct": {
        "openrouter": "moonshotai/kimi-k2",
        "moonshotai": "kimi-k2-0711-preview",
        "groq": "moonshotai/kimi-k2-instruct",
        "novita": "moonshotai/kimi-k2-instruct",
    },
    "kimi-k2-thinking": {
        "openrouter": "moonshotai/kimi-k2-thinking",
        "moonshotai": "kimi-k2-thinking",
        "novita": "moonshotai/kimi-k2-thinking",
    },
    "deepseek-v3-0324": {
        "openrouter": "deepseek/deepseek-chat-v3-0324",
        "fireworks": f"{_FIREWORKS}/deepseek-v3-0324",
    },
    "deepseek-v3.2": {
        "openrouter": "deepseek/deepseek-v3.2",
        "deepseek": "deepseek-v3.2",
        "fireworks": f"{_FIREWORKS}/deepseek-v3p2",
    },
    "deepseek-r1": {"openrouter": "deepseek/deepseek-r1", "novita": "deepseek/deepseek-r1"},
    "deepseek-r1-0528": {
        "openrouter": "deepseek/deepseek-r1-0528",
        "fireworks": f"{_FIREWORKS}/deepseek-r1-0528",
        "novita": "deepseek/deepseek-r1-0528",
    },
    "qwen3-235b-a22b": {
        "openrouter": "qwen/qwen3-235b-a22b",
        "fireworks": f"{_FIREWORKS}/qwen3-235b-a22b",
    },
    "qwen3-235b-a22b-instruct-2507": {"openrouter": "qwen/qwen3-235b-a22b-2507"},
    "qwen3-30b-a3b": {"openrouter": "qwen/qwen3-30b-a3b"},
    "qwen3-30b-a3b-instruct-2507": {"openrouter": "qwen/qwen3-30b-a3b-instruct-2507"},
    "gpt-oss-120b": {
        "openrouter": "openai/gpt-oss-120b",
        "together": "openai/gpt-oss-120b",
        "fireworks": f"{_FIREWORKS}/gpt-oss-120b",
        "groq": "openai/gpt-oss-120b",
        "baseten": "openai/gpt-oss-120b",
        "cerebras": "gpt-oss-120b",
        "novita": "openai/gpt-oss-120b",
    },
    "gpt-oss-20b": {
        "openrouter": "openai/gpt-oss-20b",
        "fireworks": f"{_FIREWORKS}/gpt-oss-20b",
        "groq": "openai/gpt-oss-20b",
    },
    "glm-4.5": {"openrouter": "z-ai/glm-4.5", "zai": "GLM-4.5"},
    "glm-4.5-air": {
        "openrouter": "z-ai/glm-4.5-air",
        "zai": "GLM-4.5-Air",
        "novita": "zai-org/glm-4.5-air",
    },
    "glm-4.6": {"openrouter": "z-ai/glm-4.6", "zai": "GLM-4.6", "novita": "zai-org/glm-4.6"},
    "mixtral-8x7b-instruct-v0.1": {
        "openrouter": "mistralai/mixtral-8x7b-instruct",
        "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    },
}


def id_at(provider: str, model: str) -> str | None:
    """What the provider calls an open model: `moonshotai/Kimi-K2-Instruct` is `moonshotai/kimi-k2`
    at OpenRouter; None: unknown here."""
    return OPEN_MODELS.get(model.rsplit("/", 1)[-1].lower(), {}).get(provider)


def hosts(model: str, on: date) -> list[Rates]:
    """Every known host's prices for an open model on a day, the cheapest first (by input and
    output together)."""
    found = []
    for provider, name in OPEN_MODELS.get(model.rsplit("/", 1)[-1].lower(), {}).items():
        rates = listed(name, provider, on)
        if rates is not None and rates.output is not None:
            found.append(rates)
    return sorted(found, key=lambda rates: (rates.input + (rates.output or 0), rates.provider))
