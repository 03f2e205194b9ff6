"""The people of a large sample: teams, keys, and on which day who works how much."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from db.sample.target import local_ms

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST_NAMES = (
    "Ada", "Alan", "Amara", "Barbara", "Bjarne", "Chen", "Claude", "Dennis", "Dorothy", "Edsger",
    "Elif", "Frances", "Grace", "Guido", "Hedy", "Ines", "Ivan", "Jean", "Joan", "Kateryna", "Ken",
    "Lea", "Linus", "Margaret", "Mei", "Niklaus", "Noor", "Olga", "Priya", "Radia", "Rosa", "Sofia",
    "Tim", "Tomas", "Uma", "Viktor", "Wei", "Yusuf", "Zainab", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Almeida", "Bauer", "Berg", "Chandra", "Costa", "Demir", "Dubois", "Eriksson",
    "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kaya", "Kim", "Kowalski", "Laine", "Lopez",
    "Meyer", "Moreau", "Nakamura", "Novak", "Okafor", "Olsen", "Park", "Petrov", "Quinn", "Rossi",
    "Sato", "Schmidt", "Silva", "Singh", "Tanaka", "Torres", "Urban", "Varga", "Wang", "Yilmaz",
    "Zhang",
)  # fmt: skip
AREAS = (
    "Platform", "Payments", "Search", "Mobile", "Data", "Security", "Checkout", "Billing", "Growth",
    "Infrastructure", "Identity", "Messaging", "Reporting", "Integrations", "Quality", "Web",
)  # fmt: skip
TOOLS = ("Continue", "opencode", "Cline", "Claude Code", "Zed", "Aider", "curl")
TEAM_SIZE = 12

# With this spread of a log-normal distribution the top tenth does half of all work:
# their part is 1 - Φ(Φ⁻¹(0.9) - σ), and Φ⁻¹(0.9) is 1.28.
SPREAD = 1.28
WEEKEND, PUBLIC_HOLIDAY = 0.04, 0.02
PUBLIC_HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31))  # month, day
STARTED_WITH, LEFT, MOVED = 0.7, 0.1, 0.12  # parts of all people
LEARNING_DAYS = 45


@dataclass(frozen=True, slots=True)
class Organisation:
    """Everybody who is there at some time; a person's place in the arrays is their id less 1.

    `joined` and `left` are days of the year, counted from 0; `left` and `moved` are past its end
    for those who did not. `rate` is a person's own pace, `shift_h` how much later than others they
    work. Keys of one person follow each other: `keys` from `first_key` on; `key_tools` has one
    tool for each key.
    """

    days: list[date]
    names: list[str]
    teams: list[str]
    team: Integers
    next_team: Integers
    moved: Integers
    joined: Integers
    left: Integers
    rate: Floats
    shift_h: Floats
    keys: Integers
    first_key: Integers
    key_tools: Integers

    def day_ms(self, number: int) -> int:
        """The local midnight with which day `number` begins."""
        return local_ms(self.days[0] + timedelta(days=int(number)))


def organise(rng: Generator, developers: int, days: list[date]) -> Organisation:
    """Draw the people of a year."""
    never = len(days)
    teams = _team_names(-(-developers // TEAM_SIZE))
    late = rng.random(developers) > STARTED_WITH
    joined = np.where(late, rng.integers(0, max(never * 9 // 10, 1), developers), 0)
    leaves = rng.random(developers) < LEFT
    left = np.where(leaves, joined + rng.integers(30, never + 30, developers), never)
    moves = (rng.random(developers) < MOVED) & (len(teams) > 1)
    moved = np.where(moves, joined + rng.integers(20, never + 20, developers), never)
    team = np.arange(developers) % len(teams)
    keys = rng.choice([1, 2, 3], developers, p=[0.5, 0.35, 0.15])
    return Organisation(
        days=days,
        names=_names(rng, developers),
        teams=teams,
        team=team,
        next_team=(team + rng.integers(1, max(len(teams), 2), developers)) % len(teams),
        moved=np.minimum(moved, never),
        joined=joined,
        left=np.minimum(left, never),
        rate=rng.lognormal(0, SPREAD, developers),
        shift_h=np.clip(rng.normal(0, 0.7, developers), -1.5, 1.5),
        keys=keys,
        first_key=np.cumsum(keys) - keys,
        key_tools=rng.choice(
            len(TOOLS), int(keys.sum()), p=[0.25, 0.2, 0.2, 0.15, 0.1, 0.05, 0.05]
        ),
    )


def share_out(rng: Generator, people: Organisation, requests: int, last_day: float) -> Integers:
    """How many of the requests each person makes on each day: days × people, exactly `requests` in
    all. `last_day` is the part of the last day's work that is over."""
    days, everybody = len(people.days), len(people.names)
    number = np.arange(days)[:, None]
    there = (number >= people.joined) & (number < people.left)
    learning = np.clip((number - people.joined) / LEARNING_DAYS, 0.15, 1)
    growth = 0.55 + 0.45 * number / days
    mood = rng.lognormal(0, 0.35, (days, everybody))
    expected = people.rate * there * learning * growth * mood
    expected *= np.array([_working(day) for day in people.days])[:, None]
    expected *= ~_own_holidays(rng, people.days, everybody)
    expected[-1] *= last_day
    if not expected.any():  # a few people, all of them away
        expected[:-1] = 1
    chances = (expected / expected.sum()).ravel()
    return rng.multinomial(requests, chances).reshape(days, everybody)


def _working(day: date) -> float:
    if (day.month, day.day) in PUBLIC_HOLIDAYS:
        return PUBLIC_HOLIDAY
    return WEEKEND if day.weekday() >= 5 else 1.0


def _own_holidays(rng: Generator, days: list[date], everybody: int) -> NDArray[np.bool_]:
    """Two weeks in summer and two single weeks, each person's own."""
    away = np.zeros((len(days), everybody), dtype=bool)
    summer = [number for number, day in enumerate(days) if day.month in (7, 8)]
    number = np.arange(len(days))[:, None]
    if summer:
        begins = rng.choice(summer, everybody)
        away |= (number >= begins) & (number < begins + 14)
    for begins in rng.integers(0, len(days), (2, everybody)):
        away |= (number >= begins) & (number < begins + 7)
    return away


def _names(rng: Generator, count: int) -> list[str]:
    pairs = [f"{first} {last}" for first, last in product(FIRST_NAMES, LAST_NAMES)]
    shuffled = [pairs[place] for place in rng.permutation(len(pairs))]
    return [_numbered(shuffled, place) for place in range(count)]


def _team_names(count: int) -> list[str]:
    return [_numbered(AREAS, place) for place in range(count)]


def _numbered(names: Any, place: int) -> str:
    again, place = divmod(place, len(names))
    return str(names[place]) if again == 0 else f"{names[place]} {again + 1}"
