"""What goes into the cost model and what comes out.

Money is Decimal in the currency of the prices; moments carry a time zone (epoch milliseconds are
taken as UTC); energy is joules. None is unknown, never 0.
"""

from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

# Kept in UTC: Python subtracts two local times of one zone as if its clocks never changed.
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]

# Exact fractions have no size of their own: a price of 1e-100000 would take minutes. 30 places hold
# a quotient of 28 digits, and a float's noise.
MOST_PLACES = 30
Amount = Annotated[Decimal, Field(ge=0, le=10**12, decimal_places=MOST_PLACES, allow_inf_nan=False)]
"""What people state."""
Derived = Annotated[Decimal, Field(ge=0, le=10**30, decimal_places=60, allow_inf_nan=False)]
"""What comes of several Amounts."""
ElectricityBasis = Literal["nameplate", "metered"]
SharedBy = Literal["energy", "tokens", "nobody"]
IdleRule = Literal["by_use", "evenly", "overhead"]
NO_TEAM = 0


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Prices(_Model):
    """What hardware, electricity and seats cost from `valid_from` on.

    `in_service_date` is the hardware's first day; None: it is not in service, so it costs nothing
    yet. `electricity_basis` says what the fully loaded cost takes for electricity: the rated power
    in all hours, or the meter (and rated power for the time without a reading).
    """

    valid_from: Moment
    currency: str
    hardware_name: str
    hardware_price: Derived
    hardware_life_months: int = Field(ge=1, le=1200)
    residual_value: Derived
    in_service_date: date | None
    power_kw: Derived
    pue: Decimal = Field(ge=1, le=10, decimal_places=MOST_PLACES, allow_inf_nan=False)
    electricity_price_per_kwh: Derived
    electricity_basis: ElectricityBasis
    operations_per_month: Derived
    seat_price_per_month: Derived

    @model_validator(mode="after")
    def _residual_is_part_of_the_price(self) -> "Prices":
        if self.residual_value > self.hardware_price:
            raise ValueError("The residual value must not be more than the hardware's price.")
        return self


class Energy(_Model):
    """What the meters read in a segment: `total_j` with idling, over `covered_s` of its seconds."""

    total_j: float | None
    attributed_j: float | None = None
    covered_s: float = Field(ge=0)
    estimated: bool = False


class Usage(_Model):
    """What one developer used in a segment as part of one team (0: of none).

    `energy_unknown` counts finished requests without an energy figure; `energy_j` is then only
    part of what was used. `input_tokens` includes those from cache.
    """

    developer_id: int
    name: str
    requests: int = Field(default=0, ge=0)
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    energy_j: float | None = Field(default=None, ge=0)
    energy_unknown: int = Field(default=0, ge=0)
    team_id: int = NO_TEAM
    team: str | None = None


class Segment(_Model):
    """A span of time under one set of prices, with what was metered and used in it."""

    start: Moment
    end: Moment
    prices: Prices
    energy: Energy | None = None
    usage: tuple[Usage, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Segment":
        if self.end < self.start:
            raise ValueError("A segment must not end before it starts.")
        return self


class TeamFrom(_Model):
    """In this team (0: in none) from `since` on."""

    team_id: int
    team: str | None
    since: Moment


class Developer(_Model):
    """Somebody who would hold a seat, from when and until when (None: still).

    `teams` are those that the developer was in, oldest first; before the first, in none.
    """

    id: int
    name: str
    seat_from: Moment
    seat_until: Moment | None = None
    teams: tuple[TeamFrom, ...] = ()


class _CostRow(_Model):
    """What one of those who share the costs used, and what that costs on both sides.

    `fully_loaded` is the part of all that self-hosting cost; `marginal` the electricity of the own
    requests (None: unknown); `seat` what the seats would have cost. Both costs are also given per
    million tokens, input and output (None without any). `utilisation` is the part of all metered
    energy that served the own requests.
    """

    name: str
    requests: int
    input_tokens: int
    output_tokens: int
    energy_j: float | None
    fully_loaded: Decimal
    marginal: Decimal | None
    seat: Decimal
    cost_per_million_tokens: Decimal | None
    marginal_per_million_tokens: Decimal | None
    utilisation: Decimal | None


class DeveloperCost(_CostRow):
    """A developer's row. The overhead row, of what nobody used or of idling, has no id."""

    developer_id: int | None


class TeamCost(_CostRow):
    """A team's row: what its developers used and held while they were in it. Id 0: in no team;
    None: the overhead row. `developers` counts who used something or held a seat in it."""

    team_id: int | None
    developers: int


class StayCost(DeveloperCost):
    """What a developer used and carries for the time in one team (id 0: in none)."""

    team_id: int


class Comparison(_Model):
    """Both sides over one range. Σ of the rows' `fully_loaded` = `self_hosted_total` =
    `depreciation` + `electricity` + `operations`, and Σ of their `seat` = `baseline_total`, to the
    cent, over developers and over teams.

    `stays` are the developers' rows divided by team, without what nobody carries.

    `seats` counts who held one; the two averages divide by it (None without any). `utilisation` is
    the part of the metered energy that served requests; `idle_share` the part of the cost that
    served none, `idle_total` that in money (None: unknown), and `idle_rule` how it was to be
    shared. `kwh` includes PUE; `unmetered_hours` of
    it are at rated power. Where `electricity_basis` is "mixed", prices changed it within the range.
    """

    start: Moment
    end: Moment
    currency: str
    depreciation: Decimal
    electricity: Decimal
    operations: Decimal
    self_hosted_total: Decimal
    baseline_total: Decimal
    saving: Decimal
    """Baseline less self-hosted: negative where self-hosting cost more."""
    seats: int
    self_hosted_per_developer: Decimal | None
    baseline_per_developer: Decimal | None
    marginal_total: Decimal | None
    shared_by: SharedBy
    developers: tuple[DeveloperCost, ...]
    teams: tuple[TeamCost, ...]
    stays: tuple[StayCost, ...]
    cost_per_million_tokens: Decimal | None
    marginal_per_million_tokens: Decimal | None
    utilisation: Decimal | None
    idle_rule: IdleRule
    idle_share: Decimal | None
    idle_total: Decimal | None
    electricity_basis: Literal["nameplate", "metered", "mixed"]
    kwh: Decimal
    unmetered_hours: Decimal
    assumptions: tuple[str, ...]
    """Whole sentences: what the figures rest on and which of them are estimates."""


class Point(_Model):
    """Both curves at one moment: what each side has cost since the range began."""

    at: Moment
    self_hosted: Decimal
    baseline: Decimal


class BreakEven(_Model):
    """After how many months seats would have cost as much as the hardware and its running.

    `months` None: never, and `reason` says why. `within_life` is whether that comes before the
    hardware's life ends. `to_recover` is the price less the resale that `months` counts on, which
    comes no earlier than `resale_month` (None: it counts on none); `months_without_resale` is what
    the savings alone take to pay the price.
    """

    developers: int
    currency: str
    months: Decimal | None
    reason: str | None
    within_life: bool
    life_months: int
    hardware_price: Decimal
    to_recover: Decimal
    resale_month: int | None
    months_without_resale: Decimal | None
    seats_per_month: Decimal
    electricity_per_month: Decimal
    operations_per_month: Decimal
    saving_per_month: Decimal
