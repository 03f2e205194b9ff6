"""What there is to choose from on a ledger, as far as the reader may see it, by its words."""

from dashboard import data
from dashboard.labels import ANY_ENGINE, ANY_MODEL, EVERY_TEAM, EVERYBODY, WITHOUT_TEAM, labels
from dashboard.request_browser.words import engine_words
from db.request_pages import NO_TEAM


def developers(ledger: str) -> dict[str, int]:
    people = data.developers(ledger, archived=True)
    return labels([(person.name, person.id) for person in people], [EVERYBODY])


def teams(ledger: str) -> dict[str, int]:
    """As far as the reader may see their requests; a lead has their own team alone."""
    reserved = [EVERY_TEAM, WITHOUT_TEAM]
    found = labels(data.teams(ledger).items(), reserved)
    if data.viewer().scope.team_id is None:
        found[WITHOUT_TEAM] = NO_TEAM
    return found


def models(ledger: str) -> dict[str, str]:
    names = data.served(ledger).models
    return labels([(name, name) for name in names], [ANY_MODEL], numbers=False)


def engines(ledger: str) -> dict[str, str]:
    names = data.served(ledger).engines
    return labels([(_engine(name), name) for name in names], [ANY_ENGINE], numbers=False)


def _engine(name: str) -> str:
    words = engine_words(name).capitalize()
    return words if name == "upstream" else f"{words}: {name}"
