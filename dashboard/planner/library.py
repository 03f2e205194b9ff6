"""The scenarios that can be opened: the two that are built in, and those that were saved."""

from dataclasses import dataclass
from datetime import date

import streamlit as st
from pydantic import ValidationError

from dashboard import data, ui
from dashboard.costs.scenario import Scenario, founding, from_json, from_toml, to_json
from dashboard.ledgers import engine_of
from dashboard.planner import state
from dashboard.planner.form import problem
from dashboard.planner.start import Team, scenario_of, team_of
from db import scenarios
from db.ids import now_ms

LARGEST_FILE = 200_000  # bytes; a scenario has a few thousand
FOUNDING_NAME = "The founding case"


@dataclass(frozen=True, slots=True)
class Known:
    """Scenarios by what `state.Opened.which` calls them, and the names of those saved ones that
    this version cannot read."""

    scenarios: dict[str, Scenario]
    unreadable: list[str]


class UnreadableError(ValueError):
    """What is wrong with a file, in words."""


def team(ledger: str) -> Team:
    return _team(str(engine_of(ledger).url), ledger)


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _team(url: str, ledger: str) -> Team:
    return team_of(engine_of(ledger), now_ms())


def all_scenarios(ledger: str, today: date) -> Known:
    """Saved ones are the own ledger's: none while the sample team is looked at."""
    found = {
        state.NOW: scenario_of(team(ledger), today),
        state.FOUNDING: founding().model_copy(update={"name": FOUNDING_NAME}),
    }
    unreadable = []
    for one in scenarios.list_scenarios(engine_of("own")) if ledger == "own" else ():
        try:
            found[f"{state.SAVED}{one.name}"] = from_json(one.content)
        except ValueError:
            unreadable.append(one.name)
    return Known(found, unreadable)


def save(name: str, scenario: Scenario) -> None:
    """InvalidInput for a name that cannot be."""
    name = name.strip()
    content = to_json(scenario.model_copy(update={"name": name or "unnamed"}))
    scenarios.save(engine_of("own"), name, content, actor=ui.actor("manager"))
    state.open_scenario(f"{state.SAVED}{name}", from_json(content))


def remove(name: str) -> None:
    scenarios.remove(engine_of("own"), name, actor=ui.actor("manager"))
    today = data.today(data.timezone())
    state.open_scenario(state.NOW, scenario_of(team("own"), today))


def read_file(content: bytes) -> Scenario:
    """A scenario's TOML. UnreadableError says why it is none."""
    if len(content) > LARGEST_FILE:
        raise UnreadableError(
            f"The file is too large: a scenario has at most {LARGEST_FILE:,} bytes."
        )
    try:
        return from_toml(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableError("The file is no text: choose one that ends in .toml.") from error
    except ValidationError as error:
        raise UnreadableError(f"The file is no scenario. {problem(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"The file is not valid TOML: {error}.") from error


def is_taken(name: str) -> bool:
    return any(one.name == name for one in scenarios.list_scenarios(engine_of("own")))
