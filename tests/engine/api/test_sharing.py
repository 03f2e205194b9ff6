"""Joules by tokens: what holds for any requests, and windows that can be reckoned by hand."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.source import Tally
from engine.api.upstreams.flight import Flight
from engine.api.upstreams.metered_window import Metered, split
from engine.api.upstreams.sharing import Spread, Stay, parts_of
from engine.energy.devices import Drawn
from engine.energy.meters import Accuracy, Basis, Count, Kind
from engine.energy.whole import Counted, Joules, Whole
from engine.energy.window import EnergyWindow


class Board:
    """What a window's figures say of their meter."""

    def __init__(self, kind: Kind = "accelerator") -> None:
        self.source, self.kind = "dcgm", kind
        self.basis: Basis = "measured"
        self.settle_s = 0.0
        self.floor_w: float | None = None
        self.accuracy = Accuracy(0.05, "by hand")

    def read(self) -> dict[str, Count]:
        return {}

    def detail(self) -> str:
        return "by hand"


moments = st.floats(-20, 20)
counts = st.integers(0, 10**6)


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    began, first, *pieces, ended = sorted(draw(st.lists(moments, min_size=4, max_size=8)))
    came = draw(st.booleans())
    output = [Spread(a, b, draw(counts)) for a, b in zip([first, *pieces], pieces, strict=False)]
    return Stay(
        draw(st.integers(1, 4)),
        began,
        ended,
        first if came else None,
        draw(counts),
        output if came else [],
    )


windows = st.tuples(st.floats(-10, 10), st.floats(0.1, 5)).map(lambda w: (w[0], w[0] + w[1]))
several = st.lists(stays(), max_size=6)


def metered(joules: float, idle_w: float | None, opened: float, closed: float) -> Metered:
    """A window in which one board drew `joules`."""
    drawn = [Drawn("gpu-0", Board(), joules, idle_w)]
    counted = Whole().count(drawn, closed - opened, quiet=False)
    return Metered(opened, closed, (0, 1000), counted, drawn, busy=1.0)


def used(window: EnergyWindow) -> list[float]:
    return [share for share in window.shares.values() if share is not None]


@given(several, windows, st.floats(0, 1e6), st.none() | st.floats(0, 1e3))
def test_shares_and_the_rest_are_what_the_meter_read(
    requests: list[Stay], window: tuple[float, float], joules: float, idle_w: float | None
) -> None:
    told = split(metered(joules, idle_w, *window), requests, "gpu-1")
    assert told.idle_j is not None
    total = math.fsum([*used(told), told.idle_j, told.other_j])
    assert total == pytest.approx(joules, rel=1e-9, abs=1e-9)
    assert min([*used(told), told.idle_j, told.other_j]) >= 0
    for request_id, prompt_j in told.prefill.items():
        share = told.shares[request_id]
        assert share is not None
        assert 0 <= prompt_j <= share * (1 + 1e-9)


@given(several, windows, st.randoms())
def test_the_order_of_requests_changes_nothing(
    requests: list[Stay], window: tuple[float, float], random: Random
) -> None:
    before = parts_of(requests, *window)
    random.shuffle(requests)
    after = parts_of(requests, *window)
    assert {key: part.whole for key, part in after.items()} == pytest.approx(
        {key: part.whole for key, part in before.items()}
    )


@given(several, stays(), windows)
def test_equal_requests_get_equal_shares(
    others: list[Stay], one: Stay, window: tuple[float, float]
) -> None:
    twins = [
        Stay(key, one.began, one.ended, one.first_token, one.prompt_tokens, one.output)
        for key in (11, 12)
    ]
    parts = parts_of([twins[0], *others, twins[1]], *window)
    assert parts.get(11) == parts.get(12)


@given(st.integers(1, 10**5), st.floats(0.1, 1e5))
def test_ten_times_the_tokens_in_the_same_time_take_ten_times_the_energy(
    tokens: int, joules: float
) -> None:
    requests = [
        Stay(key, 0.0, 1.0, 0.0, 0, [Spread(0.0, 1.0, tokens * times)])
        for key, times in ((1, 1), (2, 10))
    ]
    told = split(metered(joules, 0.0, 0.0, 1.0), requests, "gpu-1")
    few, many = used(told)
    assert many == pytest.approx(10 * few)


@given(stays(), st.lists(st.floats(-25, 25), min_size=2, max_size=10, unique=True))
def test_each_token_is_in_one_window(one: Stay, bounds: list[float]) -> None:
    edges = [-100.0, *sorted(bounds), 100.0]
    seen = [one.tokens(a, b) for a, b in pairwise(edges)]
    assert math.fsum(prompt for prompt, _ in seen) == pytest.approx(one.prompt_tokens)
    said = math.fsum(spread.tokens for spread in one.output)
    assert math.fsum(output for _, output in seen) == pytest.approx(said)


def test_a_prompt_is_spread_from_its_sending_to_the_first_token() -> None:
    """300 J beyond idling in the second in which one reads 600 tokens, of which two thirds fall
    into it, and another writes 100: 400 of 500 tokens, and 100 of 500."""
    reads = Stay(1, 0.0, 5.0, 1.5, 600, [Spread(1.5, 5.0, 350)])
    writes = Stay(2, -3.0, 5.0, -2.0, 9000, [Spread(-2.0, 5.0, 700)])
    told = split(metered(400.0, 100.0, 0.0, 1.0), [reads, writes], "gpu-1")
    assert told.shares == pytest.approx({1: 240.0, 2: 60.0})
    assert told.prefill == pytest.approx({1: 240.0})
    assert told.idle_j == pytest.approx(100.0)
    assert told.other_j == 0.0


def test_where_nobody_has_tokens_time_in_flight_divides() -> None:
    waits = Stay(1, 0.0, 9.0, None, 0, [])
    comes = Stay(2, 0.75, 9.0, None, 0, [])
    told = split(metered(500.0, 0.0, 0.0, 1.0), [waits, comes], "gpu-1")
    assert told.shares == pytest.approx({1: 400.0, 2: 100.0})


def test_what_is_above_idling_without_requests_is_somebody_elses() -> None:
    told = split(metered(400.0, 100.0, 0.0, 1.0), [], "gpu-1")
    assert (told.idle_j, told.other_j, told.shares) == (100.0, 300.0, {})


def test_a_window_that_no_meter_tells_is_unknown_to_those_in_flight() -> None:
    silent = [Drawn("all", Board(), None, None)]
    unknown = Metered(0.0, 1.0, (0, 1000), Whole().count(silent, 1.0, quiet=False), silent, 1.0)
    stays = [Stay(1, 0.5, 3.0, 0.6, 5, [Spread(0.6, 3.0, 7)]), Stay(2, 1.5, 3.0, None, 5, [])]
    told = split(unknown, stays, "gpu-1")
    assert (told.total_j, told.idle_j, told.basis) == (None, None, "unknown")
    assert told.shares == {1: None}


def test_where_another_meter_goes_on_the_window_is_partial() -> None:
    drawn = [Drawn("gpu-0", Board(), 400.0, 0.0), Drawn("plug", Board("machine"), None, None)]
    counted = Counted([Joules(400.0, 0.0, is_processor=False)], 0.0, 400.0, 20.0, "partial", "d")
    told = split(Metered(0.0, 1.0, (0, 1000), counted, drawn, 1.0), [], "gpu-1")
    assert (told.total_j, told.basis) == (400.0, "partial")


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pieces_are_scaled_to_what_the_server_says_that_they_were() -> None:
    clock, tally = Hands(), Tally(100, cached_input_tokens=60)
    flight = Flight(7, tally, clock, streamed=True)
    for clock.now in (2.0, 3.0, 4.0):
        flight.tokens(1)
    flight.end()
    tally.output_tokens = 30  # ten a piece
    assert flight.stay(9.0).tokens(0.0, 2.0) == (40, 10)
    assert flight.stay(9.0).tokens(2.5, 3.5) == pytest.approx((0, 10))
    assert flight.stay(9.0).ended == 4.0


def test_an_answer_in_one_piece_is_spread_over_its_whole_time() -> None:
    clock, tally = Hands(), Tally(40)
    flight = Flight(7, tally, clock, streamed=False)
    assert not flight.is_clear
    clock.now = 4.0
    tally.output_tokens = 20
    flight.tokens(1)
    flight.end()
    assert flight.stay(9.0).tokens(1.0, 2.0) == pytest.approx((10, 5))


def test_forgotten_tokens_change_nothing_of_what_comes() -> None:
    clock, tally = Hands(), Tally(0)
    flight = Flight(7, tally, clock, streamed=True)
    for second in range(1, 11):
        clock.now = float(second)
        flight.tokens(1)
    tally.output_tokens = 10
    before = flight.stay(10.0).tokens(6.0, 10.0)
    flight.forget(6.0)
    assert flight.stay(10.0).tokens(6.0, 10.0) == before == (0, 4)
