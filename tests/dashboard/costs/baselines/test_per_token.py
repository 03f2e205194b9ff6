"""API and hosted prices: vendors' own examples, hand calculations, and genai-prices itself."""

import socket
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from genai_prices import Usage, calc_price, data_snapshot
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.baselines import ModelUsage, OwnPrice, hosts, lines_of, priced
from dashboard.costs.baselines.models import Api, Hosted
from dashboard.costs.baselines.open_models import OPEN_MODELS
from dashboard.costs.baselines.rates import list_date, listed
from tests.dashboard.costs.baselines.figures import NOVEMBER, api, costs, hosted, usage, used


def exact(row: ModelUsage, baseline: Api | Hosted) -> Fraction | None:
    (line,) = lines_of(usage(row), baseline).lines
    return line.amount


def test_anthropics_worked_example_of_a_coding_session() -> None:
    # Claude API pricing, "Worked example" (platform.claude.com/docs/en/about-claude/pricing, 2026):
    # Claude Opus 5, 50,000 input tokens at $5/M = $0.25, 15,000 output at $25/M = $0.375. (Its
    # session runtime, $0.08, is not of tokens.)
    session = used(model="claude-opus-5", tokens=(50_000, 0, 15_000))
    assert exact(session, api()) == Fraction("0.625")


def test_anthropics_worked_example_with_prompt_caching() -> None:
    # The same: 40,000 of them are cache reads: 10,000 × $5/M = $0.05, 40,000 × $5 × 0.1/M = $0.02.
    session = used(model="claude-opus-5", tokens=(50_000, 40_000, 15_000))
    assert exact(session, api()) == Fraction("0.445")


def test_a_cache_write_has_its_own_price() -> None:
    # Claude's pricing page: writing costs 1.25 × input. 4,740 tokens in, of which 4,735 are written
    # to the cache, 255 out, at $3 and $15: 5 × 3 + 4,735 × 3.75 + 255 × 15 = 21,596.25 millionths.
    row = used(model="claude-sonnet-4-20250514", tokens=(4740, 0, 255), cache_write_tokens=4735)
    assert exact(row, api()) == Fraction("0.02159625")


def test_gpt_52_costs_525_dollars_for_100_million_in_and_25_million_out() -> None:
    # "OpenAI API Pricing Explained (2026)", nicolalazzari.ai: GPT-5.2 at $1.75, $0.175 cached and
    # $14: 100 × 1.75 + 25 × 14 = $525 a month. With 60 million cached: 40 × 1.75 + 60 × 0.175.
    row = used(model="gpt-5.2", tokens=(100 * 10**6, 0, 25 * 10**6))
    assert exact(row, api()) == 525
    row = used(model="gpt-5.2", tokens=(100 * 10**6, 60 * 10**6, 25 * 10**6))
    assert exact(row, api()) == 70 + Fraction("10.5") + 350


def test_prices_are_those_of_the_baselines_day() -> None:
    # OpenAI cut o3 from $10 and $40 to $2 and $8 on 10 June 2025.
    row = used(model="o3", tokens=(10**6, 0, 10**6))
    assert exact(row, api(valid_from=date(2025, 6, 9))) == 50
    assert exact(row, api(valid_from=date(2025, 6, 10))) == 10


def test_the_list_is_as_old_as_its_latest_change_up_to_that_day() -> None:
    assert list_date(date(2025, 6, 10)) == date(2025, 6, 10)  # o3's
    before = list_date(date(2025, 6, 9))
    assert before is not None
    assert before < date(2025, 6, 10)
    assert list_date(date(2020, 1, 1)) is None


def test_a_price_that_changes_with_the_hour_counts_with_the_mean_of_a_day() -> None:
    # DeepSeek's own price table of 2025: $0.27 in and $1.10 out, half of it from 16:30 to 00:30
    # UTC, 8 of 24 hours: ⅔ × 0.27 + ⅓ × 0.135 = $0.225, and ⅔ × 1.10 + ⅓ × 0.55 = $0.91666….
    row = used(model="deepseek-chat", tokens=(10**6, 0, 0))
    deepseek = api(provider="deepseek")
    assert exact(row, deepseek) == Fraction("0.225")
    row = used(model="deepseek-chat", tokens=(0, 0, 3 * 10**6))
    assert exact(row, deepseek) == Fraction("2.75")
    assert any("changes with the hour" in note for note in priced(usage(row), deepseek).notes)


EMBEDDING = "text-embedding-3-small"
LISTED = ("claude-opus-5", "gpt-4o", "gpt-5", "claude-haiku-4-5", "gemini-2.0-flash")


@given(
    st.sampled_from(LISTED),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)
def test_one_requests_cost_is_what_genai_prices_says(
    model: str, fresh: int, cached: int, written: int, output: int
) -> None:
    whole = fresh + cached + written
    row = used(model=model, tokens=(whole, cached, output), cache_write_tokens=written)
    theirs = calc_price(
        Usage(
            input_tokens=whole,
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=output,
        ),
        model,
        genai_request_timestamp=datetime(2026, 11, 20, tzinfo=UTC),
    )
    assert exact(row, api()) == Fraction(theirs.total_price)


def test_many_short_requests_do_not_cost_as_one_long_one() -> None:
    # Claude Sonnet 4.5 costs $6 a million beyond 200,000 input tokens in one request, else $3.
    row = used(model="claude-sonnet-4-5", tokens=(10**6, 0, 0), requests=100)
    assert exact(row, api()) == 3
    assert any("more than 200,000 input" in note for note in priced(usage(row), api()).notes)


@pytest.mark.parametrize(
    ("row", "baseline", "reason"),
    [
        (used(model="SmolLM2-135M-Instruct", tokens=(9, 0, 9)), api(), "no price for SmolLM2"),
        (used(model="gpt-nonsense", tokens=(9, 0, 9)), api(), "no price for gpt-nonsense"),
        (used(model="gpt-5", tokens=(9, 0, 9)), api(provider="nobody"), "no price of nobody for"),
        (used(model="openai/gpt-oss-20b:free", tokens=(9, 0, 9)), hosted(), "no price of open"),
        (used(model=None, tokens=(9, 0, 9)), api(), "does not say which model"),
        (used(tokens=(None, None, 9)), api(), "does not tell all tokens"),
        (used(tokens=(9, 0, None)), api(), "does not tell all tokens"),
        (
            used(model="text-embedding-3-small", tokens=(9, 0, 9)),
            api(provider="openai"),
            "for output tokens of",
        ),
    ],
)
def test_what_has_no_price_is_unknown_and_not_free(
    row: ModelUsage, baseline: Api | Hosted, reason: str
) -> None:
    known = used(2, tokens=(10**6, 0, 0))  # $5 at Anthropic
    if isinstance(baseline, Api) and baseline.provider is None:
        found = priced(usage(row, known), baseline)
        assert found.known == 5
        assert found.cost is None
        assert costs(found.rows) == [("Ada", "unknown"), ("Grace", "5.00")]
    found = priced(usage(row), baseline)
    assert found.known == 0
    assert found.cost is None
    assert reason in found.reasons[0]
    assert found.rows[0].reasons == found.items[0].reasons == found.reasons


def test_everything_can_be_priced_as_one_model() -> None:
    rows = [used(1, "SmolLM2-135M-Instruct", (10**6, 0, 0)), used(2, None, (0, 0, 10**6))]
    found = priced(usage(*rows), api(model="claude-opus-5"))
    assert costs(found.rows) == [("Ada", "5.00"), ("Grace", "25.00")]
    assert [item.name for item in found.items] == ["claude-opus-5"]


def test_a_stated_price_comes_before_the_lists() -> None:
    own = OwnPrice(
        model="GPT-5",
        input_per_million="1",
        cached_input_per_million="0.1",
        output_per_million="2",
        source="our contract of 1 March 2026",
    )
    row = used(model="gpt-5", tokens=(3 * 10**6, 10**6, 10**6))
    assert exact(row, api(own_prices=(own,))) == 2 + Fraction("0.1") + 2
    notes = priced(usage(row), api(own_prices=(own,))).notes
    assert any("our contract of 1 March 2026" in note for note in notes)
    assert not any("genai-prices" in note for note in notes)


def test_an_open_model_is_priced_at_its_host_by_what_the_host_calls_it() -> None:
    # OpenRouter's list for openai/gpt-oss-120b in November 2026: $0.10 in, $0.50 out.
    row = used(model="gpt-oss-120b", tokens=(10 * 10**6, 0, 2 * 10**6))
    assert exact(row, hosted()) == 2
    renamed = used(model="our-model", tokens=(10 * 10**6, 0, 2 * 10**6))
    assert exact(renamed, hosted()) is None
    assert exact(renamed, hosted(models={"our-model": "openai/gpt-oss-120b"})) == 2


@pytest.mark.parametrize(
    ("provider", "name"), [pair for ids in OPEN_MODELS.values() for pair in ids.items()]
)
def test_every_open_model_is_found_under_the_very_name_that_the_host_has(
    provider: str, name: str
) -> None:
    rates = listed(name, provider, NOVEMBER)
    assert rates is not None
    assert rates.model.lower() == name.removeprefix("accounts/fireworks/models/").lower()
    assert rates.input > 0
    assert rates.output


def test_the_hosts_of_an_open_model_come_cheapest_first() -> None:
    offers = hosts("openai/gpt-oss-120b", NOVEMBER)
    sums = [offer.input + (offer.output or 0) for offer in offers]
    assert {"openrouter", "together", "fireworks"} <= {offer.provider for offer in offers}
    assert sums == sorted(sums)
    assert hosts("OLMoE-1B-7B", NOVEMBER) == []


def test_notes_say_whose_prices_and_how_old_the_list_is() -> None:
    row = used(model="claude-opus-5", tokens=(10, 4, 10))
    notes = priced(usage(row), api()).notes
    assert notes[0].startswith("List prices as of 20 November 2026 from genai-prices ")
    assert "price changes up to" in notes[0]
    said = (
        "claude-opus-5: $5 a million input tokens, $0.5 cached, $6.25 written to a cache, "
        "$25 output (anthropic: claude-opus-5)."
    )
    assert said in notes
    assert any("how many tokens would have been written is unknown" in note for note in notes)


def test_nothing_is_asked_of_the_network_and_no_update_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    listed.cache_clear()
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot([], from_auto_update=True))
    try:
        assert exact(used(tokens=(10**6, 0, 0)), api()) == 5
    finally:
        data_snapshot.set_custom_snapshot(None)


def test_cached_tokens_that_are_not_part_of_the_input_are_refused() -> None:
    with pytest.raises(ValueError, match="Ada's 11 cached tokens are more than the 10"):
        used(tokens=(10, 11, 0))


def test_costs_are_decimals_in_cents() -> None:
    found = priced(usage(used(tokens=(1_001, 0, 0))), api())
    assert found.cost == Decimal("0.01")  # 1,001 × $5/M = $0.005005
    assert found.currency == "USD"
