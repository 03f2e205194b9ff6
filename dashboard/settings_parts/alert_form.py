"""The forms of a rule: to add one, and to change or remove one that is there."""

from dataclasses import dataclass, replace
from datetime import time
from decimal import Decimal, InvalidOperation

import streamlit as st

from dashboard import data, formats, ui
from dashboard.alerts import words
from dashboard.alerts.kinds import KINDS
from dashboard.alerts.words import Names
from dashboard.ledgers import engine_of
from db import alert_rules
from db.alert_rules import WINDOWED, Rule, SavedRule
from db.errors import InvalidInput
from db.schema import AlertKind

Scope = tuple[int | None, int | None]  # the id of a team, or of a developer; both None: everybody


def add(names: Names, *, first: bool) -> None:
    with st.expander("Add a rule", expanded=first, icon=":material/add_alert:"):
        kind = st.selectbox(
            "What it watches", tuple(KINDS), format_func=lambda one: KINDS[one].title, width=320
        )
        st.caption(KINDS[kind].about)
        with st.form(f"add-rule-{kind}", border=False):
            typed = _fields(KINDS[kind].start, names, new=True)
            sent = st.form_submit_button("Add the rule", type="primary", icon=":material/add:")
        if sent and ui.attempt(
            lambda: alert_rules.add_rules(
                engine_of("own"), [_read(kind, typed)], actor=ui.actor("admin")
            ),
            done="Added",
        ):
            st.rerun()


def change(listed: list[SavedRule], names: Names) -> None:
    with st.expander("Change or remove a rule", icon=":material/edit_notifications:"):
        by_id = {saved.id: saved for saved in listed}
        chosen = by_id[
            st.selectbox(
                "Rule",
                list(by_id),
                format_func=lambda one: _label(by_id[one], names),
                width=480,
            )
        ]
        rule = chosen.rule
        with st.form(f"rule-{chosen.id}", border=False):
            typed = _fields(rule, names, new=False)
            sent = st.form_submit_button("Save the rule")
        if sent and ui.attempt(
            lambda: alert_rules.change_rule(
                engine_of("own"), chosen.id, _read(rule.kind, typed), actor=ui.actor("admin")
            ),
            done="Saved",
        ):
            st.rerun()
        if st.button("Remove the rule", icon=":material/delete:"):
            ui.confirm(
                "Remove the rule",
                f"**{formats.escape(_label(chosen, names))}** is not looked at any more, and what "
                "fires by it ends. What fired before stays in the history.",
                "Remove it",
                lambda: alert_rules.remove_rule(
                    engine_of("own"), chosen.id, actor=ui.actor("admin")
                ),
            )


def _label(saved: SavedRule, names: Names) -> str:
    rule = saved.rule
    whose = words.scope(rule, names)
    of = f" of {whose}" if whose else ""
    return f"{KINDS[rule.kind].title}{of}, {words.condition(rule, names)}"


@dataclass(frozen=True, slots=True)
class _Typed:
    """The fields as they are filled in."""

    fires: str
    clears: str
    for_minutes: str
    window: str | None
    again: str
    scope: Scope
    quiet: tuple[time | None, time | None]
    timezone: str
    enabled: bool


def _fields(rule: Rule, names: Names, *, new: bool) -> _Typed:
    fires = clears = "1"
    window = None
    scope: Scope = (None, None)
    unit = KINDS[rule.kind].unit
    with st.grid(3, min_column_width=200):
        if rule.kind != "down":
            fires = st.text_input(f"Fires at, {unit}", f"{rule.threshold:f}")
            clears = st.text_input(
                f"Clears below, {unit}",
                f"{rule.clears_at:f}",
                help="Lower than what it fires at, so that a figure that trembles around it tells "
                "you once.",
            )
        for_minutes = st.text_input(
            "Held for, minutes", str(rule.for_minutes), help="0: it fires at once."
        )
        if rule.kind in WINDOWED:
            window = st.text_input("Looks back, minutes", str(rule.window_minutes))
        again = st.text_input(
            "Tell again after, minutes",
            "" if rule.again_minutes is None else str(rule.again_minutes),
            placeholder="Once",
            help="While it fires. Empty: it is told once.",
        )
        if rule.kind == "budget":
            scope = _scope(rule, names)
        quiet_from = st.time_input("Quiet from", _time(rule.quiet_from))
        quiet_until = st.time_input("Quiet until", _time(rule.quiet_until))
        zone = st.text_input(
            "Time zone",
            data.timezone().key if new else rule.timezone,
            help="Of the quiet hours, of months and of the times in messages, such as "
            "Europe/Berlin.",
        )
    enabled = True if new else st.checkbox("On", rule.enabled)
    st.caption(
        "In quiet hours the page tells what fires at once; it is sent when they end, if it still "
        "fires then."
    )
    return _Typed(
        fires, clears, for_minutes, window, again, scope, (quiet_from, quiet_until), zone, enabled,
    )  # fmt: skip


def _scope(rule: Rule, names: Names) -> Scope:
    """Everybody, then teams, then developers."""
    scopes: list[Scope] = [
        (None, None),
        *((key, None) for key in names.teams),
        *((None, key) for key in names.developers),
    ]
    return st.selectbox(
        "Whose budgets",
        scopes,
        index=scopes.index((rule.team_id, rule.developer_id)),
        format_func=lambda one: words.scope(
            replace(rule, team_id=one[0], developer_id=one[1]), names
        ),
    )


def _read(kind: AlertKind, typed: _Typed) -> Rule:
    """InvalidInput where a field holds no number."""
    team_id, developer_id = typed.scope
    return Rule(
        kind=kind,
        threshold=_number("Fires at", typed.fires),
        clears_at=_number("Clears below", typed.clears),
        for_minutes=_whole("Held for", typed.for_minutes),
        window_minutes=None if typed.window is None else _whole("Looks back", typed.window),
        team_id=team_id,
        developer_id=developer_id,
        again_minutes=_whole("Tell again after", typed.again) if typed.again.strip() else None,
        quiet_from=_minute(typed.quiet[0]),
        quiet_until=_minute(typed.quiet[1]),
        timezone=typed.timezone.strip(),
        enabled=typed.enabled,
    )


def _number(label: str, text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        raise InvalidInput(label, f"{label}: {text!r} is not a number.") from None


def _whole(label: str, text: str) -> int:
    try:
        return int(text.replace(",", "").strip())
    except ValueError:
        raise InvalidInput(label, f"{label}: {text!r} is not a whole number of minutes.") from None


def _time(minute: int | None) -> time | None:
    return None if minute is None else time(minute // 60, minute % 60)


def _minute(at: time | None) -> int | None:
    return None if at is None else at.hour * 60 + at.minute
