"""The planner's inputs. Each starts from the scenario that was loaded, and gives back its very
value while nobody changes it.

Keys hold the number of the loading, so that a scenario that is loaded meets fresh inputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

Number = Decimal | int
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where a slider goes. Its box takes more: up to `most`."""

    low: float
    high: float
    step: float
    digits: int
    most: float = 1e12


@dataclass(frozen=True, slots=True)
class Inputs:
    """Draws inputs. `loading` counts the scenarios that this reader has loaded; `within` names one
    of several things that have inputs of the same name."""

    loading: int
    within: str = ""

    def part(self, name: str) -> "Inputs":
        """The inputs of one of several things, or of a part of it."""
        return Inputs(self.loading, f"{self.within}{name}-")

    def key(self, name: str) -> str:
        return f"planner-{self.loading}-{self.within}{name}"

    def slider(self, name: str, label: str, value: Number, scale: Scale, explain: str) -> Decimal:
        """A slider, and a box for the exact figure, which may lie beyond the slider's end.

        Whichever is moved, the other is drawn as a new one that starts from its figure, and the old
        one is not heard any more: its old figure comes along with a second move that is made before
        the redrawing.
        """
        figure, boxes, slides = (self.key(f"{name}-{of}") for of in ("figure", "box", "slider"))
        whole = scale.digits == 0
        kind: Callable[[Any], float] = int if whole else float
        _start(figure, kind(value))
        _start(boxes, 0)
        _start(slides, 0)
        high = kind(max(scale.high, kind(value)))
        box_number, slide_number = st.session_state[boxes], st.session_state[slides]
        box, slide = f"{boxes}-{box_number}", f"{slides}-{slide_number}"
        _start(box, st.session_state[figure])
        _start(slide, min(max(st.session_state[figure], kind(scale.low)), high))

        def slid() -> None:
            if st.session_state[slides] == slide_number:
                st.session_state[figure] = st.session_state[slide]
                st.session_state[boxes] += 1

        def typed() -> None:
            if st.session_state[boxes] == box_number:
                st.session_state[figure] = st.session_state[box]
                st.session_state[slides] += 1

        with st.container(gap="xsmall"):
            st.number_input(
                label,
                min_value=kind(scale.low),
                max_value=kind(scale.most),
                step=kind(scale.step),
                format=_format(scale.digits),
                key=box,
                help=explain,
                on_change=typed,
            )
            st.slider(
                label,
                min_value=kind(scale.low),
                max_value=high,
                step=kind(scale.step),
                format=_format(scale.digits),
                key=slide,
                label_visibility="collapsed",
                on_change=slid,
            )
        return exact(st.session_state[figure], value)

    def number(
        self,
        name: str,
        label: str,
        value: Number,
        explain: str,
        *,
        low: float = 0,
        high: float = 1e12,
        step: float = 1,
        digits: int = 0,
    ) -> Decimal:
        kind: Callable[[Any], float] = int if digits == 0 else float
        if value != int(value):
            kind, digits = float, max(digits, 1)
        key = self.key(name)
        _start(key, kind(value))
        st.number_input(
            label,
            min_value=kind(low),
            max_value=kind(high),
            step=kind(step),
            format=_format(digits if kind is float else 0),
            key=key,
            help=explain,
        )
        return exact(st.session_state[key], value)

    def optional(self, name: str, label: str, value: Number | None, explain: str) -> Decimal | None:
        """Empty: not known."""
        key = self.key(name)
        _start(key, None if value is None else float(value))
        typed = st.number_input(
            label, min_value=0.0, value=None, step=1.0, format="%.10g", key=key, help=explain
        )
        if typed is None:
            return None
        return plain(typed) if value is None else exact(typed, value)

    def choice(
        self, name: str, label: str, options: Sequence[str], value: str, explain: str, **more: Any
    ) -> str:
        """`words` in `more`: what each option is called."""
        words = more.get("words", {})
        key = self.key(name)
        if st.session_state.get(key) not in options:
            st.session_state[key] = value if value in options else options[0]
        return str(
            st.selectbox(
                label, options, format_func=lambda one: words.get(one, one), key=key, help=explain
            )
        )

    def text(self, name: str, label: str, value: str, explain: str) -> str:
        key = self.key(name)
        _start(key, value)
        return str(st.text_input(label, key=key, help=explain, max_chars=max(80, len(value))))

    def yes(self, name: str, label: str, value: bool, explain: str) -> bool:
        key = self.key(name)
        _start(key, value)
        return bool(st.checkbox(label, key=key, help=explain))

    def day(self, name: str, label: str, value: date, explain: str) -> Any:
        key = self.key(name)
        _start(key, _within(value))
        typed = st.date_input(
            label,
            key=key,
            help=explain,
            format="YYYY-MM-DD",
            min_value=FIRST_DAY,
            max_value=LAST_DAY,
        )
        return typed or value

    def move(self, name: str, by: timedelta) -> None:
        """A day that is shown already goes along with another one."""
        day = st.session_state.get(self.key(name))
        if day is not None:
            st.session_state[self.key(name)] = _within(day + by)

    def follow(self, name: str, value: int, leader: int, before: int) -> None:
        """An input that shows what its leader does goes along with it. `value` is its own in the
        scenario that was loaded, and `before` what the leader had there."""
        key, heard = self.key(name), self.key(f"{name}-heard")
        _start(key, value)
        _start(heard, before)
        if leader != st.session_state[heard] == st.session_state[key]:
            st.session_state[key] = leader
        st.session_state[heard] = leader


def exact(shown: float, value: Number) -> Decimal:
    """The value itself where the box still shows it: a box holds fewer digits."""
    return Decimal(value) if float(value) == float(shown) else plain(shown)


def plain(number: float) -> Decimal:
    """A float's shortest text is what was typed."""
    found = Decimal(str(number))
    return Decimal(int(found)) if found == int(found) else found


def _within(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)


def _start(key: str, value: Any) -> None:
    if key not in st.session_state:
        st.session_state[key] = value


def _format(digits: int) -> str:
    """All digits that were given: a price per kWh may have six."""
    return "%d" if digits == 0 else "%.10g"
