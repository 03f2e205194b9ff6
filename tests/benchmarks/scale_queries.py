"""Every read behind every page, with what the pages ask: what `tests.benchmarks.scale` times.

`tests/benchmarks/test_scale_queries.py` holds that no function is forgotten.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard import energy, my_usage, overview, team
from dashboard.days import days_of
from dashboard.my_usage import months_of
from dashboard.overview import View, first_moment
from dashboard.periods import MINUTE_MS, Period, period
from db import (
    accounts,
    adoption_queries,
    energy_queries,
    grid,
    keys,
    limits,
    people,
    prices,
    queries,
    request_pages,
)
from db.months import month_of
from db.request_pages import Which
from db.uses import Uses

# Ranges are of the first zone, whole pages of both: the second's days begin on UTC's half hours.
ZONES = ("Europe/Berlin", "Asia/Kolkata")
# The ranges that differ in kind: the others are as long as one of these, or shorter.
NAMED = ("hour", "today", "last_month", "month", "all")
OWN = "90 own dates"
HALF = 30 * MINUTE_MS  # after UTC's, the second's hours begin
PAGE_ROWS = 50  # as dashboard/views/requests.py has it


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: the ledger at a time, its heaviest and its lightest user, a team of the
    heaviest's (0: none), the request in the middle of all by time, as `recent_requests` has it, and
    the model, the team and the key that were used least."""

    now_ms: int
    heavy: int
    light: int
    team: int
    middle: tuple[int, int]
    rare_model: str
    rare_team: int
    rare_key: int


@dataclass(frozen=True, slots=True)
class Query:
    """A read: its function's `module.name`, what it is asked, and how."""

    function: str
    asked: str
    run: Callable[[Engine], Any]

    @property
    def name(self) -> str:
        return f"{self.function} ({self.asked})" if self.asked else self.function


def subject_of(engine: Engine) -> Subject:
    """A moment after the ledger's last request."""
    with engine.connect() as connection:
        ask = connection.exec_driver_sql
        first, last = (
            ask(f"SELECT {end}(started_at) FROM requests").scalar_one() for end in ("min", "max")
        )
        by_use = ask("SELECT developer_id FROM requests GROUP BY 1 ORDER BY count(*)").scalars()
        light, *_, heavy = by_use.all()
        middle = ask(
            "SELECT started_at, id FROM requests"
            f" WHERE started_at >= {(first + last) // 2} ORDER BY 1, 2 LIMIT 1"
        ).one()
        team_id = ask(
            f"SELECT coalesce(team_id, 0) FROM requests WHERE developer_id = {heavy} LIMIT 1"
        ).scalar_one()
        months = "FROM usage_periods WHERE span = 'month' GROUP BY 1 ORDER BY sum(requests) LIMIT 1"
        model, team = (ask(f"SELECT {key} {months}").scalar_one() for key in ("model", "team_id"))
        key = ask(
            "SELECT api_key_id FROM monthly_use WHERE api_key_id > 0"
            " GROUP BY 1 ORDER BY sum(requests) LIMIT 1"
        ).scalar_one()
    return Subject(
        last + MINUTE_MS, heavy, light, team_id, (middle[0], middle[1]), model, team, key
    )


def queries_of(engine: Engine, it: Subject) -> list[Query]:
    """All of them, for a ledger."""
    first_ms = first_moment(engine, ZoneInfo(ZONES[0]), it.now_ms)
    spans = _spans(it)
    ranges = {
        name: period(span, ZoneInfo(ZONES[0]), it.now_ms, first_ms) for name, span in spans.items()
    }
    found = list(_pages(it, spans))
    for span, chosen in ranges.items():
        found += _of_range(span, chosen, it)
        found += _adoption(span, chosen, it)
    return [*found, *_request_browser(it), *_settings(it, ranges["all"])]


def _spans(it: Subject) -> dict[str, str]:
    """Each range as a view has it, by the name that stands in the output. The own dates end in the
    middle of the ledger's time."""
    last = datetime.fromtimestamp(it.middle[0] / 1000, ZoneInfo(ZONES[0])).date()
    return {**{span: span for span in NAMED}, OWN: f"{last - timedelta(days=89)}/{last}"}


def _pages(it: Subject, spans: dict[str, str]) -> Iterator[Query]:
    for zone in ZONES:
        for name, span in spans.items():
            view = View("own", span, zone)
            asked = f"{name}, {zone}"
            yield Query("overview.compute", asked, _page(overview.compute, view, it.now_ms))
            yield Query("energy.compute", asked, _page(energy.compute, view, it.now_ms))
            yield Query("team.compute", asked, _page(team.compute, view, None, it.now_ms))
            yield Query(
                "my_usage.compute", asked, _page(my_usage.compute, view, it.heavy, it.now_ms)
            )


def _page(compute: Callable[..., Any], *asked: Any) -> Callable[[Engine], Any]:
    return lambda engine: compute(engine, *asked)


def _of_range(span: str, chosen: Period, it: Subject) -> Iterator[Query]:
    start, end, bucket = chosen.start_ms, chosen.end_ms, chosen.bucket_ms
    minutes = max(bucket, MINUTE_MS)
    q, e = queries, energy_queries

    def asked(function: str, run: Callable[[Engine], Any], more: str = "") -> Query:
        return Query(function, span + more, run)

    yield asked("queries.totals", lambda on: q.totals(on, start, end))
    yield asked("queries.totals", lambda on: q.totals(on, start, end, it.heavy), ", heavy user")
    yield asked("queries.by_developer", lambda on: q.by_developer(on, start, end))
    yield asked("queries.by_team", lambda on: q.by_team(on, start, end))
    yield asked("queries.by_developer_and_team", lambda on: q.by_developer_and_team(on, start, end))
    yield asked("queries.timeline", lambda on: q.timeline(on, start, end, bucket))
    yield asked("queries.energy_between", lambda on: q.energy_between(on, start, end))
    yield asked("queries.energy_timeline", lambda on: q.energy_timeline(on, start, end, minutes))
    yield asked(
        "energy_queries.energy_by_time", lambda on: e.energy_by_time(on, start, end, minutes)
    )
    yield asked(
        "energy_queries.energy_by_quarter",
        lambda on: e.energy_by_quarter(on, start, end, whole_hours=True),
        ", by hour",
    )
    yield asked("energy_queries.energy_by_hour", lambda on: e.energy_by_hour(on, start, end, HALF))
    yield asked("energy_queries.work_by_developer", lambda on: e.work_by_developer(on, start, end))
    yield asked("energy_queries.work_by_model", lambda on: e.work_by_model(on, start, end))
    yield asked("energy_queries.meters", lambda on: e.meters(on, start, end))
    yield asked("energy_queries.whole_and_parts", lambda on: e.whole_and_parts(on, start, end))


def _adoption(span: str, chosen: Period, it: Subject) -> Iterator[Query]:
    start, end = chosen.start_ms, chosen.end_ms
    begins = days_of(chosen, ZoneInfo(ZONES[0])).begins()
    months = months_of(chosen)
    a = adoption_queries

    def asked(function: str, run: Callable[[Engine], Any], more: str = "") -> Query:
        return Query(f"adoption_queries.{function}", span + more, run)

    yield asked("active_developers", lambda on: a.active_developers(on, begins, end))
    yield asked(
        "active_developers",
        lambda on: a.active_developers(on, begins, end, Uses(it.team)),
        ", one team",
    )
    yield asked("developer_over_time", lambda on: a.developer_over_time(on, it.heavy, begins, end))
    yield asked("developer_models", lambda on: a.developer_models(on, it.heavy, start, end))
    yield asked("developer_keys", lambda on: a.developer_keys(on, it.heavy, months))


def _request_browser(it: Subject) -> Iterator[Query]:
    def page(asked: str, before: tuple[int, int] | None = None, **filters: Any) -> Query:
        which = Which(**filters)
        return Query(
            "request_pages.recent_requests",
            asked,
            lambda on: request_pages.recent_requests(on, PAGE_ROWS + 1, before, which=which),
        )

    yield page("first page")
    yield page("deep page", it.middle)
    for who, developer in (("heavy", it.heavy), ("light", it.light)):
        yield page(f"{who} user", developer_id=developer)
        yield page(f"{who} user, deep page", it.middle, developer_id=developer)
        yield page(f"{who} user, interrupted", developer_id=developer, status="interrupted")
        yield page(f"{who} user, ok", developer_id=developer, status="ok")
    for status in ("ok", "error", "cancelled", "interrupted", "running"):
        yield page(status, status=status)
        yield page(f"{status}, deep page", it.middle, status=status)
    rare: dict[str, Any] = {
        "model": it.rare_model,
        "team_id": it.rare_team,
        "api_key_ids": (it.rare_key,),
    }
    for name, value in rare.items():
        yield page(f"rare {name}", **{name: value})
        yield page(f"rare {name}, deep page", it.middle, **{name: value})
        yield page(f"rare {name}, interrupted", status="interrupted", **{name: value})
    yield page("heavy user, rare team", developer_id=it.heavy, team_id=it.rare_team)
    yield page("rare model and team", model=it.rare_model, team_id=it.rare_team)
    yield page("no such model", model="none")
    yield Query("request_pages.served", "", request_pages.served)
    yield Query(
        "request_pages.keys_named", "", lambda on: request_pages.keys_named(on, "Co", PAGE_ROWS)
    )
    yield Query(
        "request_pages.request_with_id",
        "",
        lambda on: request_pages.request_with_id(on, it.middle[1]),
    )


def _settings(it: Subject, everything: Period) -> Iterator[Query]:
    month, start, end = month_of(it.now_ms), everything.start_ms, everything.end_ms
    yield Query("queries.month_use", "", lambda on: queries.month_use(on, month))
    yield Query("adoption_queries.last_requests", "", adoption_queries.last_requests)
    yield Query("queries.first_activity", "", queries.first_activity)
    yield Query("queries.is_sample", "", queries.is_sample)
    yield Query("energy_queries.has_energy", "", energy_queries.has_energy)
    yield Query("prices.current_prices", "", lambda on: prices.current_prices(on, it.now_ms))
    yield Query("prices.prices_between", "all", lambda on: prices.prices_between(on, start, end))
    yield Query("prices.price_history", "", prices.price_history)
    yield Query("grid.current_grid", "", lambda on: grid.current_grid(on, it.now_ms))
    yield Query("grid.grid_history", "", grid.grid_history)
    yield Query("people.list_developers", "", lambda on: people.list_developers(on, archived=True))
    yield Query("people.get_developer", "", lambda on: people.get_developer(on, it.heavy))
    yield Query("people.find_developer", "", lambda on: people.find_developer(on, "Nobody"))
    yield Query("keys.list_keys", "", lambda on: keys.list_keys(on, revoked=True))
    yield Query("keys.verify", "", lambda on: keys.verify(on, "bk-of-nobody"))
    yield Query("limits.list_limits", "", limits.list_limits)
    yield Query("limits.get_limits", "", lambda on: limits.get_limits(on, developer_id=it.heavy))
    yield Query("accounts.list_accounts", "", accounts.list_accounts)
    yield Query("accounts.find_account", "", lambda on: accounts.find_account(on, "nobody"))
    yield Query("accounts.account_of_email", "", lambda on: accounts.account_of_email(on, "a@b.c"))
    yield Query("accounts.has_admin", "", accounts.has_admin)
