"""From the ledger's figures to what fires and what is sent, with the real parts in between."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest
from sqlalchemy import update
from streamlit import App, config

from dashboard.alerts.kinds import KINDS, USUAL, usual_rules
from dashboard.alerts.readings import read
from dashboard.alerts.sending import Undelivered
from dashboard.alerts.watch import UNFORESEEN, Watch, deliver, look, try_out
from dashboard.alerts.words import condition, names_in, sentence
from dashboard.product import Product
from db import alert_destinations, alert_rules, alert_states, keys, limits, people, prices
from db.alert_history import firing_now, firings
from db.alert_rules import Rule
from db.alert_states import Reading
from db.connect import writing
from db.ids import now_ms
from db.limits import Limits
from db.schema import ALERT_KINDS, AlertKind, AlertRule
from db.settings import Settings
from db.spans import DAY_MS
from engine.api.events import EngineState
from engine.api.service import Service
from tests.dashboard.alerts.receivers import Webhook, webhook
from tests.dashboard.conftest import Running
from tests.db.team import NOON, Team, outcome, window
from tests.postgresql import Server
from tests.product import free_port

MINUTE = 60_000
PRICE = Rule("energy_price", Decimal("0.30"), Decimal("0.28"), for_minutes=0)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


@pytest.fixture
def ada(product: Service) -> Team:
    person = people.add_developer(product.database, "Ada", "Platform", actor="test")
    key, _ = keys.create_key(product.database, person.id, "editor", actor="test")
    return Team(person.id, key.id)


def ask(
    product: Service,
    team: Team,
    status: Literal["ok", "error", "cancelled"] = "ok",
    at: int = NOON,
    energy_j: float | None = None,
    **changes: Any,
) -> int:
    request_id = team.admit(product.ledger, at=at)
    if energy_j is not None:
        shares: dict[int, float | None] = {request_id: energy_j}
        product.ledger.record_energy(window(shares, at=at)).result(20)
    product.ledger.finish(outcome(request_id, status, at + 2_000, **changes)).result(20)
    return request_id


def values(product: Service, rule: Rule, at: int = NOON + MINUTE) -> dict[str, Decimal | None]:
    return {one.subject: one.value for one in read(product, rule, at)}


def start(kind: AlertKind, **changes: Any) -> Rule:

    return replace(KINDS[kind].start, **changes)


class TestReadings:
    def test_a_budget_is_read_for_each_developer_and_key_that_has_one(
        self, product: Service, ada: Team
    ) -> None:
        bob = people.add_developer(product.database, "Bob", "Data", actor="test")
        half = Limits(tokens_per_month=130, energy_j_per_month=1_000.0)
        limits.set_limits(product.database, half, developer_id=ada.ada, actor="test")
        limits.set_limits(
            product.database, Limits(tokens_per_month=650), api_key_id=ada.key, actor="test"
        )
        limits.set_limits(
            product.database, Limits(tokens_per_month=10), developer_id=bob.id, actor="test"
        )
        ask(product, ada, energy_j=250.0)  # 40 + 25 tokens
        of_ada = {
            f"developer {ada.ada} tokens": Decimal(50),
            f"developer {ada.ada} energy": Decimal(25),
            f"key {ada.key} tokens": Decimal(10),
        }
        assert values(product, start("budget")) == of_ada | {
            f"developer {bob.id} tokens": Decimal(0)
        }
        assert values(product, start("budget", developer_id=ada.ada)) == of_ada
        assert values(product, start("budget", team_id=1), now_ms()).keys() == of_ada.keys()

    def test_energy_of_which_nothing_is_known_is_an_unknown_share(
        self, product: Service, ada: Team
    ) -> None:
        limits.set_limits(
            product.database, Limits(energy_j_per_month=1.0), developer_id=ada.ada, actor="test"
        )
        ask(product, ada)
        assert values(product, start("budget")) == {f"developer {ada.ada} energy": None}

    def test_the_cost_is_a_part_of_the_seats(self, product: Service, ada: Team) -> None:
        """$100 of operations a month and nothing else, beside one seat at $200."""
        now = now_ms()
        prices.set_prices(
            product.database,
            actor="test",
            hardware_price=0,
            operations_per_month=100,
            electricity_price_per_kwh=0,
            in_service_date=datetime.fromtimestamp(now / 1000, UTC).date(),
        )
        found = values(product, start("cost"), now - now % DAY_MS + DAY_MS - 1)[""]
        assert found is not None
        assert abs(found - 50) < 1, "a day's amounts are whole cents"

    def test_the_cost_beside_no_seats_is_unknown(self, product: Service) -> None:
        assert values(product, start("cost")) == {"": None}

    def test_idle_is_the_metered_energy_that_served_nothing(
        self, product: Service, ada: Team
    ) -> None:
        assert values(product, start("idle")) == {"": None}
        ask(product, ada, energy_j=3.0)  # and 1 J idle
        assert values(product, start("idle")) == {"": Decimal(25)}
        assert values(product, start("idle"), NOON + 3 * DAY_MS) == {"": None}

    def test_few_failures_at_night_are_no_high_rate(self, product: Service, ada: Team) -> None:
        ask(product, ada, "error")
        assert values(product, start("errors")) == {"": Decimal(10)}
        for _ in range(19):
            ask(product, ada)
        assert values(product, start("errors")) == {"": Decimal(5)}
        assert values(product, start("errors"), NOON + 16 * MINUTE) == {"": Decimal(0)}

    def test_latency_is_what_95_of_100_waited_at_most(self, product: Service, ada: Team) -> None:
        for number in range(1, 21):
            ask(product, ada, ttft_ms=number * 1_000.0)
        assert values(product, start("latency")) == {"": Decimal(19)}
        assert values(product, start("latency"), NOON + DAY_MS) == {"": Decimal(0)}

    def test_an_engine_that_failed_is_down(self, product: Service) -> None:
        subject = f"{socket.gethostname()}:{config.get_option('server.port')}|engine"
        for state, value in (("ready", 0), ("loading", 0), ("failed", 1)):
            product.embedded.state = EngineState(state)  # type: ignore[arg-type]
            assert values(product, start("down")) == {subject: Decimal(value)}

    def test_two_dashboards_on_one_host_do_not_hide_each_others_engine(
        self, product: Service
    ) -> None:
        product.embedded.state = EngineState("failed")
        mine = values(product, start("down"))
        before = config.get_option("server.port")
        config.set_option("server.port", free_port())
        try:
            theirs = values(product, start("down"))
        finally:
            config.set_option("server.port", before)
        assert len(mine | theirs) == 2
        for subject in mine:
            said = sentence(start("down"), subject, Decimal(1), names_in(product.database))
            assert f"{socket.gethostname()}:{before} is not available" in said

    def test_an_upstream_that_does_not_answer_is_down_and_its_password_is_not_told(
        self, tmp_path: Path
    ) -> None:
        address = f"127.0.0.1:{free_port()}"
        options = Settings(home=tmp_path / "home", model="none", upstreams=f"http://{address}/v1")
        running = Running(options, with_engine=True).start()
        try:
            found = values(running.service, start("down"))
        finally:
            running.stop()
        here = f"{socket.gethostname()}:{config.get_option('server.port')}"
        assert found == {f"{here}|upstream http://{address}/v1": Decimal(1)}

    def test_a_disk_is_read_once_though_home_and_ledger_are_both_on_it(
        self, product: Service
    ) -> None:
        home = product.settings.home
        (found,) = values(product, start("disk")).items()
        assert found[0] == f"{socket.gethostname()}|disk {home}"
        assert found[1] is not None
        assert abs(float(found[1]) - psutil.disk_usage(str(home)).percent) < 5

    def test_every_kind_is_told_in_a_sentence_and_reads_something(
        self, product: Service, ada: Team
    ) -> None:
        limits.set_limits(
            product.database, Limits(tokens_per_month=100), developer_id=ada.ada, actor="test"
        )
        names = names_in(product.database)
        for kind in ALERT_KINDS:
            rule = start(kind)
            assert condition(rule, names)
            for one in read(product, rule, NOON):
                assert sentence(rule, one.subject, one.value, names).endswith(".")


class TestFromEndToEnd:
    @pytest.fixture
    def expensive(self, product: Service, hook: Webhook) -> Service:
        """Electricity at $0.35, a rule that minds, and somewhere to say so."""
        prices.set_prices(product.database, actor="test", electricity_price_per_kwh="0.35")
        alert_rules.add_rules(product.database, [PRICE], actor="test")
        alert_destinations.add_webhook(product.database, "Ops", hook.url, actor="test")
        return product

    def test_it_is_sent_once_however_often_it_is_looked_at(
        self, expensive: Service, hook: Webhook
    ) -> None:
        for minute in range(5):
            look(expensive, NOON + minute * MINUTE)
            deliver(expensive, threading.Event(), NOON + minute * MINUTE)
        (text,) = hook.texts
        assert "*Alert*: Electricity costs $0.35 per kWh." in text

    def test_its_end_is_sent_too(self, expensive: Service, hook: Webhook) -> None:
        at = now_ms()
        look(expensive, at)
        prices.set_prices(expensive.database, actor="test", electricity_price_per_kwh="0.29")
        look(expensive, now_ms() + MINUTE)
        assert len(firing_now(expensive.database)) == 1, "between both thresholds"
        prices.set_prices(expensive.database, actor="test", electricity_price_per_kwh="0.2")
        look(expensive, now_ms() + 2 * MINUTE)
        assert firing_now(expensive.database) == []
        deliver(expensive, threading.Event(), now_ms() + 3 * MINUTE)
        assert ["*Alert*" in hook.texts[0], "*Cleared*" in hook.texts[1]] == [True, True]

    def test_what_did_not_get_there_is_kept_and_sent_when_it_can_be(
        self, expensive: Service, hook: Webhook
    ) -> None:
        hook.status = 503
        look(expensive, NOON)
        deliver(expensive, threading.Event(), NOON)
        (sent,) = firing_now(expensive.database)[0].sent
        assert sent.said is not None
        assert "HTTP 503" in sent.said
        hook.status = 200
        deliver(expensive, threading.Event(), NOON + MINUTE)
        assert firings(expensive.database, 9)[0].sent[0].delivered_at is not None
        assert len(hook.received) == 2

    def test_a_rule_that_cannot_be_read_keeps_no_other_from_being(
        self, expensive: Service, hook: Webhook
    ) -> None:
        alert_rules.add_rules(expensive.database, [start("disk")], actor="test")
        expensive.settings.home = expensive.settings.home / "gone"
        look(expensive, NOON)
        assert [one.rule.kind for one in firing_now(expensive.database)] == ["energy_price"]

    def test_a_message_that_cannot_be_made_keeps_no_other_from_being_sent(
        self, expensive: Service, hook: Webhook, caplog: pytest.LogCaptureFixture
    ) -> None:
        look(expensive, NOON)
        moon = {"timezone": "Europe/Moon"}  # as after an update that knows a zone no more
        with writing(expensive.database) as connection:
            connection.execute(update(AlertRule).values(moon))
        alert_rules.add_rules(expensive.database, [replace(PRICE, timezone="UTC")], actor="test")
        second = alert_rules.list_rules(expensive.database)[1]
        alert_states.apply(
            expensive.database, {second.id: [Reading("", Decimal("0.35"))]}, NOON + MINUTE
        )
        deliver(expensive, threading.Event(), NOON + MINUTE)
        assert len(hook.received) == 1
        said = {one.sent[0].said for one in firing_now(expensive.database)}
        assert said == {None, UNFORESEEN}
        assert "ZoneInfoNotFoundError" in caplog.text

    def test_the_watch_looks_and_sends_by_itself(self, expensive: Service, hook: Webhook) -> None:
        watch = Watch(expensive, first_after_s=0.01, every_s=0.05)
        watch.start()
        _wait_for(lambda: bool(hook.received))
        watch.stop()
        assert len(hook.received) == 1

    def test_rules_are_looked_at_while_a_message_is_on_its_way(
        self, expensive: Service, hook: Webhook
    ) -> None:
        hook.goes_on = threading.Event()
        watch = Watch(expensive, first_after_s=0.01, every_s=0.05)
        watch.start()
        _wait_for(lambda: bool(hook.received))
        prices.set_prices(expensive.database, actor="test", electricity_price_per_kwh="0.2")
        _wait_for(lambda: not firing_now(expensive.database))
        on_its_way = firings(expensive.database, 9)[0]
        hook.goes_on.set()
        watch.stop()
        assert (on_its_way.ended, on_its_way.sent[0].delivered_at) == ("cleared", None)

    def test_a_test_says_what_happened_and_is_no_alert(
        self, expensive: Service, hook: Webhook
    ) -> None:
        (to,) = alert_destinations.list_destinations(expensive.database)
        assert try_out(expensive, to) is None
        assert "This is a test" in hook.texts[0]
        hook.status = 404
        with pytest.raises(Undelivered, match="knows no such webhook"):
            try_out(expensive, to)
        assert firings(expensive.database, 9) == []


def _wait_for(so: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(400):
        if so():
            return
        waited.wait(0.05)


def test_of_two_processes_on_one_server_one_sends(
    postgresql: Server, tmp_path: Path, hook: Webhook
) -> None:
    url = postgresql.database()
    both = [
        Service(Settings(home=tmp_path / str(number), database_url=url, model="none"))
        for number in range(2)
    ]
    for service in both:
        service.settings.home.mkdir()
        service.ledger.open()
    database = both[0].database
    prices.set_prices(database, actor="test", electricity_price_per_kwh="0.35")
    alert_rules.add_rules(database, [PRICE], actor="test")
    alert_destinations.add_webhook(database, "Ops", hook.url, actor="test")
    watches = [Watch(service, first_after_s=0.01, every_s=0.02) for service in both]
    for watch in watches:
        watch.start()
    _wait_for(lambda: bool(hook.received))
    for watch in watches:
        watch.stop()
    for service in both:
        look(service)
        deliver(service, threading.Event())
    assert len(hook.received) == 1
    for service in both:
        service.ledger.close()
    postgresql.give_back(url)


def test_the_product_watches_from_its_start_to_its_end(tmp_path: Path) -> None:
    def watched() -> bool:
        return any(thread.name.startswith("alerts") for thread in threading.enumerate())

    async def live() -> None:
        made = Product(Settings(home=tmp_path / "home", model="none"))
        async with made.lifespan(App("main.py")):
            assert watched()

    asyncio.run(live())
    assert not watched()


def test_the_usual_rules_can_be_added(product: Service) -> None:
    alert_rules.add_rules(product.database, usual_rules("Asia/Kolkata"), actor="test")
    listed = [saved.rule for saved in alert_rules.list_rules(product.database)]
    assert [rule.kind for rule in listed] == list(USUAL)
    assert {rule.timezone for rule in listed} == {"Asia/Kolkata"}
