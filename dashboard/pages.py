"""Every page by its title, and the least role that may see it."""

from dataclasses import dataclass

from dashboard.viewer import Viewer
from db.schema import Role


@dataclass(frozen=True, slots=True)
class Page:
    """`script` is its file in `views`; `least` may see it, and so may whoever has more rights."""

    title: str
    script: str
    icon: str
    least: Role


PAGES = (
    Page("Overview", "overview", ":material/monitoring:", "manager"),
    Page("Planner", "planner", ":material/calculate:", "manager"),
    Page("Team", "team", ":material/groups:", "lead"),
    Page("My usage", "my_usage", ":material/person:", "developer"),
    Page("Requests", "requests", ":material/receipt_long:", "developer"),
    Page("Alternatives", "alternatives", ":material/balance:", "manager"),
    Page("Energy", "energy", ":material/bolt:", "manager"),
    Page("Engine", "engine", ":material/memory:", "manager"),
    Page("Chat", "chat", ":material/forum:", "developer"),
    Page("Connect", "connect", ":material/power:", "developer"),
    Page("Import", "imports", ":material/upload_file:", "manager"),
    Page("Reports", "reports", ":material/summarize:", "manager"),
    Page("Export", "export", ":material/download:", "developer"),
    Page("Settings", "settings", ":material/tune:", "manager"),
)
_LEAST = {page.title: page.least for page in PAGES}


def pages_for(viewer: Viewer) -> list[Page]:
    """What stands in their navigation; the first is where they arrive."""
    return [page for page in PAGES if viewer.is_at_least(page.least)]


def least_role(title: str) -> Role:
    return _LEAST[title]
