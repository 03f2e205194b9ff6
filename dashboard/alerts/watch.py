"""Looks at every rule once a minute, and sends what is due. Each in a thread of its own, off the
event loop: who takes messages slowly keeps nobody from looking."""

import logging
import threading
import traceback
from collections.abc import Callable, Sequence

from dashboard.alerts import readings
from dashboard.alerts.messages import message_of, trial_message
from dashboard.alerts.sending import Undelivered, send
from dashboard.alerts.words import names_in
from db import alert_deliveries, alert_states
from db.alert_destinations import Destination
from db.alert_rules import SavedRule, list_rules
from db.alert_states import Reading
from db.errors import LedgerUnavailable
from db.ids import new_id, now_ms
from engine.api.service import Service

log = logging.getLogger(__name__)

FIRST_AFTER_S = 20.0  # a server that starts has other things to do
EVERY_S = 60.0
SENDS_PER_LOOK = 4  # so that what fires waits for a quarter of a minute at most
STOPS_WITHIN_S = 3.0  # a message that takes longer is sent again after the next start
UNFORESEEN = "Breakeven could not send it; its log says where it went wrong."


class Watch:
    """One of each process; the ledger sees to it that only one of them sends."""

    def __init__(
        self,
        service: Service,
        *,
        first_after_s: float = FIRST_AFTER_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._stop = threading.Event()
        looks = (lambda: look(service), first_after_s, every_s)
        sends = (lambda: deliver(service, self._stop), first_after_s, every_s / SENDS_PER_LOOK)
        self._threads = [
            threading.Thread(target=self._run, args=looks, name="alerts", daemon=True),
            threading.Thread(target=self._run, args=sends, name="alerts-sent", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(STOPS_WITHIN_S)

    def _run(self, turn: Callable[[], None], wait_s: float, every_s: float) -> None:
        while not self._stop.wait(wait_s):
            wait_s = every_s
            try:
                turn()
            except LedgerUnavailable as error:
                log.warning("Alerts are looked at and sent later: %s", error)
            except Exception:  # the next turn comes soon
                log.exception("Alerts could not be looked at or sent.")


def look(service: Service, at: int | None = None) -> None:
    """Read every rule's value and note what comes of it."""
    rules = [saved for saved in list_rules(service.database) if saved.rule.enabled]
    if rules:
        alert_states.apply(service.database, _read(service, rules, at), at)


def _read(service: Service, rules: Sequence[SavedRule], at: int | None) -> dict[int, list[Reading]]:
    now = now_ms() if at is None else at
    found: dict[int, list[Reading]] = {}
    for saved in rules:
        try:
            found[saved.id] = readings.read(service, saved.rule, now)
        except LedgerUnavailable:
            raise
        except Exception:  # the other rules are looked at all the same
            log.exception("The alert rule %d (%s) cannot be read.", saved.id, saved.rule.kind)
    return found


def deliver(service: Service, stop: threading.Event, at: int | None = None) -> None:
    """Send what is due and not claimed by another process."""
    engine = service.database
    while not stop.is_set() and (due := alert_deliveries.claim(engine, at)):
        try:
            rules = {saved.id: saved.rule for saved in list_rules(engine, removed=True)}
            rule, names = rules[due.rule_id], names_in(engine)
            message = message_of(due, rule, names, service.settings.public_url)
            said = send(service.settings, due.destination, message)
        except LedgerUnavailable:
            raise
        except Undelivered as error:
            log.warning("An alert to %s is not delivered: %s", due.destination.name, error.said)
            alert_deliveries.failed(engine, due, error.said, for_good=error.for_good, at=at)
        except Exception as error:  # the others are sent all the same
            _log_unforeseen(due.id, error)
            alert_deliveries.failed(engine, due, UNFORESEEN, for_good=False, at=at)
        else:
            alert_deliveries.delivered(engine, due.id, said)


def _log_unforeseen(delivery_id: int, error: Exception) -> None:
    """Without its own words, which may hold a webhook's address."""
    where = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    log.error("The alert message %d cannot be sent: %s\n%s", delivery_id, name, where)


def try_out(service: Service, destination: Destination) -> str | None:
    """Send a test, now. Returns what is remarkable; Undelivered where it did not get there. Either
    is kept."""
    message = trial_message(service.settings.public_url, f"test-{new_id()}")
    try:
        said = send(service.settings, destination, message)
    except Undelivered as error:
        alert_deliveries.note_test(service.database, destination.id, error.said, arrived=False)
        raise
    alert_deliveries.note_test(service.database, destination.id, said, arrived=True)
    return said
