"""The meter against real servers that behave, die, dawdle and lie."""

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from engine.energy.attribution import Attributor
from engine.energy.meter_set import MeterSet
from engine.energy.meters import Meter, MeterError
from engine.energy.remote.client import MAX_BYTES
from engine.energy.remote.meter import OPEN_WITHIN_S, RemoteMeter
from tests.engine.energy.remote import bodies
from tests.engine.energy.remote.server import MeterServer, Page, wait_for

Serve = Callable[[dict[str, Page | str]], MeterServer]
SWITCH = "/rpc/Switch.GetStatus?id=0"


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[MeterServer] = []

    def start(pages: dict[str, Page | str]) -> MeterServer:
        servers.append(MeterServer(pages))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def close() -> Iterator[Callable[[RemoteMeter], RemoteMeter]]:
    meters: list[RemoteMeter] = []

    def keep(meter: RemoteMeter) -> RemoteMeter:
        meters.append(meter)
        return meter

    yield keep
    for meter in meters:
        meter.close()


Close = Callable[[RemoteMeter], RemoteMeter]


def works(meter: RemoteMeter) -> bool:
    try:
        return bool(meter.read())
    except MeterError:
        return False


def since(start: float, watts: float = 100.0) -> Callable[[], str]:
    """A DCGM page of a board that draws steadily."""
    return lambda: bodies.dcgm((time.monotonic() - start) * watts)


def test_a_counter_s_power_is_the_board_s(serve: Serve, close: Close) -> None:
    server = serve({"/metrics": Page(since(time.monotonic()))})
    meter: Meter = close(server.open("/metrics"))
    assert isinstance(meter, RemoteMeter)
    assert wait_for(lambda: works(meter))
    first, started = meter.read()["m/gpu-0"], time.monotonic()
    time.sleep(1.5)
    second, ended = meter.read()["m/gpu-0"], time.monotonic()
    assert (second.joules - first.joules) / (ended - started) == pytest.approx(100, rel=0.2)
    assert (meter.source, meter.kind, meter.basis) == ("dcgm", "accelerator", "measured")
    assert meter.problem is None
    assert "/metrics" in meter.detail()


@pytest.mark.parametrize(
    ("path", "body", "source", "kind"),
    [
        ("/metrics", bodies.KEPLER, "kepler", "processor"),
        ("/rpc/Shelly.GetStatus", bodies.SHELLY_GEN2, "shelly", "machine"),
        ("/status", bodies.SHELLY_GEN1, "shelly", "machine"),
        ("/cm?cmnd=Status%208", bodies.TASMOTA, "tasmota", "machine"),
    ],
)
def test_of_a_server_alone_the_path_is_found(
    serve: Serve, close: Close, path: str, body: str, source: str, kind: str
) -> None:
    meter = close(serve({path: body}).open())
    assert (meter.source, meter.kind, meter.problem) == (source, kind, None)
    assert path.partition("?")[0] in meter.detail()


def test_redfish_reads_the_server_and_not_its_parts_once_more(serve: Serve, close: Close) -> None:
    pages: dict[str, Page | str] = {path: json.dumps(b) for path, b in bodies.REDFISH.items()}
    meter = close(serve(pages).open())
    assert wait_for(lambda: works(meter))
    assert set(meter.read()) == {"m/1U"}
    assert meter.source == "redfish"


def test_an_older_controller_is_read_by_its_power_resource(serve: Serve, close: Close) -> None:
    pages: dict[str, Page | str] = {path: json.dumps(b) for path, b in bodies.REDFISH.items()}
    del pages["/redfish/v1/Chassis/1U/EnvironmentMetrics"]
    meter = close(serve(pages).open())
    assert wait_for(lambda: works(meter))
    assert "/redfish/v1/Chassis/1U/Power," in meter.detail()


def test_only_the_devices_that_are_named_count(serve: Serve, close: Close) -> None:
    power = bodies.DCGM.partition("# HELP DCGM_FI_DEV_TOTAL")[0]
    meter = close(serve({"/metrics": power}).open("/metrics", devices=["1"]))
    assert wait_for(lambda: works(meter))
    assert set(meter.read()) == {"m/gpu-1"}


def test_what_is_not_there_is_named_with_what_is(serve: Serve, close: Close) -> None:
    meter = close(serve({"/metrics": bodies.DCGM}).open("/metrics", devices=["7"]))
    assert meter.problem == "m: none of the devices 7: there are gpu-0, gpu-1."


def test_of_a_page_of_several_kinds_one_is_chosen(serve: Serve, close: Close) -> None:
    meter = close(serve({"/metrics": bodies.KEPLER}).open("/metrics", of="machine"))
    assert wait_for(lambda: works(meter))
    assert set(meter.read()) == {"m/platform"}
    assert meter.kind == "machine"


def test_a_model_s_figures_are_an_estimate(serve: Serve, close: Close) -> None:
    body = bodies.KEPLER_OLD.replace("SOURCE", "trained_power_model")
    meter = close(serve({"/metrics": body}).open("/metrics"))
    assert meter.basis == "estimated"
    assert meter.accuracy.relative == 0.4


def test_a_plug_that_is_off_at_the_start_comes_later(serve: Serve, close: Close) -> None:
    server = serve({SWITCH: '{"apower": 50}'})
    server.stop()
    meter = close(server.open(SWITCH))
    assert meter.problem
    assert "cannot be reached" in meter.problem
    with pytest.raises(MeterError, match="cannot be reached"):
        meter.read()
    server.start()
    assert wait_for(lambda: works(meter))
    assert meter.problem is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kepler", "processor"),
        ("node-exporter", "processor"),
        ("dcgm", "accelerator"),
        ("shelly", "machine"),
        ("tasmota", "machine"),
        ("redfish", "machine"),
    ],
)
def test_a_named_format_that_is_down_has_its_usual_kind(
    serve: Serve, close: Close, name: str, kind: str
) -> None:
    server = serve({})
    server.stop()
    assert close(server.open(format=name)).kind == kind
    assert close(server.open(format=name, of="accelerator")).kind == "accelerator"


def test_a_page_of_another_kind_than_at_the_start_gives_nothing(serve: Serve, close: Close) -> None:
    server = serve({"/metrics": bodies.HWMON})  # boards and the machine, no processor
    server.stop()
    meter = close(server.open("/metrics", format="node-exporter"))
    server.start()
    assert wait_for(lambda: "nothing of kind processor" in (meter.problem or ""))
    assert meter.kind == "processor"
    time.sleep(0.5)
    with pytest.raises(MeterError, match="Set `of`"):
        meter.read()


def test_one_page_cut_short_makes_no_pause(serve: Serve, close: Close) -> None:
    server = serve({SWITCH: '{"apower": 50}'})
    meter = close(server.open(SWITCH))
    assert wait_for(lambda: works(meter))
    server.pages[SWITCH] = '{"apower": 5'
    assert wait_for(lambda: "no valid JSON" in (meter.problem or ""))
    server.pages[SWITCH] = '{"apower": 50}'
    # Polled every 0.2 s.
    assert wait_for(lambda: meter.problem is None, within_s=2.0)


def test_a_meter_that_moved_is_found_where_it_is_now(serve: Serve, close: Close) -> None:
    server = serve({"/rpc/Shelly.GetStatus": bodies.SHELLY_GEN2})
    meter = close(server.open())
    assert "/rpc/Shelly.GetStatus" in meter.detail()
    server.pages = {"/status": bodies.SHELLY_GEN1}
    assert wait_for(lambda: "at /status" in meter.detail(), within_s=3.0)


def test_an_error_that_nobody_foresaw_is_told_by_its_type_alone(
    serve: Serve, close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    # httpx refuses a header that is no ASCII with an error that quotes it.
    monkeypatch.setenv("METER_TOKEN", "s\u00e9cret")
    meter = close(serve({"/metrics": bodies.DCGM}).open("/metrics", token_env="METER_TOKEN"))
    assert meter.problem == "m: its answer was not understood (UnicodeEncodeError)."


def test_a_server_that_dies_is_unknown_and_its_gap_is_not_charged(
    serve: Serve, close: Close
) -> None:
    start = time.monotonic()
    server = serve({"/metrics": Page(since(start))})
    meter = close(server.open("/metrics"))
    assert wait_for(lambda: works(meter))
    server.stop()
    # Read every 0.2 s, so well before the 5 s after which it counts as gone.
    assert wait_for(lambda: not works(meter), within_s=2.0)
    server.start()
    assert wait_for(lambda: works(meter))
    count = meter.read()["m/gpu-0"]
    assert count.epoch == 0
    # All since the first poll, the gap included.
    assert count.joules == pytest.approx((time.monotonic() - start) * 100, abs=60)


def test_a_counter_that_is_reset_starts_an_epoch(serve: Serve, close: Close) -> None:
    now = time.monotonic()
    server = serve({"/metrics": Page(since(now - 1000))})
    meter = close(server.open("/metrics"))
    assert wait_for(lambda: works(meter))
    server.pages["/metrics"] = Page(since(now))
    assert wait_for(lambda: works(meter) and meter.read()["m/gpu-0"].epoch == 1)


def test_a_slow_server_blocks_nobody(serve: Serve, close: Close) -> None:
    server = serve({SWITCH: Page('{"apower": 50}', delay_s=30.0)})
    started = time.monotonic()
    meter = close(server.open(SWITCH, every_s=5.0))
    assert time.monotonic() - started < OPEN_WITHIN_S + 1
    started = time.monotonic()
    for _ in range(100):
        with pytest.raises(MeterError, match="has not answered yet"):
            meter.read()
    assert time.monotonic() - started < 5  # a hundred reads of a server that takes 30 s for each


def test_a_server_that_dribbles_is_given_up(close: Close) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        server = MeterServer({})
        server.stop()
        meter = close(server.open(url=url))
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            until = time.monotonic() + 3
            while time.monotonic() < until and "did not answer" not in (meter.problem or ""):
                try:
                    connection.sendall(b"x")
                except OSError:
                    break
                time.sleep(0.1)
        assert wait_for(lambda: "did not answer within 0.5 s" in (meter.problem or ""))


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (Page("<html><body>Login</body></html>"), "A web page answers"),
        (Page('{"apower": 8.9, "aen'), "no valid JSON"),
        (Page(b"\xff\xfe\x00\x01"), "no text"),
        (Page("x" * (MAX_BYTES + 1)), "more than 8 MiB"),
        (Page("busy", 503), "answers 503"),
        (Page("", 401), "right password"),
        (Page("", 302, {"Location": "http://elsewhere.example/"}), "not followed"),
        (Page("", 302, {"Location": SWITCH}), "in circles"),
        (Page('{"apower": 1}', headers={"Content-Length": "500"}), "cannot be reached"),
        (Page("{}", headers={"Content-Encoding": "gzip"}), "cannot be decoded"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    serve: Serve, close: Close, page: Page, says: str
) -> None:
    meter = close(serve({SWITCH: page}).open(SWITCH))
    assert wait_for(lambda: says in (meter.problem or "")), meter.problem
    assert "\n" not in (meter.problem or "")


def test_garbage_now_and_then_ends_nothing(serve: Serve, close: Close) -> None:
    server = serve({SWITCH: '{"apower": 50}'})
    meter = close(server.open(SWITCH))
    assert wait_for(lambda: works(meter))
    server.pages[SWITCH] = '{"apower": {"what": []}}'
    assert wait_for(lambda: meter.problem is not None)
    server.pages[SWITCH] = '{"apower": 50}'
    assert wait_for(lambda: meter.problem is None, within_s=12)


def test_a_redirect_on_the_same_server_is_followed(serve: Serve, close: Close) -> None:
    pages: dict[str, Page | str] = {
        "/metrics": Page("", 308, {"Location": "/metrics/"}),
        "/metrics/": bodies.DCGM,
    }
    assert close(serve(pages).open("/metrics")).source == "dcgm"


def test_a_password_is_told_only_when_it_is_asked_for(
    serve: Serve, close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUG_PASSWORD", "secret")
    challenge = 'Digest qop="auth", realm="shellyplug", nonce="60dc2b74", algorithm=SHA-256'
    server = serve({SWITCH: Page("", 401, {"WWW-Authenticate": challenge})})
    close(server.open(SWITCH, password_env="PLUG_PASSWORD"))
    assert wait_for(lambda: len(server.asked) > 1)
    assert "authorization" not in server.asked[0][1]
    sent = next(
        headers["authorization"] for _, headers in server.asked if "authorization" in headers
    )
    field = dict(part.strip().split("=", 1) for part in sent.removeprefix("Digest ").split(","))
    value = {name: text.strip('"') for name, text in field.items()}

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    # RFC 7616, section 3.4.1; Shelly's documentation, Authentication.
    middle = f"60dc2b74:{value['nc']}:{value['cnonce']}:auth"
    secret = sha("admin:shellyplug:secret")
    assert value["response"] == sha(f"{secret}:{middle}:{sha(f'GET:{SWITCH}')}")


def test_basic_and_bearer_are_understood(
    serve: Serve, close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMC_USER", "root")
    monkeypatch.setenv("BMC_SECRET", "calvin")
    basic = serve({"/status": Page("", 401, {"WWW-Authenticate": 'Basic realm="x"'})})
    close(basic.open("/status", user_env="BMC_USER", password_env="BMC_SECRET"))
    # base64 of root:calvin
    assert wait_for(lambda: basic.asked[-1][1].get("authorization") == "Basic cm9vdDpjYWx2aW4=")
    bearer = serve({"/metrics": bodies.DCGM})
    close(bearer.open("/metrics", token_env="BMC_SECRET"))
    assert bearer.asked[0][1]["authorization"] == "Bearer calvin"


def test_tasmota_takes_its_password_in_the_query_and_nobody_sees_it(
    serve: Serve, close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUG_PASSWORD", "s&cret")
    path = "/cm?cmnd=Status%208"
    server = serve({path: Page('{"WARNING":"Need user=<username>&password=<password>"}', 401)})
    meter = close(server.open(path, password_env="PLUG_PASSWORD"))
    assert "cret" not in f"{meter.problem} {meter.detail()}"
    server.pages[f"{path}&user=admin&password=s%26cret"] = bodies.TASMOTA
    assert wait_for(lambda: meter.source == "tasmota", within_s=12)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    serve: Serve, close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert close(serve({"/metrics": bodies.DCGM}).open("/metrics")).problem is None


def test_closing_ends_the_polling(serve: Serve) -> None:
    server = serve({SWITCH: '{"apower": 50}'})
    meter = server.open(SWITCH)
    meter.close()
    asked = len(server.asked)
    time.sleep(0.6)
    assert len(server.asked) == asked


def test_an_attributor_s_windows_add_up_to_what_the_server_counted(
    serve: Serve, close: Close
) -> None:
    server = serve({"/metrics": Page(since(time.monotonic()))})
    meter = close(server.open("/metrics"))
    assert wait_for(lambda: works(meter))
    with Attributor(MeterSet((meter,))) as attributor:
        first = meter.read()["m/gpu-0"].joules
        windows = []
        for _ in range(12):
            time.sleep(0.25)
            windows.append(attributor.close_window().total_j)
        last = meter.read()["m/gpu-0"].joules
    assert all(one is not None for one in windows)
    assert sum(one or 0.0 for one in windows) == pytest.approx(last - first, rel=0.05)
