"""One scenario in, every figure out: `plan`; and `queue`, the part that takes seconds."""

from dashboard.costs.plan.figures import Plan, QueuePlan
from dashboard.costs.plan.progress import Progress
from dashboard.costs.plan.queue import queue
from dashboard.costs.plan.whole import plan

__all__ = ["Plan", "Progress", "QueuePlan", "plan", "queue"]
