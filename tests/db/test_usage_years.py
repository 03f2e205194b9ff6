"""Years of usage: reads over them, and a ledger from before they were kept."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, text

from db import people, queries
from db.connect import connect, writing
from db.energy_queries import work_by_model
from db.expiry import expire
from db.ledger import Ledger
from db.migrate import migrate, migrations
from db.retention import Retention, set_retention
from db.schema import Request
from db.spans import DAY_MS
from db.usage import changing
from tests.db import energy_rows
from tests.db.team import rows


def ms(*of: int) -> int:
    return int(datetime(*of, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


NEW_YEARS = [ms(2025, 1, 1), ms(2026, 1, 1)]
# When something was asked: on both sides of each year's end, and in the middle of years.
MOMENTS = sorted(
    [
        *(at + by for at in NEW_YEARS for by in (-DAY_MS, -1, 0, 1)),
        ms(2024, 2, 29, 12),
        ms(2025, 6, 15, 10, 7),
        ms(2025, 6, 30, 23, 59, 59),
        ms(2026, 3, 1),
    ]
)
TABLES = ("usage_periods", "usage_models")
edges = (
    st.integers(ms(2023, 11, 1), ms(2027, 3, 1))
    | st.builds(int.__add__, st.sampled_from(MOMENTS), st.integers(-1, 1))
    | st.builds(ms, st.integers(2023, 2027), st.integers(1, 12), st.just(1))
)


def ask(engine: Engine) -> list[dict[str, Any]]:
    """Write a request of one of two people and two models at each of the moments."""
    names = ("Ada", "Grace")
    ids = [people.add_developer(engine, name, actor="test").id for name in names]
    written = [
        energy_rows.request(
            ids[number % 2],
            at,
            team_id=number % 3 or None,
            model="large" if number % 5 == 0 else "small",
            status="error" if number % 4 == 0 else "ok",
            output_tokens=1 << number,
            energy_j=float(number),
        )
        for number, at in enumerate(MOMENTS)
    ]
    with writing(engine) as connection, changing(connection, [it["id"] for it in written]):
        connection.execute(insert(Request), written)
    return written


@pytest.fixture
def asked(ledger: Ledger) -> list[dict[str, Any]]:
    return ask(ledger.engine)


@given(edge=st.tuples(edges, edges).map(sorted))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_range_of_years_adds_up_to_its_requests(
    ledger: Ledger, asked: list[dict[str, Any]], edge: list[int]
) -> None:
    start, end = edge
    inside = [it for it in asked if start <= it["started_at"] < end]
    found = queries.totals(ledger.engine, start, end)
    assert found.output_tokens == sum(it["output_tokens"] for it in inside)
    assert found.errors == sum(it["status"] == "error" for it in inside)
    assert found.energy_j == pytest.approx(sum(it["energy_j"] for it in inside))

    both = queries.by_developer_and_team(ledger.engine, start, end)
    keys = zip(both["developer_id"], both["team_id"], strict=True)
    assert dict(zip(keys, both["requests"], strict=True)) == Counter(
        (it["developer_id"], it["team_id"] or 0) for it in inside
    )
    models = work_by_model(ledger.engine, start, end)
    assert models["told_output_tokens"].sum() == 0  # of none a prompt's energy is told
    assert models.groupby("model")["requests"].sum().to_dict() == Counter(
        it["model"] for it in inside
    )


@pytest.mark.parametrize("start", [MOMENTS[0], MOMENTS[0] - 40 * DAY_MS])
def test_all_of_a_ledger_is_read_from_its_years_alone(
    ledger: Ledger, asked: list[dict[str, Any]], start: int
) -> None:
    with ledger.engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"DELETE FROM {table} WHERE span <> 'year'"))
    end = MOMENTS[-1] + 1
    found = queries.totals(ledger.engine, start, end)
    assert (found.requests, found.output_tokens) == (len(asked), (1 << len(asked)) - 1)
    assert work_by_model(ledger.engine, start, end)["requests"].sum() == len(asked)


def test_a_year_outlives_its_requests(ledger: Ledger, asked: list[dict[str, Any]]) -> None:
    set_retention(ledger.engine, Retention(30, None), actor="test")
    before = queries.by_developer(ledger.engine, MOMENTS[0], MOMENTS[-1] + 1)
    years = [_years(ledger.engine, table) for table in TABLES]
    removed = expire(ledger.engine, at=ms(2026, 1, 31))
    assert removed.requests == sum(it["started_at"] < NEW_YEARS[1] for it in asked)
    assert queries.by_developer(ledger.engine, MOMENTS[0], MOMENTS[-1] + 1).equals(before)
    assert [_years(ledger.engine, table) for table in TABLES] == years


def _years(engine: Engine, table: str) -> list[dict[str, Any]]:
    found = [it for it in rows(engine, table) if it["span"] == "year"]
    return sorted(found, key=lambda it: [str(value) for value in it.values()])


def test_a_ledger_of_the_version_before_gets_its_years_from_its_months(
    another_url: Callable[[], str],
) -> None:
    engine = connect(another_url())
    with writing(engine) as connection:
        command.upgrade(migrations(connection), "0010")
    ask(engine)
    kept = [_years(engine, table) for table in TABLES]
    with writing(engine) as connection:
        command.downgrade(migrations(connection), "0009")
    assert [_years(engine, table) for table in TABLES] == [[], []]
    migrate(engine)
    assert [_years(engine, table) for table in TABLES] == kept

    tokens, expected = Counter[int](), Counter[int]()
    for it in kept[0]:
        tokens[it["start_at"]] += it["output_tokens"]
    for number, at in enumerate(MOMENTS):
        expected[ms(datetime.fromtimestamp(at / 1000, UTC).year, 1, 1)] += 1 << number
    assert tokens == expected
    engine.dispose()
