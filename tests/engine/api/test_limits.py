"""What a key or a developer may use, as their clients meet it."""

import asyncio
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.keys import create_key, list_keys, revoke_key
from db.limits import NO_LIMITS, Limits, set_limits
from db.people import add_developer, find_developer
from engine.api.auth import Caller
from engine.api.errors import ApiError
from engine.api.limiter import WINDOW_S, Grant, Limiter
from tests.engine.api.gateway import MODEL, Gateway, said

Key = Callable[..., str]


@pytest.fixture
def key(gateway: Gateway, request: pytest.FixtureRequest) -> Key:
    """A key of a developer of the test's own, with limits on either."""

    def make(*, of_key: Limits = NO_LIMITS, of_developer: Limits = NO_LIMITS) -> str:
        database = gateway.service.database
        name = request.node.name[-80:]
        person = find_developer(database, name) or add_developer(database, name, actor="tests")
        made, plaintext = create_key(database, person.id, "tests", actor="tests")
        set_limits(database, of_key, api_key_id=made.id, actor="tests")
        set_limits(database, of_developer, developer_id=person.id, actor="tests")
        return plaintext

    return make


def ask(gateway: Gateway, key: str, **fields: Any) -> Any:
    wanted: dict[str, Any] = {"model": MODEL, "messages": said("Hi"), "max_tokens": 4, **fields}
    return gateway.client(key).chat.completions.create(**wanted)


def rows_of(gateway: Gateway, key: str) -> list[dict[str, Any]]:
    [made] = [
        k for k in list_keys(gateway.service.database, revoked=True) if key.startswith(k.prefix)
    ]
    return [row for row in gateway.rows() if row["api_key_id"] == made.id]


def test_requests_a_minute_are_counted_and_the_wait_is_told(gateway: Gateway, key: Key) -> None:
    mine = key(of_key=Limits(requests_per_minute=2))
    ask(gateway, mine)
    ask(gateway, mine)
    with pytest.raises(openai.RateLimitError) as refused:
        ask(gateway, mine)
    assert refused.value.code == "requests_per_minute_exceeded"
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60
    assert len(rows_of(gateway, mine)) == 2


def test_a_developers_keys_share_the_developers_limits(gateway: Gateway, key: Key) -> None:
    limits = Limits(requests_per_minute=2)
    one, other = key(of_developer=limits), key(of_developer=limits)
    ask(gateway, one)
    ask(gateway, other)
    with pytest.raises(openai.RateLimitError, match="This developer"):
        ask(gateway, one)


def test_tokens_a_minute_are_reserved_and_then_settled(gateway: Gateway, key: Key) -> None:
    mine = key(of_key=Limits(tokens_per_minute=300))
    prompt = ask(gateway, mine, max_tokens=1).usage.prompt_tokens
    # The first took prompt + 1 tokens; what the next two might take does not fit beside it.
    most = 300 - prompt - 1
    ask(gateway, mine, max_tokens=most - prompt, stop=[" "])
    with pytest.raises(openai.RateLimitError) as refused:
        ask(gateway, mine, max_tokens=299)
    assert refused.value.code == "tokens_per_minute_exceeded"


def test_requests_at_once_are_limited(gateway: Gateway, key: Key) -> None:
    mine = key(of_key=Limits(concurrent_requests=1))
    stream = ask(gateway, mine, stream=True, max_tokens=300, temperature=2.0, seed=1)
    next(iter(stream))
    with pytest.raises(openai.RateLimitError) as refused:
        ask(gateway, mine)
    assert refused.value.code == "concurrent_requests_exceeded"
    stream.close()
    for _ in range(100):
        try:
            ask(gateway, mine)
            return
        except openai.RateLimitError:
            continue
    pytest.fail("the place of who left was not given back")


def test_only_allowed_models_are_listed_and_answer(gateway: Gateway, key: Key) -> None:
    other = key(of_key=Limits(models=("kimi-k2",)))
    assert gateway.client(other).models.list().data == []
    with pytest.raises(openai.PermissionDeniedError, match="kimi-k2"):
        ask(gateway, other)
    mine = key(of_key=Limits(models=(MODEL,)))
    assert ask(gateway, mine).choices


def test_parallel_requests_cannot_overrun_a_months_tokens(gateway: Gateway, key: Key) -> None:
    budget = 400
    mine = key(of_key=Limits(tokens_per_month=budget))

    async def together() -> list[Any]:
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=mine, max_retries=0)
        return await asyncio.gather(
            *(
                client.chat.completions.create(model=MODEL, messages=said("Hi"), max_tokens=40)
                for _ in range(12)
            ),
            return_exceptions=True,
        )

    answers = asyncio.run(together())
    refused = [one for one in answers if isinstance(one, openai.RateLimitError)]
    assert refused
    assert len(refused) < 12
    assert {one.code for one in refused} == {"insufficient_quota"}
    assert refused[0].response.headers["x-should-retry"] == "false"
    rows = rows_of(gateway, mine)
    assert len(rows) == 12 - len(refused)
    assert sum(row["input_tokens"] + row["output_tokens"] for row in rows) <= budget


def test_what_a_request_did_not_take_of_its_reservation_is_free_again(
    gateway: Gateway, key: Key
) -> None:
    mine = key(of_developer=Limits(tokens_per_month=600))
    for _ in range(4):  # each reserves more than half of the budget
        ask(gateway, mine, max_tokens=350, stop=[" "])
    assert sum(row["input_tokens"] for row in rows_of(gateway, mine)) < 600


def test_an_empty_budget_is_anthropics_billing_error(gateway: Gateway, key: Key) -> None:
    mine = key(of_key=Limits(tokens_per_month=10))
    client = anthropic.Anthropic(api_key=mine, base_url=gateway.url, max_retries=0)
    wanted: Any = {"model": MODEL, "max_tokens": 5, "messages": said("Hi")}
    for stream in (False, True):
        with pytest.raises(anthropic.APIStatusError) as refused:
            client.messages.create(**wanted, stream=stream)
        assert refused.value.status_code == 402
        body: Any = refused.value.body
        assert body["error"]["type"] == "billing_error"
        assert "10 tokens a month" in str(refused.value)


def test_a_budget_of_energy_ends_too(gateway: Gateway, key: Key) -> None:
    """A request's energy is known within about a second, and estimated until then."""
    mine = key(of_key=Limits(energy_j_per_month=8.0))
    refused = None
    for _ in range(200):
        try:
            ask(gateway, mine, max_tokens=20)
        except openai.RateLimitError as error:
            refused = error
            break
    assert refused is not None
    assert refused.code == "insufficient_quota"
    assert "kWh" in str(refused)


def test_a_revoked_key_ends_at_once(gateway: Gateway, key: Key) -> None:
    mine = key()
    ask(gateway, mine)
    [made] = [k for k in list_keys(gateway.service.database) if mine.startswith(k.prefix)]
    revoke_key(gateway.service.database, made.id, actor="tests")
    for stream in (False, True):
        with pytest.raises(openai.AuthenticationError):
            ask(gateway, mine, stream=stream)
    assert len(rows_of(gateway, mine)) == 1


# The limiter by itself, on a clock of the test's own

MOST = Limits(requests_per_minute=5, tokens_per_minute=100, concurrent_requests=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 150)),
        st.tuples(st.just("end"), st.integers(0, 150)),
        st.tuples(st.just("wait"), st.integers(1, 70)),
    ),
    max_size=60,
)


def granted_or_refused(limiter: Limiter, caller: Caller, tokens: int) -> Grant | ApiError:
    try:
        return limiter.grant(caller, "m", tokens)
    except ApiError as error:
        return error


@given(steps)
def test_no_schedule_exceeds_a_limit_and_none_locks_a_caller_out(
    schedule: list[tuple[str, int]],
) -> None:
    now = 0.0
    limiter = Limiter(lambda: now)
    caller = Caller(1, "ada", 7, "tests", MOST)
    running: list[tuple[int, Grant]] = []
    granted: list[list[float]] = []  # when, and the most it can have taken
    for what, number in schedule:
        if what == "wait":
            now += number
        elif what == "end" and running:
            index, grant = running.pop(0)
            used = min(number, int(granted[index][1]))
            grant.settle(used)
            granted[index][1] = used
        elif what == "ask":
            answer = granted_or_refused(limiter, caller, number)
            if isinstance(answer, ApiError):
                assert answer.status == 429
                assert 1 <= int(answer.headers["retry-after"]) <= WINDOW_S
            else:
                granted.append([now, min(number, 100)])
                running.append((len(granted) - 1, answer))
        recent = [tokens for at, tokens in granted if at > now - WINDOW_S]
        assert len(recent) <= 5
        assert sum(recent) <= 100
        assert len(running) <= 3
    for _, grant in running:
        grant.settle(0)
    now += WINDOW_S
    limiter.grant(caller, "m", 1000)  # whatever happened, a minute later there is room
