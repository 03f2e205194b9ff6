"""What pages read asks for itself who reads, wherever it is called from."""

from collections.abc import Callable
from itertools import product as product_of
from typing import Any

import pytest

from dashboard import data, ui
from dashboard.overview import View
from dashboard.viewer import NotAllowed
from db import keys, people, request_pages
from db.request_pages import Which
from engine.api.service import Service
from tests.dashboard.people_of_roles import SEES, Be

pytestmark = pytest.mark.usefixtures("beyond_localhost")

NOT_FOR_LEADS: tuple[Callable[[], Any], ...] = (
    lambda: data.overview(View("own", "month", "UTC")),
    lambda: data.alternatives(View("own", "month", "UTC")),
    lambda: data.energy(View("own", "month", "UTC")),
    lambda: data.month_report("own", "2026-01", data.timezone()),
    lambda: data.all_keys(),
    lambda: data.team(View("own", "month", "UTC"), None),
    lambda: data.team(View("own", "month", "UTC"), 0),
    lambda: data.team(View("own", "month", "UTC"), 2),
    lambda: data.my_usage(View("own", "month", "UTC"), 3),
    lambda: data.keys_of(3),
    lambda: data.firing_alerts(),
    lambda: data.alert_names(),
)


@pytest.mark.parametrize("name", ["Ada", "Lea"])
def test_a_read_of_everybodys_figures_asks_for_itself(as_: Be, name: str) -> None:
    as_(name)
    for read in NOT_FOR_LEADS:
        with pytest.raises(NotAllowed):
            read()


def test_a_read_of_requests_is_within_the_scope_whatever_is_asked(
    as_: Be, ids: dict[str, int]
) -> None:
    for name, other in product_of(SEES, ids):
        as_(name)
        try:
            found = set(
                data.requests_page("own", 50, None, None, Which(developer_id=ids[other]))[
                    "developer_name"
                ]
            )
        except NotAllowed:
            found = set()
        assert found == SEES[name] & {other}


def test_a_request_is_found_by_its_id_by_who_may_see_it(product: Service, as_: Be) -> None:
    rows = request_pages.recent_requests(product.database, 50)
    for name, (request_id, owner) in product_of(
        SEES, zip(rows["id"], rows["developer_name"], strict=True)
    ):
        as_(name)
        assert data.request_with_id("own", int(request_id)).empty == (owner not in SEES[name])


def test_a_lead_who_moved_finds_their_own_request_and_no_longer_the_old_teams(
    product: Service, as_: Be, ids: dict[str, int]
) -> None:
    people.set_team(product.database, ids["Lea"], "Data", actor="test")
    as_("Lea")
    rows = request_pages.recent_requests(product.database, 50)
    found = {
        owner
        for request_id, owner in zip(rows["id"], rows["developer_name"], strict=True)
        if not data.request_with_id("own", int(request_id)).empty
    }
    assert found == {"Lea", "Bob", "Max", "Amy"}


def test_keys_are_searched_among_those_whose_requests_one_may_see(
    product: Service, as_: Be, ids: dict[str, int]
) -> None:
    for name, developer_id in ids.items():
        keys.create_key(product.database, developer_id, f"{name}'s laptop", actor="test")
    for name, sees in SEES.items():
        as_(name)
        assert {key.name for key in data.keys_named("own", "laptop", 50)} == {
            f"{other}'s laptop" for other in sees
        }


def test_a_key_is_revoked_by_its_owner_or_an_admin(as_: Be, ids: dict[str, int]) -> None:
    for name in SEES:
        as_(name)
        for other, developer_id in ids.items():
            try:
                assert ui.key_actor(developer_id) == name.lower()
                allowed = True
            except NotAllowed:
                allowed = False
            assert allowed == (name in ("Amy", other))
