"""Charts say their finding, hold the figures they were given, and escape names."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from dashboard import charts


def costs(names: list[str], fully_loaded: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"developer": names, "fully_loaded": fully_loaded, "marginal": [0.01] * len(names)}
    ).assign(seat=200.0)


def test_the_cost_chart_says_for_how_many_self_hosting_is_cheaper() -> None:
    chart = charts.developer_costs(costs(["Ada", "Grace"], [150.0, 250.0]), "USD")
    assert chart.title.startswith("1 of 2 developers cost less")
    assert "Ada: $150.00, seat $200.00" in chart.alt


def test_a_large_team_is_shown_as_its_largest_and_the_rest() -> None:
    names = [f"dev {number}" for number in range(40)]
    chart = charts.developer_costs(costs(names, [float(n) for n in range(40)]), "USD")
    bars = chart.figure.data[0]
    assert len(bars.y) == charts.MOST_BARS
    assert bars.y[-1] == "26 others"
    assert sum(bars.x) == sum(range(40))
    assert len(chart.table) == 40


def test_a_name_with_html_is_text_in_a_chart() -> None:
    chart = charts.developer_costs(costs(["<a href='x'>Ada</a>"], [1.0]), "USD")
    assert chart.figure.data[0].y[0].startswith("&lt;a href=")


def test_tokens_from_the_cache_are_not_counted_twice() -> None:
    frame = pd.DataFrame(
        {
            "developer": ["Ada"],
            "input_tokens": [100],
            "cached_input_tokens": [40],
            "output_tokens": [10],
        }
    )
    chart = charts.developer_tokens(frame)
    assert [list(bar.x) for bar in chart.figure.data] == [[60.0], [40.0], [10.0]]
    assert "110 tokens" in chart.alt


def test_idle_energy_stands_beside_that_of_requests() -> None:
    frame = pd.DataFrame(
        {
            "bucket_ms": [0, 60_000],
            "attributed_j": [3.6e6, np.nan],
            "idle_j": [3.6e6, 7.2e6],
            "overhead_j": [1.8e6, 0.9e6],
            "loading_j": [0.0, 0.3e6],
            "other_j": [0.0, 0.6e6],
        }
    )
    chart = charts.energy_timeline(frame, ZoneInfo("UTC"), "measured")
    assert chart.title == "60% of 5.00 kWh went into idling (kWh, measured)"
    assert list(chart.figure.data[2].y) == [0.5, 0.5]
    assert np.isnan(chart.figure.data[0].y[1]), "unknown must not be drawn as 0"


def test_the_heatmap_shows_each_experts_share_of_the_tokens() -> None:
    # Two layers, three experts, two experts a token, four tokens: each layer's counts add up to 8.
    chart = charts.experts_heatmap([[4, 4, 0], [4, 2, 2]], experts_per_token=2)
    share = np.array(chart.figure.data[0].z)
    assert share.T.tolist() == [[1.0, 1.0, 0.0], [1.0, 0.5, 0.5]]


def test_times_are_those_of_the_readers_clock() -> None:
    times = charts.local_times(pd.Series([1_767_268_800_000]), ZoneInfo("Asia/Kolkata"))
    assert str(times[0]).startswith("2026-01-01T17:30")
