"""How figures are written on the pages: money, counts, energy, durations, times."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹"}
UNKNOWN = "unknown"
JOULES_PER_KWH = 3_600_000


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """Two decimals, as an invoice has: `$1,234.50`, `CHF 12.00`."""
    if amount is None:
        return UNKNOWN
    return _with_symbol(f"{abs(amount):,.2f}", amount, currency)


def small_money(amount: Decimal | None, currency: str = "USD") -> str:
    """An amount that may be far below a cent, to two significant digits: `$0.0000021`."""
    if amount is None:
        return UNKNOWN
    if amount == 0 or abs(amount) >= Decimal("0.1"):
        return money(amount, currency)
    digits = 1 - abs(amount).adjusted()
    return _with_symbol(f"{abs(amount):.{digits}f}", amount, currency)


def count(value: int | float | None) -> str:
    """A whole number with thousands separators, shortened from a million on: `12,345`, `4.56 M`."""
    if value is None:
        return UNKNOWN
    for size, name in ((1_000_000_000, "bn"), (1_000_000, "M")):
        if abs(value) >= size:
            return f"{value / size:,.2f} {name}"
    return f"{value:,.0f}"


def energy(joules: float | None) -> str:
    """kWh as a bill has it; below 0.1 kWh in Wh."""
    if joules is None:
        return UNKNOWN
    kwh = joules / JOULES_PER_KWH
    return f"{kwh:,.2f} kWh" if kwh >= 0.1 else f"{_three_digits(kwh * 1000)} Wh"


def share(part: float) -> str:
    """A part of one, never rounded to all or nothing: `62%`, `over 99%`, `under 1%`."""
    if 0 < part < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 < part < 1 else f"{part:.0%}"


def plus_minus(part: float) -> str:
    """Half the width of an interval, as a part of the figure in its middle: `± 40%`."""
    return f"± {part:.1%}" if part < 0.0995 else f"± {part:.0%}"


def joules(value: float | None) -> str:
    return UNKNOWN if value is None else f"{_three_digits(value)} J"


def duration(milliseconds: float | None) -> str:
    """`820 ms`, `3.4 s`, `2 min 5 s`."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def size(number_of_bytes: float) -> str:
    return f"{number_of_bytes / 1e6:,.1f} MB"


def local_time(epoch_ms: int | None, timezone: ZoneInfo) -> str:
    """A moment in the reader's own time: `2026-03-01 14:05:09`."""
    if epoch_ms is None:
        return "never"
    return datetime.fromtimestamp(epoch_ms / 1000, timezone).strftime("%Y-%m-%d %H:%M:%S")


def escape(text: str) -> str:
    """Foreign text, such as a developer's name, for a place that reads Markdown: nothing in it
    is a link, an image, a formula, an icon or HTML any more."""
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in text).replace(
        "\n", " "
    )


_MARKDOWN = set("\\`*_{}[]()<>#+-.!|~:$&^=@/\"'")


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def _with_symbol(digits: str, amount: Decimal, currency: str) -> str:
    sign = "−" if amount < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{currency} {digits}"
