"""Waiting in a queue, by the closed formulas: what the simulation is checked against.

Arrivals are Poisson, the queue has no end, and the first to come is the first to be served.
Sources: L. Kleinrock, Queueing Systems, volume 1 (1975), chapters 3 (M/M/1, M/M/c: Erlang's C
formula) and 5 (M/G/1: Pollaczek and Khinchine). Exact for these models; a real server is not one.
"""

import math

from pydantic import BaseModel, ConfigDict


class Queue(BaseModel):
    """A queue in its steady state. Times are seconds; `utilisation` is of each server.

    From a utilisation of 1 on there is no steady state: the queue grows for as long as the load
    lasts, `stable` is false, `note` says so, and every other figure is None.

    `tail_per_s` is how fast the chance of a longer wait falls off; None where the distribution of
    waits has no closed form (M/G/1).
    """

    model_config = ConfigDict(frozen=True)

    utilisation: float
    stable: bool
    note: str | None = None
    chance_of_waiting: float | None = None
    mean_wait_s: float | None = None
    mean_in_system_s: float | None = None
    mean_queue: float | None = None
    mean_in_system: float | None = None
    tail_per_s: float | None = None

    def wait_quantile_s(self, share: float) -> float | None:
        """The wait that `share` of all arrivals (0.95: 95%) do not exceed; None: no closed form.

        From P(wait > t) = chance of waiting × exp(−tail × t).
        """
        if not 0 <= share < 1:
            raise ValueError(f"A quantile is a share from 0 to below 1, not {share}.")
        if self.chance_of_waiting is None or self.tail_per_s is None:
            return None
        longer = 1 - share
        if self.chance_of_waiting <= longer:
            return 0.0
        return math.log(self.chance_of_waiting / longer) / self.tail_per_s


def mm1(arrivals_per_s: float, services_per_s: float) -> Queue:
    """One server, exponential service times of mean 1 / `services_per_s`."""
    return mmc(arrivals_per_s, services_per_s, servers=1)


def mmc(arrivals_per_s: float, services_per_s: float, servers: int) -> Queue:
    """`servers` alike at one queue, each with exponential service times."""
    _check(arrivals_per_s, services_per_s)
    utilisation = arrivals_per_s / (servers * services_per_s)
    if utilisation >= 1:
        return _unstable(utilisation)
    waiting = erlang_c(servers, arrivals_per_s / services_per_s)
    spare_per_s = servers * services_per_s - arrivals_per_s
    return _steady(
        arrivals_per_s, utilisation, waiting, waiting / spare_per_s, 1 / services_per_s, spare_per_s
    )


def mg1(arrivals_per_s: float, mean_service_s: float, service_variance_s2: float) -> Queue:
    """One server, service times of any distribution; variance 0: all alike (M/D/1).

    mean wait = λ E[S²] ÷ 2 (1 − ρ)
    """
    _check(arrivals_per_s, 1 / mean_service_s)
    utilisation = arrivals_per_s * mean_service_s
    if utilisation >= 1:
        return _unstable(utilisation)
    second_moment = service_variance_s2 + mean_service_s**2
    wait = arrivals_per_s * second_moment / (2 * (1 - utilisation))
    return _steady(arrivals_per_s, utilisation, utilisation, wait, mean_service_s, None)


def erlang_c(servers: int, offered: float) -> float:
    """The chance that an arrival must wait, with `offered` = λ ÷ μ erlangs below `servers`.

    By the recursion of Erlang's B formula, which no factorial overflows.
    """
    if servers < 1 or not 0 <= offered < servers:
        raise ValueError(f"{offered} erlangs need more than as many servers, not {servers}.")
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def _steady(
    arrivals_per_s: float,
    utilisation: float,
    waiting: float,
    wait_s: float,
    service_s: float,
    tail_per_s: float | None,
) -> Queue:
    """Numbers of people follow from their times by Little's law."""
    return Queue(
        utilisation=utilisation,
        stable=True,
        chance_of_waiting=waiting,
        mean_wait_s=wait_s,
        mean_in_system_s=wait_s + service_s,
        mean_queue=arrivals_per_s * wait_s,
        mean_in_system=arrivals_per_s * (wait_s + service_s),
        tail_per_s=tail_per_s,
    )


def _unstable(utilisation: float) -> Queue:
    note = (
        f"Unstable: the load is {utilisation:.0%} of what can be served, so the queue grows for as "
        "long as it lasts."
    )
    return Queue(utilisation=utilisation, stable=False, note=note)


def _check(arrivals_per_s: float, services_per_s: float) -> None:
    if not (0 <= arrivals_per_s < math.inf and 0 < services_per_s < math.inf):
        raise ValueError("Arrivals a second must not be negative, and services a second above 0.")
