"""What a break-even rests on: a dozen numbers, all of them linear in the result's formula."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard.costs.models import Derived

Against = Literal["seats", "api"]
Quantity = Literal["months", "developers", "utilisation", "tokens_per_day"]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=60, allow_inf_nan=False)]


class BreakEvenCase(BaseModel):
    """Hardware beside the seats, or the vendor's API, that it replaces. A month has 30 days.

    Linear: no tax, no discounting. The residual value counts as money that comes back for certain,
    so break-even within the life means that owning was cheaper over the whole of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(default="USD", description="ISO 4217 code of all amounts.")
    hardware_price: Derived = Field(description="Price of one piece of hardware.")
    hardware_count: int = Field(default=1, ge=1, description="How many pieces are bought.")
    residual_share: Share = Field(
        default=Decimal(0), description="Part of the price that a sale at the life's end returns."
    )
    life_months: int = Field(ge=1, description="Months for which the hardware is used.")
    depreciation_factor: Decimal = Field(
        default=Decimal(1),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Depreciation a month over what it were if all of it lasted life_months: less "
        "than 1 where life_months is the shortest of several lives.",
    )
    electricity_idle_per_month: Derived = Field(
        description="Electricity a month that is due whether it is used or not, PUE included."
    )
    electricity_per_million_tokens: Derived = Field(
        default=Decimal(0), description="Electricity of a million tokens on top of idling."
    )
    operations_per_month: Derived = Field(
        default=Decimal(0), description="People, place, support and spares a month."
    )
    developers: int = Field(default=1, ge=0, description="Developers whose seats it replaces.")
    seat_price_per_month: Derived | None = Field(
        default=None, description="Price of one seat a month."
    )
    tokens_per_day: Derived = Field(
        default=Decimal(0), description="Tokens a day of the whole team, input and output."
    )
    throughput_tokens_per_s: Derived | None = Field(
        default=None,
        description="Tokens a second, input and output in the team's mix, of all the hardware at "
        "full use. None: not known, so nothing limits it.",
    )
    api_input_price: Derived | None = Field(
        default=None, description="API price of a million input tokens."
    )
    api_output_price: Derived | None = Field(
        default=None, description="API price of a million output tokens."
    )
    api_input_share: Share | None = Field(
        default=None, description="Input tokens as a part of all tokens."
    )


class Answer(BaseModel):
    """Where it breaks even: in months, developers, a share of full use, or tokens a day.

    `value` None: never, and `reason` says why. `within_life` is whether break-even comes before
    the hardware's life ends.
    """

    model_config = ConfigDict(frozen=True)

    quantity: Quantity
    value: Decimal | None
    reason: str | None
    within_life: bool
