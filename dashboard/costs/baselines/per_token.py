"""Requests priced by the token: a vendor's API, or the same open model at a host."""

from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.baselines.lines import Line, Lines
from dashboard.costs.baselines.models import Api, Hosted
from dashboard.costs.baselines.open_models import id_at
from dashboard.costs.baselines.rates import MILLION, Rates, list_date, list_name, listed, stated
from dashboard.costs.baselines.usage import ModelUsage, UsageRange

UNNAMED = "A model that is not named"


def token_lines(usage: UsageRange, baseline: Api | Hosted) -> Lines:
    """A line for each developer and model; unknown where model or tokens are."""
    lines: list[Line] = []
    notes: list[str] = []
    used: dict[str, Rates] = {}
    for row in usage.rows:
        model = baseline.model or row.model
        rates = None if model is None else rates_of(baseline, model)
        amount = None if rates is None else rates.cost(row)
        reason = None if amount is not None else _why_unknown(baseline, model, rates, row)
        item = UNNAMED if model is None else model
        lines.append(Line(row.developer_id, row.name, item, amount, reason))
        if rates is not None:
            used[item] = rates
            notes += _notes_on(row, item, rates)
    if any(rates.listed for rates in used.values()):
        notes.insert(0, _list_note(baseline))
    notes.append(
        "Tokens are counted as they were here; a vendor's own tokenizer may count the same text "
        "differently."
    )
    if any(row.cached_input_tokens for row in usage.rows):
        notes.append("What was cached here is taken as cached there.")
    return Lines(lines, list(dict.fromkeys(notes)))


def rates_of(baseline: Api | Hosted, model: str) -> Rates | None:
    """The prices of a model under a baseline; None: unknown."""
    for own in baseline.own_prices:
        if own.model.lower() == model.lower():
            return stated(own)
    name = model
    if isinstance(baseline, Hosted):
        name = baseline.models.get(model) or id_at(baseline.provider, model) or model
    return listed(name, baseline.provider, baseline.valid_from)


def _why_unknown(
    baseline: Api | Hosted, model: str | None, rates: Rates | None, row: ModelUsage
) -> str:
    if model is None:
        return "the source does not say which model it was"
    if rates is None:
        where = f" of {baseline.provider}" if baseline.provider else ""
        return f"{list_name()} has no price{where} for {model}"
    if row.input_tokens is None or row.output_tokens is None:
        return "the source does not tell all tokens"
    if rates.output is None:
        return f"{list_name()} has no price for output tokens of {model}"
    return f"{model} has a price per request, and the source does not tell how many there were"


def _notes_on(row: ModelUsage, item: str, rates: Rates) -> list[str]:
    notes = [_price_note(item, rates), *caveats(item, rates)]
    if rates.cache_write is not None and row.cache_write_tokens is None:
        notes.append(
            f"Writing to the cache has its own price for {item}; how many tokens would have been "
            "written is unknown, so they count as other input."
        )
    if row.cache_write_tokens and rates.cache_write is not None:
        notes.append(
            f"What was written to the cache counts at {item}'s price for the shortest time that it "
            "is kept; kept longer, it costs more."
        )
    if row.cached_input_tokens is None and rates.cached_input is not None:
        notes.append("Where cached tokens are not told, all input counts at the full price.")
    return notes


def caveats(item: str, rates: Rates) -> list[str]:
    """Where one price a token is not all that there is to it."""
    notes = []
    if rates.long_prompt_from is not None:
        notes.append(
            f"Requests of more than {rates.long_prompt_from:,} input tokens cost more for {item}; "
            "all count at the lower price."
        )
    if rates.by_hour:
        notes.append(f"{item}'s price changes with the hour; the mean of a day counts.")
    return notes


def _price_note(item: str, rates: Rates) -> str:
    """`gpt-5: $1.25 a million input tokens, $0.125 cached, $10 output (openai: gpt-5).`"""
    prices = [f"{_million(rates.input)} a million input tokens"]
    for name, price in (
        ("cached", rates.cached_input),
        ("written to a cache", rates.cache_write),
        ("output", rates.output),
    ):
        if price is not None:
            prices.append(f"{_million(price)} {name}")
    return f"{item}: {', '.join(prices)} ({rates.provider}: {rates.model})."


def _million(price: Fraction) -> str:
    amount = money.rounded(price * MILLION, 6).normalize()
    return f"${amount:f}"


def _list_note(baseline: Api | Hosted) -> str:
    newest = list_date(baseline.valid_from)
    known = "" if newest is None else f", which knows price changes up to {newest:%-d %B %Y}"
    return f"List prices as of {baseline.valid_from:%-d %B %Y} from {list_name()}{known}."
