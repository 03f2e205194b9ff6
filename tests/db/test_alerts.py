"""Alerts on the ledger: rules, destinations, firings, and each notice sent by one process."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from db import (
    alert_deliveries,
    alert_destinations,
    alert_rules,
    alert_states,
    erase,
    people,
    traces,
)
from db.alert_deliveries import CLAIM_MS, PAUSES_MINUTES
from db.alert_history import firing_now, firings
from db.alert_machine import MINUTE_MS, STALE_AFTER_MS
from db.alert_queries import first_token_s
from db.alert_rules import Rule
from db.alert_states import Reading
from db.check import check
from db.connect import connect
from db.errors import InvalidInput
from db.ledger import Ledger
from tests.db.team import NOON, Team, outcome, rows

SECRET = "https://hooks.slack.example/services/T0/B0/s3cretpath"
DISK = Rule("disk", Decimal(90), Decimal(85), for_minutes=0, timezone="Europe/Berlin")


def add(ledger: Ledger, rule: Rule = DISK) -> int:
    (rule_id,) = alert_rules.add_rules(ledger.engine, [rule], actor="ada")
    return rule_id


def webhook(ledger: Ledger, name: str = "Ops") -> int:
    return alert_destinations.add_webhook(ledger.engine, name, SECRET, actor="ada")


def read(ledger: Ledger, rule_id: int, value: int | None, at: int, subject: str = "") -> None:
    amount = None if value is None else Decimal(value)
    alert_states.apply(ledger.engine, {rule_id: [Reading(subject, amount)]}, at)


def notices(ledger: Ledger) -> list[str]:
    return [row["notice"] for row in rows(ledger.engine, "alert_deliveries")]


class TestRules:
    def test_a_rule_is_found_again_as_it_was_added(self, ledger: Ledger, team: Team) -> None:
        rule = Rule(
            "budget", Decimal("92.5"), Decimal(80), 10, None, None, team.ada, 60, 1320, 420,
            "Europe/Berlin",
        )  # fmt: skip
        add(ledger, rule)
        assert [saved.rule for saved in alert_rules.list_rules(ledger.engine)] == [rule]

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"clears_at": Decimal(95)}, "has to be 90 or less"),
            ({"threshold": Decimal(0)}, "a number above 0"),
            ({"threshold": Decimal("NaN")}, "a number above 0"),
            ({"threshold": Decimal(101)}, "100% at most"),
            ({"for_minutes": -1}, "0 to 10,080 minutes"),
            ({"again_minutes": 0}, "1 to 10,080 minutes"),
            ({"window_minutes": 5}, "alone look back"),
            ({"team_id": 1}, "Only a rule about budgets"),
            ({"quiet_from": 60}, "both a beginning and an end"),
            ({"quiet_from": 60, "quiet_until": 60}, "another time than they begin"),
            ({"timezone": "Berlin"}, "no time zone named 'Berlin'"),
            ({"kind": "budget", "developer_id": 99}, "no developer with id 99"),
        ],
    )
    def test_a_rule_that_cannot_be_is_refused_in_words(
        self, ledger: Ledger, wrong: dict[str, object], said: str
    ) -> None:
        with pytest.raises(InvalidInput, match=said):
            add(ledger, replace(DISK, **wrong))  # type: ignore[arg-type]
        assert alert_rules.list_rules(ledger.engine) == []

    def test_removing_one_ends_what_fires_and_keeps_the_history(self, ledger: Ledger) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON)
        alert_rules.remove_rule(ledger.engine, rule_id, actor="ada")
        assert firing_now(ledger.engine) == []
        assert [one.ended for one in firings(ledger.engine, 9)] == ["stopped"]
        with pytest.raises(InvalidInput, match="removed already"):
            alert_rules.remove_rule(ledger.engine, rule_id, actor="ada")

    def test_an_end_is_of_the_clock_that_the_beginning_is_of(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON)
        monkeypatch.setattr(alert_rules, "now_ms", lambda: 1)  # a host whose clock is wrong
        alert_rules.remove_rule(ledger.engine, rule_id, actor="ada")
        (row,) = rows(ledger.engine, "alert_firings")
        assert row["cleared_at"] > row["fired_at"]

    def test_turning_one_off_ends_what_fires(self, ledger: Ledger) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON)
        alert_rules.change_rule(ledger.engine, rule_id, replace(DISK, enabled=False), actor="ada")
        read(ledger, rule_id, 95, NOON + MINUTE_MS)
        assert firing_now(ledger.engine) == []


class TestDestinations:
    @pytest.mark.parametrize(
        "address",
        ["", "hooks.slack.com/x", "ftp://host/x", "https:///x", "https://h/a b", "https://h:x/"],
    )
    def test_an_address_that_nothing_can_be_posted_to_is_refused_and_not_repeated(
        self, ledger: Ledger, address: str
    ) -> None:
        with pytest.raises(InvalidInput, match=r"begins with https:// or http://") as caught:
            alert_destinations.add_webhook(ledger.engine, "Ops", address, actor="ada")
        assert not address or address not in caught.value.message

    @pytest.mark.parametrize(
        "text", ["", "ada", "ada@", "ada@team", "a b@team.example", "x@y.z\nBcc: all@team.example"]
    )
    def test_what_is_no_mail_address_is_refused(self, ledger: Ledger, text: str) -> None:
        with pytest.raises(InvalidInput):
            alert_destinations.add_email(ledger.engine, "Mail", text, actor="ada")

    def test_a_webhooks_address_is_in_no_audit_entry_and_in_nothing_shown(
        self, ledger: Ledger
    ) -> None:
        key = webhook(ledger)
        (found,) = alert_destinations.list_destinations(ledger.engine)
        assert found.shown == "hooks.slack.example"
        assert "s3cretpath" not in repr(found)
        alert_destinations.remove_destination(ledger.engine, key, actor="ada")
        assert "s3cretpath" not in json.dumps(rows(ledger.engine, "audit"))

    def test_removing_one_forgets_its_address_and_gives_up_what_waits(self, ledger: Ledger) -> None:
        key, rule_id = webhook(ledger), add(ledger)
        read(ledger, rule_id, 95, NOON)
        alert_destinations.remove_destination(ledger.engine, key, actor="ada")
        assert "s3cretpath" not in str(rows(ledger.engine, "alert_destinations"))
        assert alert_deliveries.claim(ledger.engine, NOON) is None
        (sent,) = firing_now(ledger.engine)[0].sent
        assert sent.said == "The destination was removed before it was sent."

    def test_names_are_told_apart_whatever_the_case_of_their_letters(self, ledger: Ledger) -> None:
        webhook(ledger, "Ops")
        with pytest.raises(InvalidInput, match="already a destination named Ops"):
            webhook(ledger, "ops")

    def test_one_that_is_added_later_hears_of_what_fires_and_of_its_end(
        self, ledger: Ledger
    ) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON, "old")
        read(ledger, rule_id, 10, NOON + MINUTE_MS, "old")
        read(ledger, rule_id, 95, NOON + MINUTE_MS, "new")
        assert notices(ledger) == []
        webhook(ledger)
        read(ledger, rule_id, 10, NOON + 2 * MINUTE_MS, "new")
        sent = rows(ledger.engine, "alert_deliveries")
        (now, _) = firings(ledger.engine, 9)
        assert [(row["notice"], row["firing_id"]) for row in sent] == [
            ("fired", now.id), ("cleared", now.id),
        ]  # fmt: skip

    def test_one_that_is_added_in_quiet_hours_hears_once_when_they_are_over(
        self, ledger: Ledger
    ) -> None:
        rule_id = add(ledger, replace(DISK, quiet_from=12 * 60, quiet_until=14 * 60))
        read(ledger, rule_id, 95, NOON)
        webhook(ledger)
        assert notices(ledger) == []
        read(ledger, rule_id, 95, NOON + 60 * MINUTE_MS)
        assert notices(ledger) == ["fired"]

    def test_an_erasure_says_where_a_mail_address_still_has_the_name(self, ledger: Ledger) -> None:
        alert_destinations.add_email(ledger.engine, "Mail", "grace@team.example", actor="ada")
        told = traces.wipe(ledger.engine, {"grace"})
        assert any("grace@team.example" in each for each in told)


class TestFirings:
    def test_what_is_read_twice_at_a_time_fires_once(self, ledger: Ledger) -> None:
        webhook(ledger)
        rule_id = add(ledger)
        for _ in range(3):
            read(ledger, rule_id, 95, NOON)
        assert notices(ledger) == ["fired"]
        assert len(firings(ledger.engine, 9)) == 1

    def test_subjects_fire_by_themselves(self, ledger: Ledger) -> None:
        rule_id = add(ledger)
        both: Sequence[Reading] = [Reading("a", Decimal(95)), Reading("b", Decimal(50))]
        alert_states.apply(ledger.engine, {rule_id: both}, NOON)
        assert [one.subject for one in firing_now(ledger.engine)] == ["a"]

    def test_a_subject_that_is_not_read_any_more_is_gone(self, ledger: Ledger) -> None:
        webhook(ledger)
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON, "old")
        read(ledger, rule_id, 10, NOON + STALE_AFTER_MS, "new")
        assert len(firing_now(ledger.engine)) == 1
        read(ledger, rule_id, 10, NOON + STALE_AFTER_MS + 1, "new")
        assert [one.ended for one in firings(ledger.engine, 9)] == ["gone"]
        assert notices(ledger) == ["fired", "cleared"]

    def test_a_rule_that_could_not_be_read_stays_as_it_is(self, ledger: Ledger) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON)
        alert_states.apply(ledger.engine, {}, NOON + 10 * STALE_AFTER_MS)
        assert len(firing_now(ledger.engine)) == 1

    def test_in_quiet_hours_the_page_is_told_at_once_and_people_when_they_end(
        self, ledger: Ledger
    ) -> None:
        webhook(ledger)
        at = NOON  # 13:00 in Berlin
        rule_id = add(ledger, replace(DISK, quiet_from=12 * 60, quiet_until=14 * 60))
        read(ledger, rule_id, 95, at)
        (now,) = firing_now(ledger.engine)
        assert now.held_back
        assert notices(ledger) == []
        read(ledger, rule_id, 95, at + 60 * MINUTE_MS)
        assert notices(ledger) == ["fired"]
        assert not firing_now(ledger.engine)[0].held_back

    def test_an_end_in_quiet_hours_is_sent_when_they_are_over(self, ledger: Ledger) -> None:
        webhook(ledger)
        rule_id = add(ledger, replace(DISK, quiet_from=13 * 60 + 30, quiet_until=14 * 60))
        read(ledger, rule_id, 95, NOON)
        read(ledger, rule_id, 10, NOON + 40 * MINUTE_MS)
        due = {row["notice"]: row["due_at"] for row in rows(ledger.engine, "alert_deliveries")}
        assert due == {"fired": NOON, "cleared": NOON + 60 * MINUTE_MS}

    def test_a_ledger_on_which_something_fires_is_sound(self, ledger: Ledger) -> None:
        rule_id = add(ledger)
        read(ledger, rule_id, 95, NOON)
        assert check(ledger.engine).violations == []


class TestDeliveries:
    def test_of_many_processes_one_gets_each_notice(self, ledger: Ledger, url: str) -> None:
        webhook(ledger)
        rule_id = add(ledger)
        for number in range(12):
            read(ledger, rule_id, 95, NOON, f"disk {number}")
        got: list[int] = []

        def process() -> None:
            engine = connect(url)
            while due := alert_deliveries.claim(engine, NOON):
                got.append(due.id)
            engine.dispose()

        threads = [threading.Thread(target=process) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(got) == 12
        assert len(set(got)) == 12

    def test_a_claim_of_a_process_that_died_runs_out(self, ledger: Ledger) -> None:
        webhook(ledger)
        read(ledger, add(ledger), 95, NOON)
        assert alert_deliveries.claim(ledger.engine, NOON) is not None
        assert alert_deliveries.claim(ledger.engine, NOON + CLAIM_MS - 1) is None
        assert alert_deliveries.claim(ledger.engine, NOON + CLAIM_MS) is not None

    def test_who_lost_its_claim_does_not_end_that_of_another(self, ledger: Ledger) -> None:
        webhook(ledger)
        read(ledger, add(ledger), 95, NOON)
        slow = alert_deliveries.claim(ledger.engine, NOON)
        assert slow is not None
        assert alert_deliveries.claim(ledger.engine, NOON + CLAIM_MS) is not None
        late = NOON + CLAIM_MS + 1
        alert_deliveries.failed(ledger.engine, slow, "Away.", for_good=False, at=late)
        assert alert_deliveries.claim(ledger.engine, late + 2 * MINUTE_MS) is None

    def test_what_failed_is_tried_again_ever_later_and_then_given_up(self, ledger: Ledger) -> None:
        webhook(ledger)
        read(ledger, add(ledger), 95, NOON)
        at, waits = NOON, []
        while due := alert_deliveries.claim(ledger.engine, at):
            alert_deliveries.failed(ledger.engine, due, "Away.", for_good=False, at=at)
            (row,) = rows(ledger.engine, "alert_deliveries")
            if row["failed_at"] is not None:
                break
            waits.append((row["due_at"] - at) // MINUTE_MS)
            assert alert_deliveries.claim(ledger.engine, row["due_at"] - 1) is None
            at = row["due_at"]
        assert tuple(waits) == PAUSES_MINUTES
        assert firing_now(ledger.engine)[0].sent[0].said == "Away."

    def test_what_failed_before_quiet_hours_is_tried_again_after_them(self, ledger: Ledger) -> None:
        webhook(ledger)  # NOON is 13:00 in Berlin
        rule = replace(DISK, quiet_from=13 * 60 + 1, quiet_until=14 * 60)
        read(ledger, add(ledger, rule), 95, NOON)
        due = alert_deliveries.claim(ledger.engine, NOON)
        assert due is not None
        alert_deliveries.failed(ledger.engine, due, "Away.", for_good=False, at=NOON + 30_000)
        (row,) = rows(ledger.engine, "alert_deliveries")
        assert row["due_at"] == NOON + 60 * MINUTE_MS

    def test_what_is_refused_for_good_is_not_tried_again(self, ledger: Ledger) -> None:
        webhook(ledger)
        read(ledger, add(ledger), 95, NOON)
        due = alert_deliveries.claim(ledger.engine, NOON)
        assert due is not None
        alert_deliveries.failed(ledger.engine, due, "No such webhook.", for_good=True, at=NOON)
        assert alert_deliveries.claim(ledger.engine, NOON + 10**9) is None

    def test_a_test_is_kept_as_the_last_attempt(self, ledger: Ledger) -> None:
        key = webhook(ledger)
        alert_deliveries.note_test(ledger.engine, key, None, arrived=True)
        alert_deliveries.note_test(ledger.engine, key, "Away.", arrived=False)
        last = alert_deliveries.last_attempts(ledger.engine)[key]
        assert (last.arrived, last.said) == (False, "Away.")


def test_the_time_to_the_first_token_is_the_nearest_rank(ledger: Ledger, team: Team) -> None:
    for number in range(1, 21):
        request_id = team.admit(ledger)
        ledger.finish(outcome(request_id, ttft_ms=number * 100.0)).result(20)
    assert first_token_s(ledger.engine, NOON, NOON + 1, Decimal("0.95")) == Decimal("1.9")
    assert first_token_s(ledger.engine, NOON, NOON + 1, Decimal(1)) == Decimal(2)
    assert first_token_s(ledger.engine, NOON + 1, NOON + 2, Decimal("0.95")) is None


def test_a_developer_with_a_rule_can_be_erased(ledger: Ledger, team: Team) -> None:
    add(ledger, Rule("budget", Decimal(90), Decimal(80), developer_id=team.ada))
    erase.erase_developer(ledger.engine, team.ada, actor="boss")
    (saved,) = alert_rules.list_rules(ledger.engine)
    assert saved.rule.developer_id == team.ada
    assert people.list_developers(ledger.engine) == []
