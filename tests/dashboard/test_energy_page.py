"""The Energy page: empty, with rows, with the sample team, and with what is unknown."""

from pathlib import Path
from shutil import copy

import pytest
from streamlit.testing.v1 import AppTest

from db import grid
from db.ids import now_ms
from db.sample import write_sample
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.energy_rows import MINUTE, developer, minute, reading, request, unknown_minute, write


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    write_sample(f"sqlite:///{path}")
    return path


def fill(product: Service, *, name: str = "Ada") -> None:
    """A minute of an estimate, a request in it, and a minute without a reading."""
    at = now_ms() // MINUTE * MINUTE - 2 * MINUTE
    ada = developer(product.database, name)
    estimate = {"meter": "cpu-estimate", "basis": "estimated", "accuracy": 0.4}
    write(
        product.database,
        minutes=[
            minute(
                at,
                attributed_j=6_000.0,
                idle_j=3_000.0,
                overhead_j=1_000.0,
                uncertainty_j=4_000.0,
                basis="estimated",
                source="cpu-estimate",
            ),
            unknown_minute(at + MINUTE, source="cpu-estimate"),
        ],
        readings=[
            reading("processor", 10_000.0, at, **estimate),
            reading("processor", 0.0, at + MINUTE, known_ms=0, unknown_ms=MINUTE, **estimate),
        ],
        requests=[
            request(
                ada,
                at,
                input_tokens=100,
                output_tokens=50,
                energy_j=6_000.0,
                prefill_energy_j=1_000.0,
                energy_uncertainty_j=2_400.0,
                energy_basis="estimated",
                experts_active_mean=4.0,
            )
        ],
    )


def texts(page: AppTest) -> list[str]:
    parts = [*page.markdown, *page.caption, *page.text, *page.info]
    return [part.value.replace("\\", "") for part in parts]


def says(page: AppTest, words: str) -> bool:
    return any(words in text for text in texts(page))


def tile(page: AppTest, label: str) -> str:
    return str(next(one.value for one in page.metric if one.label == label))


def test_an_empty_ledger_says_what_to_do(product: Service) -> None:
    page = open_page("energy")
    assert any("No energy has been recorded yet" in one.value for one in page.subheader)
    assert "Chat now" in [button.label for button in page.button]
    assert not page.metric, "nothing is known, so nothing is 0"
    assert says(page, "Carbon") or says(page, "choose a country or a figure in Settings")


def test_the_joules_stand_where_they_went_with_their_uncertainty(product: Service) -> None:
    fill(product)
    page = open_page("energy", range="Last hour")
    assert tile(page, "Served requests") == "1.67 Wh"
    assert tile(page, "Idle") == "0.833 Wh"
    assert says(page, "60% of 2.78 Wh ± 40% (estimated) served requests")
    assert says(page, "60%; ± 0.67 Wh")
    assert says(page, "1 min the meters gave nothing: that energy is unknown, not 0")


def test_a_tokens_joules_are_told_by_model_and_by_experts(product: Service) -> None:
    fill(product)
    page = open_page("energy", range="Last hour")
    assert says(page, "small took 100 J ± 40% per output token, 10.0 times an input token")
    assert says(page, "With 4 experts a token, an output token took 100 J ± 40% (estimated)")


def test_the_meters_state_and_accuracy_are_in_a_table(product: Service) -> None:
    fill(product)
    page = open_page("energy", range="Last hour")
    table = next(one.value for one in page.dataframe if "Accuracy" in one.value.columns)
    (row,) = table.to_dict("records")
    assert (row["Meter"], row["Accuracy"]) == ("cpu-estimate", "± 40%")
    assert row["State"] == "reading; silent for 1 min of the range"


def test_carbon_follows_the_intensity_that_was_set(product: Service) -> None:
    fill(product)
    grid.set_grid(product.database, actor="test", g_per_kwh=360.0, source="the contract of 2026")
    page = open_page("energy", range="Last hour")
    # 10,000 J are 2.78 Wh: × 360 g/kWh = 1 g, ± 40%.
    assert says(page, "About 1 g CO₂e (0.6 g to 1.4 g), estimated: 2.78 Wh × 360 g/kWh")
    assert says(page, "the contract of 2026")


def test_a_range_without_a_reading_is_unknown_not_nothing(product: Service) -> None:
    at = now_ms() // MINUTE * MINUTE - 2 * MINUTE
    write(product.database, minutes=[unknown_minute(at)])
    page = open_page("energy", range="Last hour")
    assert says(page, "the energy is unknown, not 0")
    assert not page.metric


def test_rows_without_accuracy_say_that_it_was_not_kept(product: Service) -> None:
    at = now_ms() // MINUTE * MINUTE - 2 * MINUTE
    write(product.database, minutes=[minute(at, idle_j=3_600.0)])
    page = open_page("energy", range="Last hour")
    assert says(page, "0% of 1 Wh (measured, accuracy not kept) served requests")
    assert not says(page, "±")


def test_the_sample_team_has_energy_but_no_power_now(product: Service, sample_file: Path) -> None:
    copy(sample_file, product.settings.home / "sample.db")
    page = open_page("energy", range="All")
    assert any(one.value == "Power now" for one in page.subheader)
    page.session_state["ledger"] = "sample"
    page.run()
    assert not page.exception
    assert any("Sample data" in box.value for box in page.warning)
    assert not any(one.value == "Power now" for one in page.subheader)
    assert says(page, "served requests")


def test_a_hostile_name_is_never_markup(product: Service) -> None:
    hostile = "<img src=x onerror=alert(1)> [Ada](http://evil) $x$"
    fill(product, name=hostile)
    page = open_page("energy", range="Last hour")
    assert not any(hostile in one.value for one in [*page.markdown, *page.caption])
