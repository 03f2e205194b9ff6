"""What a role means: the scope of requests, which nothing that is asked for widens."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages import PAGES, pages_for
from dashboard.viewer import LOCAL, NotAllowed, Viewer
from db.export_queries import EVERYBODY, Whose
from db.schema import ROLES, Role

IDS = st.integers(1, 4)
VIEWERS = st.builds(
    Viewer, st.just(1), st.just("x"), st.sampled_from(ROLES), IDS, st.none() | IDS
) | st.builds(
    Viewer, st.just(1), st.just("x"), st.sampled_from(("manager", "admin")), st.none(), st.none()
)
ROWS = [(developer, team) for developer in (1, 2, 3, 4) for team in (None, 1, 2, 3, 4)]


def seen(whose: Whose) -> set[tuple[int, int | None]]:
    """The rows, each a developer's in a team, that a query of these filters finds."""
    return {
        (developer, team)
        for developer, team in ROWS
        if whose.developer_id in (None, developer) and whose.team_id in (None, team)
    }


def own(viewer: Viewer) -> set[tuple[int, int | None]]:
    return {row for row in ROWS if row[0] == viewer.developer_id}


def unasked(viewer: Viewer) -> set[tuple[int, int | None]]:
    """What the role shows to who names nobody, in other words than the code says it."""
    if viewer.role in ("manager", "admin"):
        return set(ROWS)
    if viewer.role == "lead" and viewer.team_id:
        return {row for row in ROWS if row[1] == viewer.team_id}
    return own(viewer)


@given(VIEWERS, st.builds(Whose, st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)))
def test_nothing_that_is_asked_for_shows_more_than_the_role_may_see(
    viewer: Viewer, asked: Whose
) -> None:
    assert seen(viewer.scope) == unasked(viewer)
    try:
        narrowed = seen(viewer.narrowed(asked))
    except NotAllowed:
        narrowed = set()
    assert narrowed <= unasked(viewer) | own(viewer)
    assert narrowed <= seen(asked)


@given(VIEWERS, st.none() | st.integers(0, 5))
def test_who_asks_for_their_own_gets_all_of_it_from_whichever_team(
    viewer: Viewer, team_id: int | None
) -> None:
    if viewer.developer_id is not None:
        asked = Whose(viewer.developer_id, team_id)
        assert seen(viewer.narrowed(asked)) == own(viewer) & seen(asked)


@given(VIEWERS)
def test_who_asks_for_nothing_special_gets_all_that_they_may_see(viewer: Viewer) -> None:
    assert viewer.narrowed(EVERYBODY) == viewer.scope


@pytest.mark.parametrize(
    ("role", "asked"),
    [
        ("developer", Whose(developer_id=2)),
        ("developer", Whose(developer_id=0)),
        ("lead", Whose(team_id=2)),
        ("lead", Whose(developer_id=2, team_id=2)),
    ],
)
def test_anothers_rows_are_refused_not_silently_replaced(role: Role, asked: Whose) -> None:
    with pytest.raises(NotAllowed):
        Viewer(1, "ada", role, 1, 1).narrowed(asked)


@given(VIEWERS, st.none() | st.integers(0, 5), st.integers(0, 5))
def test_figures_of_a_whole_team_or_person_are_within_the_scope(
    viewer: Viewer, team_id: int | None, developer_id: int
) -> None:
    """A developer's as a whole are also of other teams, so a lead may see none but their own."""
    manager = viewer.role in ("manager", "admin")
    assert allowed(viewer.require_team, team_id) == (
        manager or (viewer.role == "lead" and team_id is not None and team_id == viewer.team_id)
    )
    assert allowed(viewer.require_own, developer_id) == (
        manager or developer_id == viewer.developer_id
    )


def allowed(ask: Callable[[Any], None], asked: int | None) -> bool:
    try:
        ask(asked)
    except NotAllowed:
        return False
    return True


def test_a_lead_without_a_team_sees_their_own_requests() -> None:
    assert Viewer(1, "lea", "lead", 7, None).scope == Whose(developer_id=7)


def test_more_rights_never_hide_a_page() -> None:
    seen_by = [
        {page.title for page in pages_for(Viewer(1, "x", role, 1, 1))}
        for role in ("developer", "lead", "manager", "admin")
    ]
    for fewer, more in itertools.pairwise(seen_by):
        assert fewer <= more
    assert seen_by[0] == {"My usage", "Requests", "Chat", "Connect", "Export"}
    assert {page.title for page in pages_for(LOCAL)} == {page.title for page in PAGES}
