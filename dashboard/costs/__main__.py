"""`python -m dashboard.costs SCENARIO.toml`: every figure of a scenario, as text or as JSON."""

import json
import sys
import tomllib
from typing import Any, NoReturn, TextIO

import click

from dashboard.costs.mistakes import mistakes
from dashboard.costs.plan import Plan, plan, queue
from dashboard.costs.scenario import Scenario, founding_toml, number
from dashboard.costs.summary import summary

WRONG = 2  # the exit status for a scenario with mistakes, as for a wrong option


@click.command()
@click.argument("file", metavar="SCENARIO.toml", type=click.File(encoding="utf-8"), required=False)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Every figure, schedules included. Amounts and exact numbers are strings, speeds and "
    "probabilities numbers; null is unknown or never.",
)
@click.option("--queue", "with_queue", is_flag=True, help="Also simulate waiting; takes seconds.")
@click.option("--schema", is_flag=True, help="Print the JSON schemas of input and output.")
@click.option("--example", is_flag=True, help="Print the founding scenario, to start from.")
def main(file: TextIO | None, as_json: bool, with_queue: bool, schema: bool, example: bool) -> None:
    """What hardware of one's own costs, and when it pays. `-` reads the scenario from stdin; a
    scenario may also be JSON."""
    if schema:
        click.echo(json.dumps(_schemas(), indent=2))
    elif example:
        click.echo(founding_toml(), nl=False)
    elif file is None:
        raise click.UsageError("Give a scenario's file, or --example for one to start from.")
    else:
        found = _planned(_read(file), with_queue=with_queue)
        click.echo(found.model_dump_json(indent=2) if as_json else summary(found), nl=as_json)


def _planned(scenario: Scenario, *, with_queue: bool) -> Plan:
    try:
        found = plan(scenario)
        return found.model_copy(update={"queue": queue(scenario)}) if with_queue else found
    except ValueError as error:
        _refuse(mistakes(error))


def _read(file: TextIO) -> Scenario:
    data = None
    try:
        data = _parsed(file.read())
        return Scenario.model_validate(data)
    except ValueError as error:
        _refuse(mistakes(error, data))


def _parsed(text: str) -> Any:
    """TOML never begins with a brace, JSON with an object always does."""
    if text.lstrip().startswith("{"):
        return json.loads(text, parse_float=number)
    return tomllib.loads(text, parse_float=number)


def _refuse(lines: list[str]) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(WRONG)


def _schemas() -> dict[str, Any]:
    return {
        "input": Scenario.model_json_schema(mode="validation"),
        "output": Plan.model_json_schema(mode="serialization"),
    }


if __name__ == "__main__":
    main()
