"""Energy in words: amounts with their uncertainty, and the sentences of the Energy page."""

from dashboard import formats
from dashboard.carbon.emissions import Emissions
from dashboard.energy import Sure, Uses
from db.grid import Grid

NOT_KEPT = "accuracy not kept"
SMALL_J = 360  # 0.1 Wh
PART_NAMES = {
    "attributed_j": "Served requests",
    "overhead_j": "Overhead",
    "idle_j": "Idle",
    "loading_j": "Loading",
    "other_j": "Other programs",
}
PART_HELP = {
    "attributed_j": "What the requests' own work took: reading prompts and writing answers.",
    "overhead_j": "The gateway, the engine between its steps, and what a meter of the whole "
    "machine reads beyond its parts: power supply, fans, memory.",
    "idle_j": "What the machines draw doing nothing, for as long as they are on.",
    "loading_j": "Loading the model's weights, before any request can be served.",
    "other_j": "Other programs on the same processor, by the processor time they took.",
}
KINDS = {
    "processor": "processor (a part)",
    "accelerator": "accelerator (a part)",
    "machine": "whole machine (contains the parts)",
}


def unit_of(joules: float) -> tuple[str, float]:
    """The unit in which an amount reads well, and its joules."""
    if joules >= 0.1 * formats.JOULES_PER_KWH:
        return "kWh", formats.JOULES_PER_KWH
    return ("Wh", 3600.0) if joules >= SMALL_J else ("J", 1.0)


def amount(joules: float | None) -> str:
    """kWh, Wh or J, whichever reads well."""
    if joules is not None and 0 < joules < SMALL_J:
        return formats.joules(joules)
    return "0 Wh" if joules == 0 else formats.energy(joules)


def relative(part: float | None) -> str:
    """`± 40%`, or that the accuracy was not kept."""
    if part is None:
        return NOT_KEPT
    return formats.plus_minus(part)


def with_uncertainty(total: Sure, basis: str) -> str:
    """`1.84 kWh ± 40% (estimated)`; where the accuracy of only a part was kept, that too."""
    if total.relative is None:
        return f"{amount(total.joules)} ({basis}, {NOT_KEPT})"
    words = f"{amount(total.joules)} {relative(total.relative)} ({basis}"
    if total.accuracy_unknown_j > 0:
        words += f", {NOT_KEPT} for {amount(total.accuracy_unknown_j)} of it"
    return f"{words})"


def uses_sentence(uses: Uses) -> str:
    """The finding: how much of the energy served requests."""
    total, served_j = uses.total, uses.parts["attributed_j"]
    if total is None:
        return "No meter read anything in this range"
    least = "at least " if uses.lower_bound else ""
    energy = f"{least}{with_uncertainty(total, uses.basis)}"
    if served_j is None:
        return f"It is unknown how much of {energy} served requests"
    share = formats.share(served_j / total.joules if total.joules else 0.0)
    return f"{share.capitalize()} of {energy} served requests"


def part_note(joules: float | None, total: Sure) -> str:
    """What stands below a part of the whole: its share and its interval, in the part's unit."""
    if joules is None:
        return "not kept apart"
    share = formats.share(joules / total.joules if total.joules else 0.0)
    if not joules:
        return share
    if total.relative is None:
        return f"{share}; {NOT_KEPT}"
    unit, joules_per_unit = unit_of(joules)
    uncertainty = float(f"{joules * total.relative / joules_per_unit:.2g}")
    return f"{share}; ± {uncertainty:,.10g} {unit}"


def lasting(seconds: float) -> str:
    """`45 s`, `50 min`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def coverage(uses: Uses) -> list[str]:
    """What is missing from the range, in sentences; none where all was read."""
    sentences = []
    if uses.unknown_s:
        sentences.append(
            f"For {lasting(uses.unknown_s)} the meters gave nothing: that energy is unknown, not 0."
        )
    if uses.partial_s:
        sentences.append(
            f"For {lasting(uses.partial_s)} a device was missing, so the energy is a lower bound."
        )
    return sentences


def failed_note(uses: Uses) -> str:
    """What requests that nobody got a whole answer from took."""
    if uses.failed_j is None:
        return "The energy of failed and cancelled requests is unknown."
    if not uses.failed_j:
        return "Nothing went into failed or cancelled requests."
    served = uses.parts["attributed_j"]
    part = served and uses.failed_j / served
    share = f" ({formats.share(part)})" if part and part <= 1 else ""
    return (
        f"Of what served requests, {amount(uses.failed_j)}{share} went into requests that failed, "
        "were cancelled or were interrupted."
    )


def gap_sentence(
    machine: str, whole_j: float, parts_j: float, minutes: int, *, estimated: bool
) -> str:
    """What a meter of the whole machine says beside those of its parts. `estimated`: one of these
    is, so that the whole's reading was taken in its place."""
    read = (
        f"On {machine_name(machine)} the meter of the whole read {amount(whole_j)} in the "
        f"{formats.count(minutes)} minutes in which all meters read, those of the parts "
        f"{amount(parts_j)}"
    )
    if estimated:
        return (
            f"{read}, which are estimated in part. The whole's reading is what counts: it took the "
            "estimate's place."
        )
    if parts_j > whole_j:
        return f"{read}: more than the whole. One of the meters is off, or reads something else."
    share = formats.share((whole_j - parts_j) / whole_j if whole_j else 0.0)
    return (
        f"{read}. The gap of {amount(whole_j - parts_j)} ({share} of the whole) is what no part's "
        "meter sees, such as power supply, fans and memory; it is booked as overhead."
    )


def machine_name(machine: str) -> str:
    return "this machine" if machine == "here" else machine


def grams(value: float) -> str:
    """`680 g` or `1.84 kg`; below a gram with three digits."""
    if value >= 1000:
        return f"{value / 1000:,.2f} kg"
    return f"{value:,.0f} g" if value >= 100 else f"{value:.3g} g"


def carbon_sentence(carbon: Emissions) -> str:
    """Grams with their interval, and what they are computed from."""
    interval = f"({NOT_KEPT})"
    if carbon.uncertainty_g is not None:
        low = max(carbon.grams - carbon.uncertainty_g, 0.0)
        interval = f"({grams(low)} to {grams(carbon.grams + carbon.uncertainty_g)})"
        if carbon.accuracy_unknown_j > 0:
            interval += f", {NOT_KEPT} for {amount(carbon.accuracy_unknown_j)} of it"
    rates = "; ".join(grid_words(grid) for grid in carbon.grids)
    words = (
        f"About {grams(carbon.grams)} CO₂e {interval}, estimated: {amount(carbon.energy_j)} × "
        f"{rates}. The interval is that of the energy alone, without the site's overhead (PUE)."
    )
    if carbon.uncounted_j > 0:
        words += f" {amount(carbon.uncounted_j)} more are from times without an intensity."
    return words


def grid_words(grid: Grid) -> str:
    """`369 g/kWh (mean of United States in 2023: …)`."""
    if grid.g_per_kwh is None:
        return "turned off"
    if grid.by_hour is None:
        return f"{grid.g_per_kwh:,.0f} g/kWh ({grid.source})"
    low, high = min(grid.by_hour), max(grid.by_hour)
    return f"{low:,.0f} to {high:,.0f} g/kWh by the hour of the day ({grid.source})"
