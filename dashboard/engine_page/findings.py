"""The titles of the Engine page's charts: what each one shows, in a sentence."""

from collections.abc import Sequence

from dashboard import formats
from dashboard.engine_page.experts import Balance, most_used, never_used
from dashboard.engine_page.series import Series


def of_tokens(found: Series) -> str:
    totals = [a + b for a, b in zip(found.prompt, found.answer, strict=True)
              if a is not None and b is not None]  # fmt: skip
    if not totals:
        return "No token was counted yet"
    if not max(totals):
        return "No token was computed in this window"
    answer = max(value for value in found.answer if value is not None)
    return (
        f"At most {formats.count(max(totals))} tokens a second, of answers at most "
        f"{formats.count(answer)}"
    )


def of_batch(found: Series, places: int) -> str:
    if found.mean_batch is None:
        return f"No step was computed in this window, of {places} places none was taken"
    most = max(value for value in found.batch if value is not None)
    return (
        f"A step had {found.mean_batch:.1f} requests on average, of {places} places; at most "
        f"{most:.1f} on average of {found.step_ms / 1000:g} s"
    )


def of_queue(found: Series) -> str:
    waiting = _most(found.waiting)
    running = _most(found.running)
    if waiting is None or running is None:
        return "Nothing was told of the queue yet"
    if waiting:
        return f"At most {_requests(waiting)} waited, while at most {running:,} ran"
    if not running:
        return "No request ran or waited"
    return f"No request waited; at most {running:,} ran at once"


def of_experts(found: Balance) -> str:
    top = most_used(found)
    title = (
        f"Expert {top.expert} of layer {top.layer} is used most: by {formats.share(top.share)} of "
        f"tokens, {top.times_even:.2f} × even use"
    )
    if unused := never_used(found):
        title += f"; {unused:,} of {found.share.size:,} were never used"
    return title


def of_balance(found: Balance) -> str:
    known = found.busiest[found.busiest == found.busiest]
    layer = most_used(found).layer
    return (
        f"The busiest expert of a layer has {known.mean():.2f} × its even share on average, at "
        f"most {known.max():.2f} × in layer {layer} (1: perfectly even)"
    )


def _most(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _requests(number: int) -> str:
    return f"{number:,} request{'s' if number != 1 else ''}"
