"""What every query about energy has to tell, in plain Python over the rows of minutes."""

from collections import defaultdict
from typing import Any

MINUTE = 60_000
QUARTER = 15 * MINUTE
USES = ("attributed_j", "idle_j", "overhead_j", "loading_j", "other_j")
COMPLETE = ("measured", "estimated")

Row = dict[str, Any]


def within(rows: list[Row], start: int, end: int) -> list[Row]:
    """The minutes that the range touches."""
    return [row for row in rows if start < row["minute_at"] + MINUTE and row["minute_at"] < end]


def bucket(row: Row, start: int, size: int) -> int:
    minute_at: int = row["minute_at"]
    return max(start, minute_at - (minute_at - start) % size)


def known_sum(rows: list[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def between(intervals: list[Row], start: int, end: int) -> Row:
    """As `db.queries.EnergyTotals`."""
    rows = within(intervals, start, end)
    read = [row for row in rows if row["total_j"] is not None]
    sure = read and all(row["uncertainty_j"] is not None for row in read)
    by_basis: dict[str, float] = defaultdict(float)
    for row in read:
        by_basis[row["basis"]] += row["total_j"]
    return {
        **{name: known_sum(rows, name) for name in ("total_j", *USES)},
        "uncertainty_j": known_sum(read, "uncertainty_j") if sure else None,
        "complete_j": known_sum([row for row in rows if row["basis"] in COMPLETE], "total_j"),
        **{f"{name}_s": ms / 1000 for name, ms in times(rows).items()},
        "by_basis": dict(by_basis),
        "sources": sorted({row["source"] for row in read}),
    }


def times(rows: list[Row]) -> dict[str, int]:
    """Milliseconds: the machine that was read for the shortest time, that which was silent for the
    longest, minute by minute."""
    machines: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        machines[row["minute_at"]][row["machine"]].append(row)

    def lasted(found: list[Row], *bases: str) -> int:
        return sum(row["duration_ms"] for row in found if row["basis"] in bases)

    minutes = [list(minute.values()) for minute in machines.values()]
    return {
        "covered": sum(min(lasted(rows, *COMPLETE) for rows in minute) for minute in minutes),
        "partial": sum(max(lasted(rows, "partial") for rows in minute) for minute in minutes),
        "unknown": sum(max(lasted(rows, "unknown") for rows in minute) for minute in minutes),
    }


def timeline(intervals: list[Row], start: int, end: int, size: int) -> list[Row]:
    """As `db.queries.energy_timeline`."""
    buckets = _grouped(within(intervals, start, end), lambda row: bucket(row, start, size))
    found = []
    for at, rows in sorted(buckets.items()):
        figures = between(rows, 0, 2**62)
        del figures["by_basis"], figures["sources"]
        found.append({"bucket_ms": at, **figures})
    return found


def by_time(intervals: list[Row], start: int, end: int, size: int) -> list[Row]:
    """As `db.energy_queries.energy_by_time`."""
    found = []
    buckets = _grouped(within(intervals, start, end), lambda row: bucket(row, start, size))
    for at, of_bucket in sorted(buckets.items()):
        lasting = times(of_bucket)
        for basis, rows in sorted(_grouped(of_bucket, lambda row: row["basis"]).items()):
            silent = {f"{name}_ms": ms if name == basis else 0 for name, ms in lasting.items()}
            del silent["covered_ms"]
            uses = {name: known_sum(rows, name) for name in USES}
            found.append({"bucket_ms": at, "basis": basis, **uses, **accuracy(rows), **silent})
    return found


def by_quarter(intervals: list[Row], start: int, end: int) -> list[Row]:
    """As `db.energy_queries.energy_by_quarter`."""
    found = _grouped(within(intervals, start, end), lambda row: bucket(row, 0, QUARTER))
    return [{"bucket_ms": at, **accuracy(rows)} for at, rows in sorted(found.items())]


def accuracy(rows: list[Row]) -> Row:
    without = [row for row in rows if row["total_j"] is not None and row["uncertainty_j"] is None]
    return {
        "total_j": known_sum(rows, "total_j"),
        "uncertainty_j": known_sum(rows, "uncertainty_j"),
        "accuracy_unknown_j": known_sum(without, "total_j") or 0.0,
    }


def meters(readings: list[Row], start: int, end: int) -> list[Row]:
    """As `db.energy_queries.meters`."""
    found = []
    devices = _grouped(
        within(readings, start, end), lambda row: (row["machine"], row["meter"], row["device"])
    )
    for (machine, meter, device), rows in sorted(devices.items()):
        last = max(rows, key=lambda row: row["minute_at"])
        read = [row for row in rows if row["known_ms"] > 0]
        found.append(
            {
                "machine": machine,
                "meter": meter,
                "device": device,
                **{name: last[name] for name in ("kind", "basis", "accuracy")},
                "energy_j": known_sum(read, "energy_j"),
                "known_ms": sum(row["known_ms"] for row in rows),
                "unknown_ms": sum(row["unknown_ms"] for row in rows),
                "last_ms": max((row["minute_at"] for row in read), default=None),
            }
        )
    return found


def wholes(readings: list[Row], start: int, end: int) -> list[Row]:
    """As `db.energy_queries.whole_and_parts`."""
    sums: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    minutes = _grouped(within(readings, start, end), lambda row: (row["machine"], row["minute_at"]))
    for (machine, _), rows in minutes.items():
        whole = [row for row in rows if row["kind"] == "machine"]
        parts = [row for row in rows if row["kind"] != "machine"]
        silent = any(row["unknown_ms"] for row in rows)
        if silent or not parts or len({row["meter"] for row in whole}) != 1:
            continue
        found = sums[machine, int(any(row["basis"] == "estimated" for row in parts))]
        found[0] += 1
        found[1] += sum(row["energy_j"] for row in whole)
        found[2] += sum(row["energy_j"] for row in parts)
    return [
        {"machine": machine, "estimated": estimated, "minutes": minutes, "whole_j": whole_j,
         "parts_j": parts_j}
        for (machine, estimated), (minutes, whole_j, parts_j) in sorted(sums.items())
    ]  # fmt: skip


def _grouped(rows: list[Row], key: Any) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
