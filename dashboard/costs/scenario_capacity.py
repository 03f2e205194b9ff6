"""What a scenario says of the model and of the hardware that is to serve it."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from dashboard.costs.capacity.deployment import Deployment, both_layouts
from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.memory import most_sequences
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD, Asked, Load
from dashboard.costs.queueing.arrivals import Workload
from dashboard.costs.strict import Strict


def _known_hardware(name: str) -> str:
    if name not in hardware():
        raise ValueError(f"No such hardware: choose one of {', '.join(hardware())}.")
    return name


def _known_model(name: str) -> str:
    if name not in models():
        raise ValueError(f"No such model: choose one of {', '.join(models())}.")
    return name


class CapacityNeed(Strict):
    """A model of the catalogue on hardware of the catalogue, as one replica."""

    hardware: Annotated[str, AfterValidator(_known_hardware)] = Field(
        description="The accelerator, by its name in the catalogue, such as 'h100-pcie'."
    )
    accelerators: int = Field(
        default=1, ge=1, le=100_000, description="How many, serving as one replica."
    )
    model: Annotated[str, AfterValidator(_known_model)] = Field(
        description="The model, by its name in the catalogue, such as 'kimi-k2'."
    )
    precision: str = Field(description="How its weights are stored, such as 'int4'.")
    load: Load = Field(
        default=ASSUMED_LOAD,
        description="What one developer asks for in the busiest hour; assumed where not given.",
    )
    first_token_limit_s: float = Field(
        default=5.0,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds that 95% of requests may wait for their first token.",
    )
    workload: Workload | None = Field(
        default=None,
        description="Arrivals and tokens for the simulation, from a ledger; none: the load's.",
    )

    @model_validator(mode="after")
    def _can_be_deployed(self) -> "CapacityNeed":
        model = models()[self.model]
        names = [precision.name for precision in model.precision]
        if self.precision not in names:
            raise ValueError(
                f"{model.title} is not known in {self.precision}: choose one of {', '.join(names)}."
            )
        longest = model.context_tokens
        if self.load.context_tokens > longest:
            raise ValueError(
                f"{model.title} was made for {longest:,} tokens, and a request of this load has "
                f"{self.load.context_tokens:,}: shorten prompt_tokens or answer_tokens."
            )
        self.deployment()
        return self

    @property
    def asked(self) -> Asked:
        return Asked(load=self.load, first_token_limit_s=self.first_token_limit_s)

    def deployment(self) -> Deployment:
        """Of the two ways to lay the model out, the one with room for more sequences."""
        model = models()[self.model]
        choices = both_layouts(
            hardware()[self.hardware], model, model.at(self.precision), self.accelerators
        )
        return max(choices, key=lambda one: most_sequences(one, self.load.context_tokens))
