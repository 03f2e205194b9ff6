"""What comes out of a scenario: every figure that a page, the report or the JSON shows.

Amounts are in the scenario's currency, months have 30 days. None is unknown or never, and what
stands beside it says which and why.
"""

from datetime import date
from decimal import Decimal

from pydantic import Field

from dashboard.costs.break_even.case import Answer, BreakEvenCase
from dashboard.costs.break_even.tornado import Tornado
from dashboard.costs.break_even.uncertainty import Bounds, Simulation, TeamSpread, UncertainCase
from dashboard.costs.electricity.bill import Bill
from dashboard.costs.models import BreakEven
from dashboard.costs.operations import OperationsMonth
from dashboard.costs.ownership.case import Ownership
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.tax import Shield
from dashboard.costs.ownership.terms import Figures
from dashboard.costs.queueing.limits import CurvePoint, HardwareStep, TeamLimit
from dashboard.costs.scenario import Scenario


class Assumption(Figures):
    """A whole sentence on what the figures rest on, and where it is from."""

    text: str
    source: str = Field(description="Empty: it is the product's own rule or estimate.")


class AssetLine(Figures):
    """One asset, as it is bought."""

    name: str
    count: int
    unit_price: Decimal
    cost: Decimal = Field(description="All units, quantity discounts taken off.")
    residual_value: Decimal = Field(description="At the end of its life.")
    life_months: int
    purchase_date: date
    in_service_date: date
    source: str | None


class HardwarePlan(Figures):
    """Σ of the assets' `cost` = `cost`. `to_recover` is what savings have to pay: the cost less
    what a sale returns, or all payments of a lease. `life_months` is that of the break-even."""

    assets: tuple[AssetLine, ...]
    cost: Decimal
    residual_value: Decimal
    to_recover: Decimal
    life_months: int


class MonthPlan(Figures):
    """A typical month. `running` = `electricity` + `operations`; `saving` = `seats` − `running`;
    `self_hosted` = `running` + `depreciation`: each asset's cost less its resale over its own
    life, or a lease's payments over its term."""

    electricity: Decimal
    operations: Decimal
    running: Decimal
    depreciation: Decimal
    self_hosted: Decimal
    seats: Decimal
    saving: Decimal
    electricity_rising_with_use: Decimal = Field(
        description="What of the electricity is not due when all loads idle."
    )


class BreakEvenPlan(Figures):
    """Linear: without tax, discounting or financing. `case` is what all of it follows from;
    `by_developers` has every team up to 200, beyond that 200 teams evenly spread."""

    case: BreakEvenCase
    team: BreakEven
    sentence: str
    by_developers: tuple[BreakEven, ...]
    smallest_team: int | None
    smallest_team_reason: str | None
    smallest_team_sentence: str


class AssetShields(Figures):
    """The tax that one asset's depreciation saves, by tax year."""

    asset: str
    years: tuple[Shield, ...]


class OwnershipPlan(Figures):
    """After tax and over the horizon. The evaluation's schedules end with the sale that it takes
    for granted; those "if kept" run to their end, as the tables print them, and the shields are
    theirs. None of either where the hardware stays a lessor's."""

    evaluation: Ownership
    book_schedules_if_kept: tuple[Schedule, ...]
    tax_schedules_if_kept: tuple[Schedule, ...]
    shields: tuple[AssetShields, ...]
    first_year_shield: Decimal
    first_tax_year: int | None


class UnitCosts(Figures):
    """What a developer and a million tokens cost. Fully loaded is all that the hardware costs,
    used or not; marginal is only the electricity that rises with use. `basis` says why a figure is
    unknown."""

    fully_loaded_per_developer: Decimal | None
    marginal_per_developer: Decimal | None
    seat_per_developer: Decimal | None
    fully_loaded_per_million_tokens: Decimal | None
    marginal_per_million_tokens: Decimal | None
    seats_per_million_tokens: Decimal | None
    utilisation: Decimal | None = Field(description="Tokens a day over those at full use.")
    throughput_tokens_per_s: Decimal | None = Field(description="At full use, in the team's mix.")
    basis: tuple[str, ...]


class AtUtilisation(Figures):
    """What a million tokens cost, fully loaded, at this share of full use."""

    utilisation: Decimal
    tokens_per_day: Decimal
    per_million_tokens: Decimal


class ApiPlan(Figures):
    """Owning against a vendor's API. Where its price is unknown, so is all else, and `reason` says
    why; the answers by utilisation are unknown without a throughput."""

    name: str
    source: str
    reason: str | None
    input_per_million: Decimal | None = Field(description="Cached ones included, in this mix.")
    output_per_million: Decimal | None
    per_million_tokens: Decimal | None = Field(description="In the team's mix.")
    per_month: Decimal | None
    by_months: Answer | None
    by_tokens_per_day: Answer | None
    by_utilisation: Answer | None
    at_utilisation: tuple[AtUtilisation, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = Field(
        default=(), description="Where one price a token is not all that there is to it."
    )


class UncertaintyPlan(Figures):
    """What the inputs' ranges do to the break-even. `case` holds the ranges themselves; `teams`
    are those of the break-even's `by_developers`, none where the team itself is unsure."""

    case: UncertainCase
    seats: Simulation
    api: Simulation | None
    teams: tuple[TeamSpread, ...]
    bounds: Bounds
    tornado: Tornado
    sentence: str


class Predicted(Figures):
    """A corrected prediction, and where the real figure lies for 8 of 10 of the published ones."""

    low: float
    predicted: float
    high: float


class SpeedPlan(Figures):
    """How fast this hardware is for requests of the stated load. Tokens a second are of answers.
    All follows from predictions divided by the plan's `speed_correction`."""

    one_alone_tokens_per_s: Predicted
    all_tokens_per_s: Predicted = Field(description="At the greatest number of answers in time.")
    read_tokens_per_s: Predicted = Field(description="Prompt tokens, with nothing else to do.")
    first_token_s: float = Field(description="Of a request that finds the hardware idle.")
    most_at_once: int = Field(description="Requests that the memory holds.")
    at_once: int = Field(description="Requests answered at once and fast enough.")
    developers_served: int
    developers_served_if_slow: int
    developers_served_if_fast: int


class Holding(Figures):
    """Hardware that holds the model with one request; price in US dollars, None: unknown."""

    title: str
    price: Decimal | None


class Serving(Figures):
    """The cheapest hardware that serves this team, with hosts, in US dollars. `months` to
    break-even against its seats, None: never."""

    developers: int
    title: str
    price: Decimal
    price_estimated: bool
    kilowatts: float
    months: Decimal | None
    within_life: bool
    sentence: str


class Grown(Figures):
    """The cheapest hardware that serves a team of some size, on paper: in US dollars, with hosts.
    `replicas_if_slow` and `_if_fast`: at the ends of the speed's interval."""

    developers: int
    title: str
    layout: str = Field(description="How a replica's accelerators share the model's experts.")
    replicas: int
    replicas_if_slow: int
    replicas_if_fast: int
    accelerators: int
    nodes: int
    price: Decimal
    kilowatts: float
    cost_per_month: Decimal
    cost_per_developer: Decimal


class CapacityPlan(Figures):
    """Whether the hardware holds the model and serves the team, on paper. `serves` False comes
    with a `reason`; `speed` None: it does not hold the model."""

    hardware: str
    model: str
    precision: str
    weights_gb: float
    memory_gb: float
    holds: bool
    serves: bool
    reason: str | None
    speed: SpeedPlan | None
    holding: tuple[Holding, ...]
    speed_correction: float = Field(
        description="What predicted speeds are divided by: the median of predicted over published, "
        "of the published figures that calibrated nothing."
    )
    serving: Serving | None = Field(
        description="None: no hardware with a known price does, nobody is to be served, or the "
        "scenario is not in US dollars."
    )
    grown: tuple[Grown, ...] = Field(
        description="From 10 to 100,000 developers; empty where `serving` would be None for all."
    )
    sentences: tuple[str, ...]


class QueuePlan(Figures):
    """The simulated queue in the week's busiest hour. `limit` None: the hardware does not hold the
    model, or none is named. `steps` are hardware from the cheapest on, up to the first that serves
    this team in time."""

    reason: str | None
    limit: TeamLimit | None
    curve: tuple[CurvePoint, ...]
    steps: tuple[HardwareStep, ...]
    sentence: str
    assumptions: tuple[Assumption, ...]


class Plan(Figures):
    """Every figure of a scenario."""

    headline: str
    scenario: Scenario
    hardware: HardwarePlan
    electricity: Bill
    operations: OperationsMonth
    month: MonthPlan
    break_even: BreakEvenPlan
    ownership: OwnershipPlan
    costs: UnitCosts
    api: ApiPlan | None
    uncertainty: UncertaintyPlan | None
    capacity: CapacityPlan | None
    assumptions: tuple[Assumption, ...]
    queue: QueuePlan | None = Field(
        default=None, description="Only where it is asked for: simulating it takes seconds."
    )
