"""All rates at which a stream of money is worth nothing.

With s = ln(1 + rate) the value is Σ amount · e^(−s·years), a smooth curve in s. Beyond certain
bounds its first or last term outweighs all others together, so every root lies between them.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

_STEPS = 600
_FINE = 0.02  # up to about this s, places lie a ten-thousandth apart, further out in proportion
_LARGEST = 100.0  # of s: a rate beyond e^100 says nothing
_Terms = Sequence[tuple[float, float]]


def roots(terms: _Terms) -> list[float]:
    """Yearly rates (0.1 is 10%), rising, for terms of (years, amount) in order of time, none of
    them 0 and two at least. A rate too large for any use is left out.

    Where the amounts change sign once there is exactly one root, found by bisection alone.
    Otherwise the curve is sampled at 600 places, most densely about a rate of 0: roots nearer to
    each other than those, about 0.3% apart at a rate of 10%, are passed over in pairs.
    """
    return [math.expm1(s) for s in _zeros(terms) if s < _LARGEST]


def positive_root(terms: _Terms) -> float | None:
    """The rate above 0 of terms that are known to have exactly one; None where it is too large."""
    s = _bisected(_scaled(terms), 0.0, _bounds(terms)[1])
    return math.expm1(s) if s < _LARGEST else None


def _zeros(terms: _Terms) -> list[float]:
    curve = _scaled(terms)
    low, high = _bounds(terms)
    signs = [amount > 0 for _, amount in terms]
    if sum(one != other for one, other in pairwise(signs)) == 1:
        return [_bisected(curve, low, high)]
    places = _places(low, high)
    values = [curve(place) for place in places]
    found = []
    for left, right, at_left, at_right in zip(places, places[1:], values, values[1:], strict=False):
        if at_left == 0:
            found.append(left)
        elif (at_left > 0) != (at_right > 0) and at_right != 0:
            found.append(_bisected(curve, left, right))
    return found


def _places(low: float, high: float) -> list[float]:
    first, last = math.asinh(low / _FINE), math.asinh(high / _FINE)
    return [_FINE * math.sinh(first + (last - first) * step / _STEPS) for step in range(_STEPS + 1)]


def _scaled(terms: _Terms) -> Callable[[float], float]:
    """The value at s, divided by its largest power so that nothing overflows: same sign, same
    roots."""
    first, last = terms[0][0], terms[-1][0]

    def value(s: float) -> float:
        origin = first if s >= 0 else last
        return math.fsum(amount * math.exp(-s * (years - origin)) for years, amount in terms)

    return value


def _bounds(terms: _Terms) -> tuple[float, float]:
    """Below the lower the last term outweighs the others, above the upper the first one does."""
    whole = math.fsum(abs(amount) for _, amount in terms)
    first, last = abs(terms[0][1]), abs(terms[-1][1])
    upper = math.log(whole / first) / (terms[1][0] - terms[0][0])
    lower = -math.log(whole / last) / (terms[-1][0] - terms[-2][0])
    return lower - 1e-9, upper + 1e-9


def _bisected(curve: Callable[[float], float], low: float, high: float) -> float:
    """The root between two places of different sign, as finely as floats can tell."""
    rises = curve(high) > 0
    while low < (middle := (low + high) / 2) < high:
        if (curve(middle) > 0) == rises:
            high = middle
        else:
            low = middle
    return (low + high) / 2
