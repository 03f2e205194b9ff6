"""The team as it is now, as a scenario: prices in force, people, tokens, what the meters read."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
from sqlalchemy import Engine

from dashboard.costs.electricity.loads import Load
from dashboard.costs.electricity.tariffs import Flat
from dashboard.costs.operations import Monthly, Operations
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.terms import Portion
from dashboard.costs.scenario import Scenario, SeatPrice, Use
from dashboard.periods import DAY_MS, QUARTER_MS
from db import queries
from db.people import list_developers
from db.prices import CostSettings, current_prices

NAME = "This team now"
DAYS = 30  # of tokens and of meters' readings that are looked back on, from the last request
SOURCE = "Settings, Prices"
COVERED = 0.8  # part of a quarter of an hour that must be read for it to tell the power at work
LONGEST_NAME = 60
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Power:
    """What all the hardware draws, in watts: idle, at work, and the share of the time at work with
    which both give the mean. `measured` False: a part of it is an estimate."""

    idle_w: float
    active_w: float
    active_share: float
    measured: bool


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Of the whole team, on average over the days looked back on."""

    per_day: float
    input_share: float
    cached_share: float


@dataclass(frozen=True, slots=True)
class Team:
    """What a ledger tells. `tokens` and `power` None: not known."""

    prices: CostSettings
    developers: int
    tokens: TokenUse | None
    power: Power | None


def scenario_of(team: Team, today: date) -> Scenario:
    """What the hardware and the seats cost as things stand. The electricity's basis is the one that
    Settings choose, as on the Overview. `today` is its first day where it is not in service yet."""
    prices = team.prices
    first = prices.in_service_date or today
    asset = Asset(
        name=prices.hardware_name[:LONGEST_NAME],
        unit_price=prices.hardware_price,
        purchase_date=first,
        in_service_date=first,
        life_months=prices.hardware_life_months,
        residual=Portion(amount=prices.residual_value.quantize(_CENT)),
        source=SOURCE,
    )
    spent = prices.operations_per_month
    rows = (Monthly(kind="per_month", name="Operations", price_per_month=spent),) if spent else ()
    return Scenario(
        name=NAME,
        note=f"Prices in force, developers with a seat, and tokens of the last {DAYS} days of use.",
        currency=prices.currency,
        start=first,
        horizon_months=prices.hardware_life_months,
        developers=team.developers,
        assets=(asset,),
        loads=(load_of(team),),
        tariff=Flat(
            currency=prices.currency, price_per_kwh=prices.electricity_price_per_kwh, source=SOURCE
        ),
        pue=prices.pue,
        operations=Operations(currency=prices.currency, items=rows, source=SOURCE),
        seats=SeatPrice(
            kind="per_developer", price_per_month=prices.seat_price_per_month, source=SOURCE
        ),
        use=_use(team.tokens),
    )


def load_of(team: Team) -> Load:
    """The meter's watts where Settings choose the meter and it has read them; else rated power in
    all hours."""
    name, power = team.prices.hardware_name[:LONGEST_NAME], team.power
    if team.prices.electricity_basis == "metered" and power is not None and power.measured:
        return Load(
            name=name,
            idle_w=_places(power.idle_w, 1),
            active_w=_places(power.active_w, 1),
            active_share=_places(power.active_share, 4),
            basis="measured",
        )
    rated = team.prices.power_kw * 1000
    return Load(name=name, idle_w=rated, active_w=rated, basis="nameplate")


def power_words(team: Team) -> str:
    """Which watts the scenario has, and what the meters say where it has others."""
    if load_of(team).basis == "measured":
        return f"Power as the meters read it in the last {DAYS} days of use."
    rated = f"Rated power in all hours ({team.prices.power_kw.normalize():f} kW, nameplate)"
    if team.power is None:
        return f"{rated}: no meter has read anything in the last {DAYS} days of use."
    read = (
        f"{team.power.idle_w:,.0f} W idle and {team.power.active_w:,.0f} W at work, "
        f"{team.power.active_share:.0%} of the time"
    )
    if not team.power.measured:
        return f"{rated}. Estimated, not measured, in the last {DAYS} days of use: {read}."
    return f"{rated}, as Settings choose. The meters read {read}."


def team_of(engine: Engine, now_ms: int) -> Team:
    """What the ledger tells now."""
    activity = queries.first_activity(engine)
    end_ms = now_ms if activity is None else min(now_ms, activity.last_ms + 1)
    start_ms = end_ms - DAYS * DAY_MS
    people = [one for one in list_developers(engine) if one.archived_at is None]
    return Team(
        prices=current_prices(engine, now_ms),
        developers=len(people),
        tokens=None if activity is None else _tokens(engine, activity, start_ms, end_ms),
        power=_power(engine, start_ms, end_ms),
    )


def power_of(quarters: pd.DataFrame, *, measured: bool) -> Power | None:
    """From quarters of an hour as `queries.energy_timeline` has them; those in which a device was
    missing are passed over. Idle is what was booked as such; at work is the busiest quarter's
    mean. None where nothing was read."""
    complete = quarters["complete_j"].notna() & (quarters["partial_s"] == 0)
    read = quarters[complete & (quarters["covered_s"] > 0)]
    seconds = float(read["covered_s"].sum())
    if not seconds:
        return None
    mean = float(read["complete_j"].sum()) / seconds
    idle = min(float(read["idle_j"].sum()) / seconds, mean)
    whole = read[read["covered_s"] >= COVERED * QUARTER_MS / 1000]
    most = float((whole["complete_j"] / whole["covered_s"]).max()) if len(whole) else mean
    active = max(most, mean)
    share = (mean - idle) / (active - idle) if active > idle else 0.0
    return Power(idle, active, share, measured)


def _power(engine: Engine, start_ms: int, end_ms: int) -> Power | None:
    energy = queries.energy_between(engine, start_ms, end_ms)
    if energy.complete_j is None:
        return None
    quarters = queries.energy_timeline(engine, start_ms - start_ms % QUARTER_MS, end_ms, QUARTER_MS)
    return power_of(quarters, measured="estimated" not in energy.by_basis)


def _tokens(
    engine: Engine, activity: queries.Activity, start_ms: int, end_ms: int
) -> TokenUse | None:
    used = queries.totals(engine, start_ms, end_ms)
    tokens = used.input_tokens + used.output_tokens
    if not tokens:
        return None
    days = max((end_ms - max(start_ms, activity.first_ms)) / DAY_MS, 1.0)
    cached = used.cached_input_tokens / used.input_tokens if used.input_tokens else 0.0
    return TokenUse(tokens / days, used.input_tokens / tokens, cached)


def _use(tokens: TokenUse | None) -> Use | None:
    if tokens is None:
        return None
    return Use(
        tokens_per_day=Decimal(round(tokens.per_day)),
        input_share=_places(tokens.input_share, 3),
        cached_share=_places(tokens.cached_share, 3),
    )


def _places(value: float, digits: int) -> Decimal:
    return Decimal(str(round(value, digits)))
