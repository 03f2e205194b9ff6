"""What draws power: so many units, each idle or at work."""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dashboard.costs.models import MOST_PLACES
from dashboard.costs.strict import Share, Strict

Watts = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=MOST_PLACES, allow_inf_nan=False)]
ByHour = Annotated[tuple[Share, ...], Field(min_length=24, max_length=24)]


class Load(Strict):
    """Units that draw `idle_w` always and `active_w` while at work."""

    name: str = Field(min_length=1, description="What draws it, such as 'H100 SXM'.")
    count: int = Field(default=1, ge=0, le=1_000_000, description="How many of them.")
    idle_w: Watts = Field(description="Watts of one while it waits.")
    active_w: Watts = Field(description="Watts of one while it works.")
    active_share: Share | ByHour = Field(
        default=Decimal(1),
        description="Share of the time at work, 0 to 1; or 24 of them, one for each local hour.",
    )
    basis: Literal["measured", "nameplate"] = Field(
        description="Whether the watts are a meter's, or the nameplate's, which a real load rarely "
        "draws."
    )

    @model_validator(mode="after")
    def _works_harder_than_it_waits(self) -> "Load":
        if self.active_w < self.idle_w:
            raise ValueError(
                f"{self.name} draws less at work ({self.active_w} W) than idle ({self.idle_w} W): "
                "check the two figures."
            )
        return self

    def mean_w(self, hour: int) -> Fraction:
        """What all units together draw on average in this local hour of a day, in watts."""
        idle, more = Fraction(self.idle_w), Fraction(self.active_w - self.idle_w)
        return self.count * (idle + more * self._share(hour))

    def highest_w(self) -> Fraction:
        """What they draw when all work at once, as they may in any hour with some work."""
        works = any(self._share(hour) for hour in range(24))
        return self.count * Fraction(self.active_w if works else self.idle_w)

    def _share(self, hour: int) -> Fraction:
        share = self.active_share
        return Fraction(share[hour] if isinstance(share, tuple) else share)
