"""What every entry of the catalogue is made of: frozen, and with its source."""

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Entry):
    """Where figures come from."""

    title: str = Field(description="What was read, and what was estimated from it")
    address: str = Field(description="Where it can be read again")
    date: datetime.date = Field(
        description="When it was published; where it says no date, when it was read"
    )
