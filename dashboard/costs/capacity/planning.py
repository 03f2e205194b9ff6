"""The speeds that plans are made with: predictions, less what they are typically too hopeful by."""

from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.speed import Speed, speed
from dashboard.costs.capacity.validation import correction, held_out


def planning_speed(
    deployment: Deployment,
    prompt_tokens: int,
    answer_tokens: int,
    cached_tokens: int = 0,
    replicas: int = 1,
) -> Speed:
    """As `speed`, with everything slower by `correction()`. ValueError: as there."""
    hoped = speed(deployment, prompt_tokens, answer_tokens, cached_tokens, replicas)
    return hoped.slower(correction())


def correction_sentence() -> str:
    """What was done to every speed that is shown, for a manager."""
    off = held_out()
    return (
        f"Predicted speeds were too hopeful: held against {off.figures} published ones that had no "
        f"part in fitting them, they were {off.median_ratio:.2f} times as high (the median). So "
        "every speed, every number of developers and all hardware here rests on the prediction "
        f"divided by {off.median_ratio:.2f}."
    )
