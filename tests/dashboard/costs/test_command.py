"""`python -m dashboard.costs`, as people and programs call it."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from dashboard.costs.__main__ import main
from dashboard.costs.scenario import founding, founding_toml, to_json


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--schema").stdout)
    return found


def test_a_file_gives_the_headline_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(founding_toml(), encoding="utf-8")
    called = subprocess.run(
        [sys.executable, "-m", "dashboard.costs", str(file)],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert called.stdout.startswith("1 × H100 PCIe 80 GB does not hold Kimi K2")
    assert "  1 developer                   227.3 months\n" in called.stdout
    assert called.stderr == ""


def test_the_json_has_every_schedule_and_row() -> None:
    found = json.loads(run("-", "--json", given=founding_toml()).stdout)
    rows = found["ownership"]["tax_schedules_if_kept"][0]["rows"]
    assert [row["depreciation"] for row in rows] == [
        "5000.00",
        "8000.00",
        "4800.00",
        "2880.00",
        "2880.00",
        "1440.00",
    ]
    assert len(found["ownership"]["evaluation"]["flows"]) == 61  # the start and 60 months
    assert len(found["break_even"]["by_developers"]) == 50
    assert found["queue"] is None


def test_what_comes_out_keeps_to_the_schema_that_is_printed() -> None:
    found = json.loads(run("-", "--json", "--queue", given=founding_toml()).stdout)
    Draft202012Validator(schemas()["output"]).validate(found)
    assert found["queue"]["limit"] is None
    assert found["queue"]["steps"][-1]["name"] == "8 × H200 SXM 141 GB"


def test_what_goes_in_keeps_to_the_schema_too_and_may_be_json() -> None:
    text = to_json(founding())
    Draft202012Validator(schemas()["input"]).validate(json.loads(text))
    assert run("-", given=text).stdout == run("-", given=founding_toml()).stdout


def test_every_field_that_people_write_says_what_it_is() -> None:
    schema = schemas()["input"]
    silent = [
        f"{name}.{field}"
        for name, part in {"scenario": schema, **schema["$defs"]}.items()
        for field, one in part.get("properties", {}).items()
        if "description" not in one and field not in _PLAIN and "$ref" not in one
    ]
    assert silent == []


_PLAIN = {"kind", "method", "name", "source", "value", "low", "mode", "high", "mean", "sd"} | {
    "p5",
    "p95",
}


def test_the_example_is_the_founding_scenario() -> None:
    assert run("--example").stdout == founding_toml()


def test_mistakes_are_a_line_each_without_a_traceback() -> None:
    text = founding_toml().replace("developers = 5", "developers = -5").replace("pue", "pux")
    found = run("-", given=text)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.splitlines() == [
        "developers: Input should be greater than or equal to 0 (given: -5)",
        "pux: there is no such field; is it misspelt?",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a = ", "This is not TOML: Invalid value"),
        ('{"a": ', "This is not JSON: Expecting value"),
    ],
)
def test_what_is_no_scenario_at_all_is_told_so(given: str, said: str) -> None:
    found = run("-", given=given)
    assert found.exit_code == 2
    assert found.stderr.startswith(said)


def test_a_rule_of_tax_that_the_dates_do_not_allow_is_a_mistake_too() -> None:
    text = founding_toml().replace(
        'method = "macrs", class_years = 5, convention = "half_year"',
        'method = "german_degressive"',
    )
    found = run("-", given=text.replace("2026-01-01", "2024-01-01"))
    assert found.exit_code == 2
    assert len(found.stderr.splitlines()) == 1


def test_without_a_file_it_says_what_to_give() -> None:
    found = run()
    assert found.exit_code == 2
    assert "--example" in found.stderr


def test_amounts_are_strings_so_that_no_reader_rounds_them() -> None:
    found = json.loads(run("-", "--json", given=founding_toml()).stdout)
    assert found["month"]["electricity"] == "90.00"
    assert Decimal(found["break_even"]["team"]["months"]) == Decimal("27.4725")
