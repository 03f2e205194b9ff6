"""The overview: both sides' costs, told with their basis, from the ledger of one's choice."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import copy
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from dashboard import changes
from dashboard.cost_tables import developer_table, team_table
from dashboard.costs.models import Comparison, IdleRule
from dashboard.overview import View, compute
from dashboard.overview_words import payload
from dashboard.periods import RANGES
from db import people, prices
from db.connect import connect
from db.ids import now_ms
from db.queries import is_sample
from db.sample import write_sample
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.team import Team, outcome, window

ZONE = "Asia/Kolkata"


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    write_sample(f"sqlite:///{path}")
    return path


@pytest.fixture
def sample(sample_file: Path) -> Engine:
    return connect(f"sqlite:///{sample_file}", read_only=True)


def own_dates_back(first: int, last: int) -> str:
    """The own dates that lie so many days back."""
    today = datetime.now(UTC).date()
    return f"{today - timedelta(days=first)}/{today - timedelta(days=last)}"


def use_now(product: Service, *, energy_j: float = 3600.0) -> None:
    """One request of 40 + 25 tokens by Ada, a minute ago."""
    ada = people.add_developer(product.database, "Ada", actor="test")
    at = now_ms() - 60_000
    request_id = Team(ada.id, key=0).admit(product.ledger, at=at, api_key_id=None)
    product.ledger.record_energy(window({request_id: energy_j}, at=at)).result(20)
    product.ledger.finish(outcome(request_id, at=at + 2_000)).result(20)


def test_an_empty_ledger_says_what_to_do_and_claims_no_cost(product: Service) -> None:
    page = open_page()
    labels = [button.label for button in page.button]
    assert {"Chat now", "Connect a tool", "Look at a sample team"} <= set(labels)
    shown = payload(compute(product.database, View("own", "month", ZONE), now_ms()))
    assert shown["headline"] == "Nothing has been asked yet, so nothing has been spent."
    assert shown["figures"][0]["value"] == "$0.00"


def test_the_sample_team_opens_marked_on_every_page_and_closes_again(
    product: Service, sample_file: Path
) -> None:
    copy(sample_file, product.settings.home / "sample.db")
    page = open_page()
    next(b for b in page.button if b.label == "Look at a sample team").click()
    page.run()
    own = ["chat", "connect", "settings"]
    for name in ["team", "my_usage", "requests", "alternatives", "energy", *own, "overview"]:
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception
        assert any("Sample data" in box.value for box in page.warning), name
    next(b for b in page.button if b.label == "Back to your own ledger").click()
    page.run()
    assert not any("Sample data" in box.value for box in page.warning)


def test_keys_made_while_the_sample_is_open_are_real(product: Service, sample_file: Path) -> None:
    copy(sample_file, product.settings.home / "sample.db")
    page = open_page()
    next(b for b in page.button if b.label == "Look at a sample team").click()
    page.run()
    page.switch_page("views/connect.py").run()
    page.text_input[0].set_value("Zoe")
    page.text_input[1].set_value("editor")
    next(b for b in page.button if b.label == "Make the key").click()
    page.run()
    assert people.find_developer(product.database, "Zoe") is not None
    assert not is_sample(product.database)


@pytest.mark.parametrize("span", [*RANGES, own_dates_back(40, 20)])
def test_every_range_adds_up_and_goes_over_the_wire(sample: Engine, span: str) -> None:
    overview = compute(sample, View("sample", span, ZONE), now_ms())
    rows = overview.chosen.developers
    assert sum(row.fully_loaded for row in rows) == overview.chosen.self_hosted_total
    assert sum(row.seat for row in rows) == overview.chosen.baseline_total
    totals = overview.totals
    assert overview.tokens.sum() == totals.input_tokens + totals.output_tokens
    last = overview.curve[-1]
    assert last.self_hosted == overview.chosen.self_hosted_total
    assert last.baseline == overview.chosen.baseline_total
    assert json.loads(json.dumps(payload(overview), allow_nan=False))["requests"] == totals.requests


@pytest.mark.parametrize("rule", get_args(IdleRule))
def test_every_rule_shares_the_same_total(sample: Engine, rule: IdleRule) -> None:
    chosen = compute(sample, View("sample", "all", ZONE, rule), now_ms()).chosen
    by_use = compute(sample, View("sample", "all", ZONE), chosen_at(chosen)).chosen
    assert chosen.idle_rule == rule
    assert chosen.self_hosted_total == by_use.self_hosted_total
    for rows in (chosen.developers, chosen.teams):
        assert sum(row.fully_loaded for row in rows) == chosen.self_hosted_total
    for table in (developer_table(chosen), team_table(chosen)):
        assert table["Fully loaded"][0] == float(chosen.self_hosted_total)
        assert round(table["Fully loaded"][1:].sum(), 2) == table["Fully loaded"][0]
        assert round(table["Seat"][1:].sum(), 2) == float(chosen.baseline_total)


def test_the_chart_marks_the_day_on_which_the_hardware_had_paid_for_itself(
    sample_file: Path, tmp_path: Path
) -> None:
    engine = connect(f"sqlite:///{copy(sample_file, tmp_path / 'cheap.db')}")
    prices.set_prices(engine, actor="test", hardware_price=1_000)
    shown = compute(engine, View("sample", "all", "UTC"), now_ms())
    found = shown.trend.projection
    assert found is not None
    assert found.kind == "already"
    told = payload(shown)
    assert told["chart"]["paid"]["x"] == f"{found.day}T00:00:00.000"
    assert "By the ledger, the hardware has paid for itself on" in told["verdict"]
    assert "by the ledger: already, on" in told["figures"][2]["note"]
    today = payload(compute(engine, View("sample", "today", "UTC"), now_ms()))
    assert today["chart"]["paid"] is None


def chosen_at(comparison: Comparison) -> int:
    """The moment at which a comparison up to now was made."""
    return round(comparison.end.timestamp() * 1000) - 1


@pytest.mark.parametrize("span", ["month", "all"])
def test_the_metered_basis_follows_the_meter_and_still_adds_up(
    sample_file: Path, tmp_path: Path, span: str
) -> None:
    path = copy(sample_file, tmp_path / "metered.db")
    engine = connect(f"sqlite:///{path}")
    prices.set_prices(engine, actor="test", electricity_basis="metered")
    overview = compute(engine, View("sample", span, ZONE), now_ms())
    assert overview.chosen.electricity_basis == "metered"
    assert overview.curve[-1].self_hosted == overview.chosen.self_hosted_total
    used = overview.chosen.developers
    assert sum(row.requests for row in used) == overview.totals.requests


def test_a_request_moves_tokens_energy_and_marginal_cost(product: Service) -> None:
    use_now(product, energy_j=3600.0)
    overview = compute(product.database, View("own", "hour", ZONE), now_ms())
    assert overview.tokens.sum() == 65
    # 3,600 J are 0.001 kWh; at $0.18 that is $0.00018.
    assert overview.chosen.marginal_total == Decimal("0.00018")
    figures = {figure["label"]: figure for figure in payload(overview)["figures"]}
    assert figures["Tokens"]["value"] == "65"
    assert figures["Energy"]["note"].startswith("measured")
    assert "$0.00018" in figures["Self-hosted cost"]["note"]


def test_the_chart_in_words_tells_the_tokens_as_the_sum_that_they_are(product: Service) -> None:
    use_now(product)
    shown = compute(product.database, View("own", "thirty", ZONE), now_ms())
    alt = payload(shown)["chart"]["alt"]
    assert re.search(r"Below, tokens per \w+ \w+, 65 in all\.$", alt), alt


def test_a_range_before_in_another_currency_is_said_and_not_compared(product: Service) -> None:
    begun = now_ms() - 90 * 86_400_000
    ada = people.add_developer(product.database, "Ada", actor="test")
    request_id = Team(ada.id, key=0).admit(product.ledger, at=begun, api_key_id=None)
    product.ledger.finish(outcome(request_id, at=begun + 900)).result(20)
    midnight = now_ms() - now_ms() % 86_400_000
    prices.set_prices(product.database, actor="test", currency="EUR", valid_from=0)
    prices.set_prices(
        product.database, actor="test", currency="USD", valid_from=midnight - 29 * 86_400_000
    )
    since = changes.compute(product.database, View("own", "thirty", "UTC"), now_ms())
    assert since.changes is None
    assert since.words == "Costs in EUR and in USD cannot be compared."


def test_every_cost_says_whether_it_is_fully_loaded_or_marginal(product: Service) -> None:
    use_now(product)
    shown = payload(compute(product.database, View("own", "month", ZONE), now_ms()))
    assert "(fully loaded)" in shown["headline"]
    own = shown["figures"][0]["note"]
    assert "fully loaded" in own
    assert "(marginal)" in own
    assert shown["chart"]["names"]["self_hosted"].endswith("fully loaded")


def test_the_month_begins_at_the_readers_midnight(product: Service) -> None:
    at = datetime(2026, 3, 1, 1, 0, tzinfo=ZoneInfo(ZONE))  # still February in UTC
    used_before = int(at.timestamp() * 1000) - 40 * 24 * 3600 * 1000
    ada = people.add_developer(product.database, "Ada", actor="test")
    Team(ada.id, key=0).admit(product.ledger, at=used_before, api_key_id=None)
    overview = compute(product.database, View("own", "month", ZONE), int(at.timestamp() * 1000))
    started = datetime.fromtimestamp(overview.period.start_ms / 1000, UTC)
    assert started == datetime(2026, 2, 28, 18, 30, tzinfo=UTC)
    assert overview.period.words == "in March"


@pytest.mark.usefixtures("product")
def test_the_address_carries_the_range_and_the_rule() -> None:
    page = open_page(range="Last hour", idle="Overhead row")
    assert page.selectbox(key="range").value == "Last hour"
    assert [control.value for control in page.button_group] == ["Overhead row"]


def test_the_page_draws_costs_and_tokens_by_developer(product: Service) -> None:
    use_now(product)
    page = open_page()
    titles = [text.value.replace("\\", "") for text in page.markdown]
    assert any("developers cost less self-hosted than their seat" in title for title in titles)
    assert any("Ada used most: 100% of 65 tokens" in title for title in titles)


def test_the_page_has_both_tables_with_their_total_and_names_the_rule(product: Service) -> None:
    use_now(product)
    page = open_page(idle="Evenly")
    tables = [frame.value for frame in page.dataframe]
    developers = next(table for table in tables if "Developer" in table)
    teams = next(table for table in tables if "Team" in table)
    assert list(developers["Developer"]) == ["Total", "Ada"]
    assert list(teams["Team"]) == ["Total", "No team"]
    assert (
        developers["Fully loaded"][0] == developers["Fully loaded"][1] == teams["Fully loaded"][0]
    )
    said = [text.value.replace("\\", "") for text in page.markdown]
    assert any("carries an equal part of it" in text for text in said)
