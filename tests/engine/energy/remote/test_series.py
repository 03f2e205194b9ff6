"""How readings become counts, with times by hand."""

import pytest

from engine.energy.meters import Count
from engine.energy.remote.reading import Reading
from engine.energy.remote.series import Series
from engine.energy.timeline import Timeline


def counter(joules: float) -> Reading:
    return Reading("gpu-0", "accelerator", joules_total=joules)


def power(watts: float) -> Reading:
    return Reading("", "machine", watts=watts)


def told(series: Series, now: float) -> float | None:
    count = series.count(now)
    return None if count is None else count.joules


def steady(until_s: int, watts: float = 100.0) -> Series:
    """A counter read every second."""
    series = Series(0.0, counter(5000.0), every_s=1.0)
    for second in range(1, until_s + 1):
        series.note(float(second), counter(5000.0 + watts * second))
    return series


def test_a_counter_is_unknown_until_an_interval_is_known() -> None:
    series = Series(0.0, counter(5000.0), every_s=1.0)
    assert series.count(0.5) is None
    series.note(1.0, counter(5100.0))
    assert series.count(1.5) is None


def test_between_two_readings_a_count_rises_steadily() -> None:
    series = steady(3)
    # 300 J were read; the last 100 of them are told in the second after.
    assert [told(series, t) for t in (3.0, 3.5, 4.0)] == pytest.approx([200, 250, 300])


def test_figures_refreshed_every_30_s_do_not_come_in_one_lump() -> None:
    series = Series(0.0, counter(0.0), every_s=1.0)
    for second in range(1, 121):
        series.note(float(second), counter(second // 30 * 3000.0))  # 100 W
    # Steps at 30 (began before anyone looked), 60, 90 and 120 s; the last of them is to be told.
    assert told(series, 120.0) == pytest.approx(9000.0)
    for second in range(121, 150):
        series.note(float(second), counter(12000.0))
    assert told(series, 135.0 + 14.0) == pytest.approx(9000.0 + 29 * 100.0)


def test_what_was_last_read_is_known_at_once_to_those_who_look_back() -> None:
    series = Series(0.0, counter(0.0), every_s=1.0)
    for second in range(1, 30):
        series.note(float(second), counter(0.0))
    assert series.last_step(29.5) is None  # not seen to move yet
    for second in range(30, 76):
        series.note(float(second), counter(second // 30 * 3000.0))
    assert series.last_step(75.5) == (60.0, Count(6000.0))
    assert series.last_step(90.0) is None  # silent for too long


def test_power_is_integrated_by_trapezoids() -> None:
    series = Series(0.0, power(100.0), every_s=1.0)
    series.note(1.0, power(200.0))
    series.note(3.0, power(100.0))
    assert told(series, 10.0) is None  # not heard of for too long
    series.note(4.0, power(100.0))
    assert told(series, 5.0) == pytest.approx(150 + 300 + 100)


def test_a_counter_that_went_back_starts_an_epoch() -> None:
    series = steady(3)
    for second, joules in ((4, 10.0), (5, 60.0), (6, 110.0), (7, 160.0)):
        series.note(float(second), counter(joules))
    count = series.count(8.0)
    assert count is not None
    assert count.epoch == 1


def test_a_counter_of_something_else_starts_an_epoch() -> None:
    series = steady(3)
    series.note(4.0, counter(9.2e15))
    series.note(5.0, counter(9.2e15 + 50))
    series.note(6.0, counter(9.2e15 + 100))
    assert series.count(7.0) == Count(400.0, 1)


def test_a_counter_knows_what_a_gap_took() -> None:
    series = steady(3)
    assert series.count(60.0) is None
    series.note(60.0, counter(5000.0 + 6000.0))
    assert series.count(60.5) is None
    series.note(61.0, counter(5000.0 + 6100.0))
    series.note(62.0, counter(5000.0 + 6200.0))
    assert series.count(63.0) == Count(6200.0, 0)
    # None of the gap's joules are spread over the time after it: 100 W, not more.
    assert told(series, 62.5) == pytest.approx(6150.0)


def test_what_power_was_in_a_gap_is_unknown() -> None:
    series = Series(0.0, power(100.0), every_s=1.0)
    series.note(1.0, power(100.0))
    series.note(10.0, power(100.0))
    series.note(11.0, power(100.0))
    assert series.count(12.0) == Count(200.0, 1)


def test_something_that_draws_nothing_is_0_w_after_a_while() -> None:
    series = Series(0.0, counter(77.0), every_s=1.0)
    for second in range(1, 130):
        series.note(float(second), counter(77.0))
    assert told(series, 129.5) == 0.0


@pytest.mark.parametrize("window_s", [0.1, 0.3, 1.0, 7.0])
def test_the_joules_of_all_windows_are_the_counter_s(window_s: float) -> None:
    """Power changes all the time and polls are unpunctual, until all is steady at 40 W."""
    series = Series(0.0, counter(0.0), every_s=1.0)
    timeline: Timeline | None = None
    read_j = polled = opened_j = closed_at = sums = 0.0
    count = None
    for tick in range(1, 2000):
        now = tick / 10
        changing = now < 100
        if now - polled >= 1.0 + (tick % 3 / 10 if changing else 0.0) - 1e-9:
            read_j += (50 + tick % 400 if changing else 40) * (now - polled)
            series.note(now, counter(read_j))
            polled = now
        count = series.count(now)
        if timeline is None and count is not None:
            timeline, opened_j, closed_at = Timeline(3.0, now, count), count.joules, now
        elif timeline is not None:
            timeline.sample(now, count)
            if now - closed_at >= window_s - 1e-9:
                window = timeline.close(now)
                assert window is not None
                sums += window[0]
                closed_at = now
    assert count is not None
    assert read_j - count.joules <= 40 + 1e-6  # at most the last interval is yet to be told
    rest_j = 40 * (now - closed_at)  # of the window that is open still
    assert sums + rest_j == pytest.approx(count.joules - opened_j, rel=1e-5)


def test_a_meter_that_dies_is_unknown_as_soon_as_all_it_said_is_told() -> None:
    series = steady(3)
    # Told by 4.0; the reading that was due then may come late, by an interval at most.
    assert [told(series, t) for t in (4.0, 4.4, 5.0)] == pytest.approx([300, 300, 300])
    assert [told(series, t) for t in (5.1, 6.0, 7.9)] == [None, None, None]


def test_power_that_is_not_read_any_more_is_not_0() -> None:
    series = Series(0.0, power(100.0), every_s=1.0)
    for second in (1, 2, 3):
        series.note(float(second), power(100.0))
    assert told(series, 4.0) == pytest.approx(300)
    assert told(series, 5.1) is None


def test_a_counter_that_is_told_on_but_stands_still_is_not_0_either() -> None:
    series = steady(3)
    for second in range(4, 12):
        series.note(float(second), counter(5300.0))
    assert told(series, 11.5) is None


@pytest.mark.parametrize("refresh_s", [0.1, 1.0, 1.25, 1.5, 2.7, 30.0])
def test_polls_that_are_late_by_a_third_or_out_of_step_make_no_gap(refresh_s: float) -> None:
    series = Series(0.0, counter(0.0), every_s=1.0)
    due = now = 0.0
    seen: list[bool] = []
    for poll in range(400):
        due += 1.0
        polled = due + (0.0, 0.3, 0.15, 0.3)[poll % 4]
        while now < polled:
            now += 0.05
            seen.append(series.count(now) is not None)
        series.note(now, counter(now // refresh_s * refresh_s * 100))
    assert seen.index(True) < len(seen) // 4
    assert all(seen[seen.index(True) :])


@pytest.mark.parametrize("watts", [4_294_967.295, 1e308, float("inf"), float("nan"), -1.0, 1.1e6])
def test_power_that_nothing_draws_is_not_booked(watts: float) -> None:
    series = Series(0.0, power(100.0), every_s=1.0)
    series.note(1.0, power(100.0))
    series.note(2.0, power(watts))
    assert (series.count(2.5), series.last_step(2.5)) == (None, None)
    series.note(3.0, power(100.0))
    series.note(4.0, power(100.0))
    # The first second's and the last one's; what was between is another epoch's.
    assert series.count(5.0) == Count(200.0, 1)


def test_power_that_nothing_draws_at_the_first_reading_is_not_booked() -> None:
    series = Series(0.0, power(1e308), every_s=1.0)
    series.note(1.0, power(100.0))
    series.note(2.0, power(100.0))
    assert told(series, 3.0) == pytest.approx(100.0)


@pytest.mark.parametrize("joules", [1e308, float("inf"), float("nan"), -1.0, 5300.0 + 200_000])
def test_a_counter_that_leaps_or_is_no_number_is_not_booked(joules: float) -> None:
    series = steady(3)
    series.note(4.0, counter(joules))  # 200 kW at least, of one board
    for second in (5, 6, 7):
        series.note(float(second), counter(5000.0 + 100 * second))
    count = series.count(8.0)
    assert count is not None
    assert count.epoch > 0
    assert count.joules == pytest.approx(500)  # 300 and, since 5.0, 200


def test_what_a_short_gap_took_is_not_charged_to_those_after_it() -> None:
    series = steady(3)
    assert told(series, 6.5) is None
    series.note(7.0, counter(5700.0))
    assert told(series, 7.5) is None
    series.note(8.0, counter(5800.0))
    # 100 W again, and all that was counted.
    assert [told(series, t) for t in (8.0, 8.5, 9.0)] == pytest.approx([700, 750, 800])
