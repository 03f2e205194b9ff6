"""BREAKEVEN_METERS, as people write it."""

import re
import tomllib
from pathlib import Path

import pytest

from engine.energy.remote.config import MeterConfig, MeterSettingError, read_meters


def test_urls_are_separated_by_commas_and_named_by_their_address() -> None:
    found = read_meters("http://plug.local, http://gpu-1:9400/metrics")
    assert [(one.url, one.name) for one in found] == [
        ("http://plug.local", "plug.local"),
        ("http://gpu-1:9400/metrics", "gpu-1:9400"),
    ]


def test_the_sample_in_the_readme_is_one() -> None:
    readme = (Path(__file__).resolve().parents[4] / "README.md").read_text()
    samples = [tomllib.loads(text) for text in re.findall(r"```toml\n(.+?)```", readme, re.DOTALL)]
    (listed,) = [sample["meter"] for sample in samples if "meter" in sample]
    assert len([MeterConfig.model_validate(table) for table in listed]) == 3


@pytest.mark.parametrize("setting", [None, "", "  "])
def test_no_setting_is_no_meter(setting: str | None) -> None:
    assert read_meters(setting) == []


def test_a_file_holds_a_table_a_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMC_PASSWORD", "secret")
    file = tmp_path / "meters.toml"
    file.write_text(
        '[[meter]]\nurl = "https://bmc-1"\nname = "server"\npassword_env = "BMC_PASSWORD"\n'
        'verify_tls = false\n[[meter]]\nurl = "http://gpu-1:9400"\ndevices = ["0"]\n'
    )
    server, boards = read_meters(str(file))
    assert (server.name, server.user, server.password) == ("server", "admin", "secret")
    assert (boards.devices, boards.every_s, boards.of) == (("0",), 1.0, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[meter]]\nurl = "plug.local"', "meter 1: url: write it as http"),
        ('[[meter]]\nurl = "http://a:b@plug"', "without user"),
        ('[[meter]]\nurl = "http://plug:99999"', "meter 1: url"),
        ('[[meter]]\nurl = "http://a"\nevery = 2', "meter 1: every"),
        ('[[meter]]\nurl = "http://a"\nevery_s = 0.1', "meter 1: every_s"),
        ('[[meter]]\nurl = "http://a"\nformat = "ipmi"', "meter 1: format"),
        ('[[meter]]\nurl = "http://a"\ntoken_env = "NOT_SET"', "no variable NOT_SET"),
        ('[[meter]]\nurl = "http://a"\n[[meter]]\nurl = "http://a/x"', "two meters are called a"),
        ("[meter]\n", r"\[\[meter\]\] tables"),
        ("meter = 1", r"\[\[meter\]\] tables"),
        ("[[", "no valid TOML"),
    ],
)
def test_an_error_names_its_place_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "meters.toml"
    file.write_text(text)
    with pytest.raises(MeterSettingError, match=says) as error:
        read_meters(str(file))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(MeterSettingError, match="neither URLs nor a file"):
        read_meters("nowhere.toml")


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        MeterConfig(url="http://a").url = "http://b"  # type: ignore[misc]


def test_a_secret_file_may_end_in_a_new_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_TOKEN", "s3cret\n")
    config = MeterConfig(url="http://plug.local", token_env="METER_TOKEN")
    assert config.token == "s3cret"


def test_a_secret_that_no_header_carries_is_refused_without_being_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("METER_TOKEN", "s3crét")
    file = tmp_path / "meters.toml"
    file.write_text('[[meter]]\nurl = "http://plug.local"\ntoken_env = "METER_TOKEN"\n')
    with pytest.raises(MeterSettingError, match="METER_TOKEN holds letters") as refused:
        read_meters(str(file))
    assert "s3cr" not in str(refused.value)


@pytest.mark.parametrize("query", ["cmnd=Status%208&user=admin&password=x", "Token=x", "passwd=x"])
def test_a_password_in_an_address_is_refused(query: str) -> None:
    with pytest.raises(MeterSettingError, match="password_env"):
        read_meters(f"http://plug.local/cm?{query}")
