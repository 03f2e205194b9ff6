"""Which of the vendors' own models, and which hosts of open models, can be chosen.

All are in the price list that comes with `genai-prices`. It does not say which models a vendor
still recommends: `CURRENT` are those of the newest generation that it had when it was last read
(version 0.2.3, November 2026).
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from genai_prices.data import providers

from dashboard.costs.baselines import Hosted
from dashboard.costs.baselines.open_models import OPEN_MODELS
from dashboard.costs.baselines.per_token import rates_of
from dashboard.costs.baselines.rates import listed

VENDORS = {"anthropic": "Anthropic", "openai": "OpenAI"}
CURRENT = ("claude-opus-5-5", "claude-sonnet-5-5", "gpt-6.1-sol", "gpt-6.1-terra")
# Text in, text out: neither what draws and speaks nor open models, which hosts sell.
_OWN_TEXT = re.compile(r"(claude-[a-z]+-\d|claude-\d|gpt-\d|o\d)")
_OTHER = re.compile(
    r"image|audio|realtime|transcribe|tts|search|live|instruct|vision|preview|ft[:-]"
)
HOSTS = tuple(dict.fromkeys(host for named in OPEN_MODELS.values() for host in named))
MOST_HOSTS = 3


@lru_cache(maxsize=8)
def vendor_models(on: date) -> dict[str, str]:
    """Each model that has prices per token on a day, and its vendor's id: by vendor, the newest
    names first."""
    found = {
        model.id: provider.id
        for provider in providers
        if provider.id in VENDORS
        for model in provider.models
        if _OWN_TEXT.match(model.id) and not _OTHER.search(model.id)
    }
    priced = {}
    newest = sorted(found, reverse=True)
    for model in sorted(newest, key=lambda model: (found[model], model.startswith("o"))):
        rates = listed(model, found[model], on)
        if rates is not None and rates.output is not None:
            priced[model] = found[model]
    return priced


@lru_cache(maxsize=8)
def open_models_at_hosts(on: date) -> dict[str, tuple[str, str]]:
    """`gpt-oss-20b at groq`: the open model and its host, of all that have prices on a day."""
    return {
        f"{model} at {host}": (model, host)
        for model, hosts in OPEN_MODELS.items()
        for host, name in hosts.items()
        if (rates := listed(name, host, on)) is not None and rates.output is not None
    }


def hosts_of(models: Iterable[str], on: date) -> list[str]:
    """Who hosts any of these models: at most `MOST_HOSTS`, those of the most models first and of
    equals the cheaper, by the sum of all prices."""
    models = list(models)
    ranked = []
    for host in HOSTS:
        baseline = hosted(host, on)
        rates = [rates_of(baseline, model) for model in models]
        known = [each for each in rates if each is not None and each.output is not None]
        if known:
            price = sum(each.input + (each.output or 0) for each in known)
            ranked.append((-len(known), price, host))
    return [host for *_, host in sorted(ranked)[:MOST_HOSTS]]


def hosted(host: str, on: date, model: str | None = None) -> Hosted:
    """Each model as itself at a host, or all as one."""
    return Hosted(
        kind="hosted",
        name=f"The same models at {host}" if model is None else f"{model} at {host}",
        valid_from=on,
        source=f"{host}'s list prices, in genai-prices",
        provider=host,
        model=model,
    )
