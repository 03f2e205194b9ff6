"""Keys that stop working at once, and the keys that never touch the disk."""

import time

import httpx
import openai
import pytest

from db.errors import InvalidInput
from db.keys import list_keys, revoke_key
from db.people import add_developer, archive_developer
from tests.engine.api.gateway import MODEL, Gateway, request_id, said

HELLO = said("Hello")


def status(gateway: Gateway, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{gateway.url}/v1/models", headers=headers).status_code


def test_a_revoked_key_stops_working_within_a_second(gateway: Gateway) -> None:
    key = gateway.new_key("soon revoked")
    assert status(gateway, key) == 200

    newest = list_keys(gateway.service.database)[0]
    revoke_key(gateway.service.database, newest.id, actor="tests")
    time.sleep(1.0)
    assert status(gateway, key) == 401


def test_a_key_notes_when_it_was_last_used(gateway: Gateway) -> None:
    key = gateway.new_key("fresh")
    assert list_keys(gateway.service.database)[0].last_used_at is None
    answer = gateway.client(key).chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    row = gateway.row(request_id(answer))

    assert list_keys(gateway.service.database)[0].last_used_at == row["started_at"]


def test_a_session_key_charges_its_developer_and_is_stored_nowhere(gateway: Gateway) -> None:
    key = gateway.service.session_key(gateway.developer.id, "chat")
    answer = gateway.client(key).chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    row = gateway.row(request_id(answer))

    assert row["developer_id"] == gateway.developer.id
    assert row["api_key_id"] is None
    for file in gateway.service.settings.home.iterdir():
        assert not file.is_file() or key.encode() not in file.read_bytes()


def test_a_session_key_is_the_same_for_the_same_tool(gateway: Gateway) -> None:
    service, developer = gateway.service, gateway.developer.id

    assert service.session_key(developer, "chat") == service.session_key(developer, "chat")
    assert service.session_key(developer, "chat") != service.session_key(developer, "other")


def test_a_session_key_ends_with_its_developer(gateway: Gateway) -> None:
    database = gateway.service.database
    grace = add_developer(database, "grace", actor="tests")
    key = gateway.service.session_key(grace.id, "chat")
    assert status(gateway, key) == 200

    archive_developer(database, grace.id, actor="tests")
    time.sleep(1.0)
    assert status(gateway, key) == 401
    with pytest.raises(InvalidInput):
        gateway.service.session_key(grace.id, "chat")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "bk-x", "Bearer \xe9"])
def test_a_header_that_names_no_key_is_a_401(gateway: Gateway, header: str) -> None:
    headers = {b"authorization": header.encode("latin-1")}
    refused = httpx.get(f"{gateway.url}/v1/models", headers=headers)

    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"


def test_openais_client_lists_the_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).object == "model"
