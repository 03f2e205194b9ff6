"""Which meters upstreams have, as the file tells it: what would count twice is refused."""

from pathlib import Path

import pytest

from db.errors import InvalidInput
from engine.api.upstreams.config import UpstreamConfig, meters_by_machine, read_upstreams


def read(path: Path, toml: str) -> list[UpstreamConfig]:
    file = path / "upstreams.toml"
    file.write_text(toml)
    return read_upstreams(str(file))


def test_addresses_alone_have_no_meters() -> None:
    found = read_upstreams("http://gpu-1:8000/v1,http://gpu-1:8001/v1")
    assert meters_by_machine(found) == {"gpu-1:8000": [], "gpu-1:8001": []}


def test_a_meter_is_an_address_or_a_table(tmp_path: Path) -> None:
    [one] = read(
        tmp_path,
        """
        [[upstream]]
        url = "http://gpu-1:8000/v1"
        meters = ["http://gpu-1:9400", {url = "http://plug.local", every_s = 2}]
        """,
    )
    assert [(m.url, m.name, m.every_s) for m in one.meters] == [
        ("http://gpu-1:9400", "gpu-1:9400", 1.0),
        ("http://plug.local", "plug.local", 2.0),
    ]


def test_upstreams_of_one_machine_share_its_meters(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        [[upstream]]
        url = "http://gpu-1:8000/v1"
        machine = "gpu-1"
        meters = ["http://gpu-1:9400"]
        [[upstream]]
        url = "http://gpu-1:8001/v1"
        machine = "gpu-1"
        meters = ["http://gpu-1:9400"]
        [[upstream]]
        url = "http://gpu-1:8002/v1"
        machine = "gpu-1"
        """,
    )
    [(machine, meters)] = meters_by_machine(found).items()
    assert (machine, [meter.url for meter in meters]) == ("gpu-1", ["http://gpu-1:9400"])


def test_two_servers_may_have_a_boards_page_between_them(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        [[upstream]]
        url = "http://gpu-1:8000/v1"
        meters = [{url = "http://gpu-1:9400", devices = ["0"]}]
        [[upstream]]
        url = "http://gpu-1:8001/v1"
        meters = [{url = "http://gpu-1:9400/metrics", devices = ["1"]}]
        """,
    )
    assert [len(meters) for meters in meters_by_machine(found).values()] == [1, 1]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ('meters = ["gpu-1:9400"]', "upstream 1: meter 1: url: write it as http://host:port"),
        ('meters = ["http://a", {url = "http://b", every = 2}]', "meter 2: every: Extra inputs"),
        ('meters = "http://a"', "upstream 1: meters: Input should be a valid tuple"),
        ('meters = [{url = "http://a", token_env = "NO_SUCH"}]', "has no variable NO_SUCH"),
        ('machine = "here"', "here is what the gateway's own machine is called"),
        ('meters = ["http://a", "http://a/metrics"]', "two meters of gpu-1:8000 are called a"),
        (
            'meters = ["http://a"]\n[[upstream]]\nurl = "http://gpu-1:8001/v1"\n'
            'meters = ["http://a/metrics"]',
            "would count for gpu-1:8000 and for gpu-1:8001; give their upstreams the same machine",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, tables: str, told: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(tmp_path, f'[[upstream]]\nurl = "http://gpu-1:8000/v1"\n{tables}\n')
    assert told in str(error.value)
    assert "\n" not in str(error.value)
