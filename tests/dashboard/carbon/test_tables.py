"""The shipped table of countries, and the 24 figures that people give."""

import pytest

from dashboard.carbon.countries import TABLE, countries
from dashboard.carbon.hours import parse_hours
from db.errors import InvalidInput


@pytest.mark.parametrize(
    ("code", "name", "g_per_kwh"),
    [
        # Ember's figures for 2023.
        ("USA", "United States", 369),
        ("FRA", "France", 56),
        ("DEU", "Germany", 381),
        ("POL", "Poland", 662),
        ("SWE", "Sweden", 41),
    ],
)
def test_a_countrys_intensity_is_embers(code: str, name: str, g_per_kwh: int) -> None:
    country = countries()[code]
    assert (country.name, country.year, round(country.g_per_kwh)) == (name, 2023, g_per_kwh)


def test_every_country_is_plausible_and_says_its_year() -> None:
    table = countries()
    assert len(table) == 212
    for country in table.values():
        assert len(country.code) == 3
        assert 0 < country.g_per_kwh < 1_400
        assert 2009 <= country.year <= 2023
        assert str(country.year) in country.source


def test_the_file_names_its_source_and_licence() -> None:
    head = TABLE.read_text().split("iso,")[0]
    assert "Ember" in head
    assert "CC BY 4.0" in head


def test_24_figures_are_read_however_they_are_separated() -> None:
    expected = [float(number) for number in range(24)]
    for separator in (" ", ", ", "\n", ";"):
        assert parse_hours(separator.join(map(str, range(24)))) == expected


def test_a_csv_file_is_read_by_its_hours_in_any_order() -> None:
    rows = [f"{hour},{100 + hour}" for hour in reversed(range(24))]
    text = "\ufeffhour,g_per_kwh\r\n" + "\r\n".join(rows) + "\r\n"
    assert parse_hours(text) == [100.0 + hour for hour in range(24)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There are 0 figures"),
        ("1 2 3", "There are 3 figures"),
        (" ".join(["1"] * 23 + ["many"]), "'many' is not a number"),
        ("hour,grams\n0,1", "must be hour,g_per_kwh"),
        ("hour,g_per_kwh\n0,1\n0,2", "Hour 0 stands there twice"),
        ("hour,g_per_kwh\n24,1", "an hour from 0 to 23"),
        ("hour,g_per_kwh\n" + "\n".join(f"{n},1" for n in range(22)), "for hour 22, 23"),
    ],
)
def test_what_is_wrong_with_the_hours_is_said(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_hours(text)
