"""Grams are joules × intensity at their hour, checked by hand."""

import pandas as pd
import pytest

from dashboard.carbon.emissions import emissions
from db.grid import Grid

KWH = 3_600_000.0
HOUR = 3_600_000
MIDNIGHT = 1_767_225_600_000  # 2026-01-01 00:00 UTC


def energy(*spans: tuple[int, float, float | None]) -> pd.DataFrame:
    """Rows of (start, joules, uncertainty)."""
    frame = pd.DataFrame(spans, columns=["bucket_ms", "total_j", "uncertainty_j"])
    frame["accuracy_unknown_j"] = frame["total_j"].where(frame["uncertainty_j"].isna(), 0.0)
    return frame.astype({"total_j": float, "uncertainty_j": float})


def grid(g_per_kwh: float | None, valid_from: int = 0, by_hour: bool = False) -> Grid:
    """By hour: 100 g/kWh at 0:00, 110 at 1:00, … 330 at 23:00."""
    hours = tuple(100.0 + 10 * hour for hour in range(24)) if by_hour else None
    return Grid(valid_from, None, g_per_kwh, hours, "test")


def test_a_kilowatt_hour_of_the_united_states() -> None:
    found = emissions(energy((MIDNIGHT, 2 * KWH, 0.8 * KWH)), [grid(369.0)])
    assert found is not None
    assert found.grams == pytest.approx(738.0)  # 2 × 369
    assert found.uncertainty_g == pytest.approx(295.2)  # 0.8 × 369
    assert found.energy_j == 2 * KWH


def test_each_hour_of_the_day_has_its_own_intensity_in_utc() -> None:
    spans = energy(
        (MIDNIGHT, KWH, 0.1 * KWH),
        (MIDNIGHT + 23 * HOUR + 45 * 60_000, KWH, 0.1 * KWH),
        (MIDNIGHT + 24 * HOUR, KWH, 0.1 * KWH),
    )
    found = emissions(spans, [grid(215.0, by_hour=True)])
    assert found is not None
    assert found.grams == pytest.approx(100 + 330 + 100)
    assert found.uncertainty_g == pytest.approx(10 + 33 + 10)


def test_energy_counts_with_the_intensity_of_its_time() -> None:
    grids = [grid(100.0), grid(200.0, MIDNIGHT + HOUR), grid(None, MIDNIGHT + 2 * HOUR)]
    spans = energy(*[(MIDNIGHT + n * HOUR, KWH, 0.0) for n in range(3)])
    found = emissions(spans, grids)
    assert found is not None
    assert found.grams == pytest.approx(300.0)
    assert found.uncounted_j == KWH  # turned off by then
    assert [one.g_per_kwh for one in found.grids] == [100.0, 200.0]


def test_energy_from_before_the_first_intensity_is_not_counted() -> None:
    later = [grid(100.0, MIDNIGHT + HOUR)]
    found = emissions(energy((MIDNIGHT, KWH, 0.0), (MIDNIGHT + HOUR, KWH, 0.0)), later)
    assert found is not None
    assert (found.energy_j, found.uncounted_j) == (KWH, KWH)


@pytest.mark.parametrize("grids", [[], [grid(None)], [grid(100.0, MIDNIGHT + HOUR)]])
def test_where_no_intensity_holds_nothing_is_told(grids: list[Grid]) -> None:
    assert emissions(energy((MIDNIGHT, KWH, 0.0)), grids) is None


def test_unknown_energy_has_no_grams() -> None:
    spans = energy((MIDNIGHT, KWH, 0.0))
    spans.loc[0, "total_j"] = float("nan")
    assert emissions(spans, [grid(100.0)]) is None


def test_an_accuracy_that_was_not_kept_is_not_perfect() -> None:
    nothing = emissions(energy((MIDNIGHT, KWH, None)), [grid(100.0)])
    assert nothing is not None
    assert nothing.uncertainty_g is None
    some = emissions(energy((MIDNIGHT, KWH, None), (MIDNIGHT, KWH, 0.5 * KWH)), [grid(100.0)])
    assert some is not None
    assert some.uncertainty_g == pytest.approx(50.0)
    assert some.accuracy_unknown_j == KWH
