"""Predictions against published speeds: the error is what is said, and the factors are fitted."""

import math

import pytest
from pydantic import ValidationError

from dashboard.costs.capacity.__main__ import table
from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.load import factors, published
from dashboard.costs.capacity.published import Figure
from dashboard.costs.capacity.validation import Check, checks, correction, errors, interval


def root_mean_square(known: Factors) -> float:
    ratios = [check.ratio for check in checks(known, use="calibrate")]
    return math.sqrt(sum(math.log(ratio) ** 2 for ratio in ratios) / len(ratios))


def test_enough_is_published_of_enough_kinds() -> None:
    figures = published()
    assert len(figures) >= 30
    assert sum(figure.use == "held-out" for figure in figures) > len(figures) / 2
    assert len({figure.model for figure in figures}) >= 8
    assert len({figure.hardware for figure in figures}) >= 10


def test_the_held_out_error_is_no_worse_than_stated() -> None:
    # What the documentation states: typically a factor of 1.4, at worst 3.7.
    off = errors(checks(use="held-out"))
    assert off.figures == 22
    assert off.typical_factor < 1.45
    assert off.worst_factor < 3.7
    assert 1.1 < off.median_ratio < 1.4  # hopeful: planning has to allow for it


def test_the_calibrated_figures_are_met_on_average() -> None:
    off = errors(checks(use="calibrate"))
    assert off.median_ratio == pytest.approx(1, abs=0.05)
    assert off.worst_factor < 1.75


@pytest.mark.parametrize("name", sorted(set(Factors.model_fields) - {"link_share"}))
@pytest.mark.parametrize("change", [0.8, 1.25])
def test_the_factors_are_at_their_optimum(name: str, change: float) -> None:
    known = factors()
    moved = known.model_copy(update={name: getattr(known, name) * change})
    assert root_mean_square(moved) > root_mean_square(known)


def test_the_speeds_of_kimi_k2_are_predicted_within_a_factor_of_two() -> None:
    # All of them held out: 486 and 695 output tokens a second on 8 × H200, 288,000 on 96, and
    # 22 and 9.5 out of a host's memory.
    of_k2 = [check for check in checks(use="held-out") if check.figure.model == "kimi-k2"]
    served = [check for check in of_k2 if check.figure.hardware != "mac-studio-m3-ultra"]
    assert len(served) == 7
    assert all(0.5 < check.ratio < 2 for check in served)


def test_a_ratio_above_one_is_hopeful() -> None:
    figure = published()[0]
    assert Check(figure, 2 * figure.tokens_per_s).ratio == 2


def test_errors_count_too_high_and_too_low_alike() -> None:
    figure = published()[0]
    made = [Check(figure, figure.tokens_per_s * times) for times in (0.5, 1, 3)]
    off = errors(made)
    assert off.median_ratio == 1
    assert off.typical_factor == pytest.approx(2)
    assert off.worst_factor == pytest.approx(3)


def test_what_is_planned_with_is_as_often_too_low_as_too_high() -> None:
    ratios = [check.ratio / correction() for check in checks(use="held-out")]
    assert sum(ratio > 1 for ratio in ratios) == sum(ratio < 1 for ratio in ratios) == 11


def test_a_corrected_speeds_interval_covers_most_held_out_figures() -> None:
    covered = []
    for check in checks(use="held-out"):
        likely = interval(check.predicted / correction())
        covered.append(likely.low <= check.figure.tokens_per_s <= likely.high)
    assert 0.75 <= sum(covered) / len(covered) <= 0.9


def test_an_interval_stands_around_the_corrected_speed_and_scales_with_it() -> None:
    one, ten = interval(1), interval(10)
    assert one.predicted == 1
    assert one.low < 1 < one.high
    assert (ten.low, ten.high) == pytest.approx((10 * one.low, 10 * one.high))
    # Its ends are those of the prediction itself: 1.28 over the ratios at either end of 8 of 10.
    ratios = sorted(check.ratio for check in checks(use="held-out"))
    assert (one.low, one.high) == pytest.approx(
        (correction() / ratios[19], correction() / ratios[2])
    )


def test_the_table_is_of_predictions_as_they_are_and_says_what_plans_make_of_them() -> None:
    shown = table()
    # 14,898 tokens a second were published, 25,441.7 are predicted: 1.71, not 1.71 / 1.28.
    qwen = next(line for line in shown.splitlines() if "Qwen3-235B FP8, 8 × H100" in line)
    assert qwen.split()[2] == "1.71"
    assert "planned with: predicted ÷ 1.28, the held-out median ratio" in shown


def test_the_table_has_every_figure_with_its_ratio() -> None:
    shown = table()
    assert all(figure.name in shown for figure in published())
    kimi = next(
        line for line in shown.splitlines() if "Kimi K2 INT4, 8 × H200, vLLM, cache" in line
    )
    predicted, measured, ratio = (float(part.replace(",", "")) for part in kimi.split()[:3])
    assert measured == 695.1
    assert ratio == pytest.approx(predicted / measured, abs=0.01)
    assert "held-out: 22 figures" in shown


def test_a_figure_that_leaves_out_what_its_kind_needs_is_refused() -> None:
    whole = published()[0].model_dump()
    with pytest.raises(ValidationError, match="a mixed figure needs the tokens of an answer"):
        Figure.model_validate(whole | {"answer": None})
    with pytest.raises(ValidationError, match="a decode figure needs its batch"):
        Figure.model_validate(whole | {"kind": "decode"})
