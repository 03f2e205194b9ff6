"""One developer's own view: against the requests themselves and against the Overview."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine, text

from dashboard import my_usage, overview
from dashboard.my_usage import MyUsage, months_of
from dashboard.overview import View
from dashboard.periods import Period
from db import keys, limits, people
from db.connect import connect
from db.ids import now_ms
from db.limits import Limits
from db.sample import write_large_sample
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.team import Team, outcome, window

UNTIL = int(datetime(2026, 3, 31, 20, 40, tzinfo=UTC).timestamp() * 1000)
BERLIN = "Europe/Berlin"
COUNTS = ["requests", "input_tokens", "cached_input_tokens", "output_tokens"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('mine') / 'sample.db'}"
    write_large_sample(url, 3_000, developers=6, days=40, until_ms=UNTIL)
    engine = connect(url, read_only=True)
    yield engine
    engine.dispose()


def compute(engine: Engine, span: str, developer_id: int = 1) -> MyUsage:
    return my_usage.compute(engine, View("own", span, BERLIN), developer_id, UNTIL)


def rows_of(usage: MyUsage, engine: Engine, zone: str, developer_id: int = 1) -> pd.DataFrame:
    """The developer's requests of the range, with the day on which each was made."""
    rows = pd.read_sql(
        text("SELECT *, 1 AS requests FROM requests WHERE developer_id = :who"),
        engine.connect(),
        params={"who": developer_id},
    )
    within = (rows["started_at"] >= usage.period.start_ms) & (
        rows["started_at"] < usage.period.end_ms
    )
    rows = rows[within]
    return rows.assign(
        day=[datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() for at in rows["started_at"]]
    )


@pytest.mark.parametrize(("span", "zone"), [("month", BERLIN), ("all", "UTC")])
def test_days_are_what_the_requests_add_up_to(sample: Engine, span: str, zone: str) -> None:
    usage = compute(sample, span)
    rows = rows_of(usage, sample, zone)
    expected = rows.groupby("day")[COUNTS].sum()
    found = usage.by_day.assign(day=usage.by_day["begins"].dt.date).set_index("day")
    assert found.index.is_unique
    assert (found.loc[found["requests"] > 0, COUNTS] == expected).all(axis=None)
    assert found["energy_j"].sum() == pytest.approx(rows["energy_j"].sum())


def test_days_and_models_add_up_to_the_ranges_totals(sample: Engine) -> None:
    usage = compute(sample, "all")
    for frame in (usage.by_day, usage.by_model):
        for name in COUNTS:
            assert frame[name].sum() == getattr(usage.totals, name)
        assert frame["energy_j"].sum() == pytest.approx(usage.totals.energy_j)


def test_keys_add_up_to_whole_months(sample: Engine) -> None:
    usage = compute(sample, "all")
    assert usage.months == ("2026-02", "2026-03")
    with sample.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT k.name, sum(r.input_tokens), sum(r.output_tokens) FROM requests r"
                " LEFT JOIN api_keys k ON k.id = r.api_key_id"
                " WHERE r.developer_id = 1 AND r.status != 'running' GROUP BY r.api_key_id"
            )
        ).all()
    found = [(use.name, use.input_tokens, use.output_tokens) for use in usage.by_key]
    assert sorted(found, key=str) == sorted(map(tuple, rows), key=str)


@pytest.mark.parametrize("span", ["today", "month", "all"])
def test_the_cost_is_the_developers_row_of_the_overview(sample: Engine, span: str) -> None:
    chosen = overview.compute(sample, View("own", span, BERLIN), UNTIL).chosen
    for row in chosen.developers:
        if row.developer_id is not None:
            assert compute(sample, span, row.developer_id).cost == row


def test_the_marginal_cost_of_the_days_adds_up_to_the_ranges(sample: Engine) -> None:
    usage = compute(sample, "month")
    assert usage.cost is not None
    assert usage.totals.energy_unknown == 0
    assert usage.cost.marginal is not None
    assert usage.by_day["marginal"].sum() == pytest.approx(float(usage.cost.marginal), abs=1e-6)


def test_a_range_touches_the_months_from_its_first_moment_to_its_last() -> None:
    def ms(year: int, month: int, day: int) -> int:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)

    assert months_of(Period(ms(2025, 11, 30), ms(2026, 2, 1), 1, "")) == (
        "2025-11", "2025-12", "2026-01",
    )  # fmt: skip
    assert months_of(Period(ms(2025, 12, 1), ms(2025, 12, 1) + 1, 1, "")) == ("2025-12",)


def test_an_empty_ledger_says_what_to_do(product: Service) -> None:
    page = open_page("my_usage")
    assert any("There is no developer yet" in box.value for box in page.info)
    assert {"Chat now", "Connect a tool"} <= {button.label for button in page.button}


def test_the_address_chooses_the_developer(product: Service) -> None:
    for name in ("Ada", "Grace"):
        people.add_developer(product.database, name, actor="test")
    page = open_page("my_usage", developer="Grace")
    assert page.selectbox(key="developer").value == "Grace"
    assert any("Nothing was asked" in box.value for box in page.info)
    page = open_page("my_usage", developer="Linus")
    assert any("no developer named" in box.value for box in page.warning)


def test_a_developers_page_shows_their_use_and_what_is_left_of_the_budget(
    product: Service,
) -> None:
    ada = people.add_developer(product.database, "Ada [x](y)", actor="test")
    key, _ = keys.create_key(product.database, ada.id, "editor", actor="test")
    limits.set_limits(
        product.database, Limits(tokens_per_month=130), developer_id=ada.id, actor="test"
    )
    request_id = Team(ada.id, key.id).admit(
        product.ledger, at=now_ms(), developer_name=ada.name, api_key_id=key.id
    )
    product.ledger.record_energy(window({request_id: 3600.0}, at=now_ms())).result(20)
    product.ledger.finish(outcome(request_id, at=now_ms())).result(20)
    page = open_page("my_usage", range="Today")
    shown = {metric.label: metric.value for metric in page.metric}
    assert (shown["Requests"], shown["Tokens"], shown["Output tokens"]) == ("1", "65", "25")
    assert shown["Energy, measured"] == "1 Wh"
    words = [each.value for each in page.markdown]
    assert any("used 65 tokens on 1 day" in each for each in words)
    assert any("went through editor" in each for each in words)
    assert page.get("progress")[0].proto.text == "Tokens: 65 of 130 (50%)"
