"""Each country's yearly mean carbon intensity, as shipped in `assets/grid_intensity.csv`."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent.parent / "assets" / "grid_intensity.csv"
SOURCE = "Ember and Energy Institute, processed by Our World in Data, in CodeCarbon 3.3.2"


@dataclass(frozen=True, slots=True)
class Country:
    """`code`: three letters of ISO 3166; lifecycle grams of CO2 equivalent per kWh in `year`."""

    code: str
    name: str
    g_per_kwh: float
    year: int

    @property
    def source(self) -> str:
        return f"mean of {self.name} in {self.year}: {SOURCE}"


@cache
def countries() -> dict[str, Country]:
    """All of the table, by code, in the order of their names."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        found = [
            Country(row["iso"], row["country"], float(row["g_per_kwh"]), int(row["year"]))
            for row in rows
        ]
    return {one.code: one for one in sorted(found, key=lambda one: one.name)}
