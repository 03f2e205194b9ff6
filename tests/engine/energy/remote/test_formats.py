"""Each format's page, by real samples and hand calculations."""

import json

import pytest

from engine.energy.meters import MeterError
from engine.energy.remote.formats import FORMATS, recognise
from engine.energy.remote.reading import Reading
from tests.engine.energy.remote import bodies


def read(name: str, text: str) -> dict[str, Reading]:
    return {one.device: one for one in FORMATS[name].parse(text)}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (bodies.DCGM, "dcgm"),
        (bodies.KEPLER, "kepler"),
        (bodies.KEPLER_OLD, "kepler"),
        (bodies.NODE_EXPORTER, "node-exporter"),
        (bodies.HWMON, "node-exporter"),
        (bodies.SHELLY_GEN1, "shelly"),
        (bodies.SHELLY_GEN2, "shelly"),
        (bodies.SHELLY_3EM, "shelly"),
        (bodies.TASMOTA, "tasmota"),
        (json.dumps(bodies.POWER), "redfish"),
    ],
)
def test_a_format_is_recognised_by_its_body(body: str, name: str) -> None:
    assert recognise(body).name == name


def test_a_board_cut_into_instances_is_counted_once() -> None:
    found = read("dcgm", bodies.DCGM)
    assert set(found) == {"gpu-0", "gpu-1"}
    assert found["gpu-0"].counter == pytest.approx(257858.316)
    assert found["gpu-1"].counter == pytest.approx(187554.325)


def test_a_board_without_counter_tells_its_power() -> None:
    text = bodies.DCGM.partition("# HELP DCGM_FI_DEV_TOTAL")[0]
    assert read("dcgm", text)["gpu-1"].counter is None
    assert read("dcgm", text)["gpu-1"].watts == 55.942


def test_kepler_counts_package_and_memory_and_nothing_that_lies_inside_or_around() -> None:
    found = read("kepler", bodies.KEPLER)
    processors = {name: one.counter for name, one in found.items() if one.kind == "processor"}
    assert processors == {"package": 1250.25, "dram": 40.5}
    assert found["platform"].kind == "machine"
    assert found["platform"].watts == 344  # the server's; the processors' 120 W are within


def test_older_kepler_divides_a_counter_into_what_idles_and_what_works() -> None:
    found = read("kepler", bodies.KEPLER_OLD.replace("SOURCE", "rapl-sysfs"))
    assert found["package-0"].counter == 1000
    assert found["dram"].counter == 25
    assert found["platform"].counter == 2400
    assert not any(one.estimated for one in found.values())


def test_what_kepler_gets_from_a_model_is_an_estimate() -> None:
    found = read("kepler", bodies.KEPLER_OLD.replace("SOURCE", "trained_power_model"))
    assert found["package-0"].estimated


def test_the_node_exporter_tells_each_zone_once() -> None:
    found = read("node-exporter", bodies.NODE_EXPORTER)
    assert {name: one.counter for name, one in found.items()} == {
        "dram-0": 42733.469825,
        "package-0": 240422.366267,
    }


def test_the_node_exporter_may_name_zones_by_label() -> None:
    text = 'node_rapl_joules_total{index="0",path="a/intel-rapl:0",rapl_zone="package"} 7\n'
    text += 'node_rapl_joules_total{index="0",path="a/intel-rapl:0:0",rapl_zone="core"} 5\n'
    assert {n: r.counter for n, r in read("node-exporter", text).items()} == {"package-0": 7}


def test_the_node_exporter_s_power_sensors_are_told_apart_by_their_driver() -> None:
    kinds = {one.kind: one.watts for one in FORMATS["node-exporter"].parse(bodies.HWMON)}
    assert kinds == {"machine": 211, "accelerator": 35}


def test_a_power_meter_without_sensor_behind_it_is_not_a_machine_of_0_w() -> None:
    text = bodies.HWMON.replace("} 211", "} 0")
    assert [one.kind for one in FORMATS["node-exporter"].parse(text)] == ["accelerator"]


@pytest.mark.parametrize(
    ("body", "watts", "joules"),
    [
        (bodies.SHELLY_GEN2, 8.9, 6.532 * 3600),
        (bodies.SHELLY_3EM, 1011.0, 166778.15 * 3600),
        ('{"id": 0, "apower": 142.7, "aenergy": {"total": 1587.234}}', 142.7, 1587.234 * 3600),
        ('{"power": 8.65, "is_valid": true, "total": 14}', 8.65, 14 * 60),
        ('{"emeters": [{"power": 789, "is_valid": true, "total": 2.5}]}', 789, 2.5 * 3600),
    ],
)
def test_shelly_tells_watts_and_a_total_in_its_own_unit(
    body: str, watts: float, joules: float
) -> None:
    (found,) = FORMATS["shelly"].parse(body)
    assert found.watts == watts
    assert found.joules_total == pytest.approx(joules)
    assert found.counter is None  # the power is integrated: nobody says when the total moves


def test_a_shelly_of_four_sockets_is_four_devices() -> None:
    body = json.dumps({f"switch:{i}": {"apower": i * 10.0} for i in range(4)})
    assert {n: r.watts for n, r in read("shelly", body).items()} == {
        "switch-0": 0.0, "switch-1": 10.0, "switch-2": 20.0, "switch-3": 30.0,
    }  # fmt: skip


def test_a_shelly_reading_that_calls_itself_invalid_is_none() -> None:
    assert not FORMATS["shelly"].parse('{"power": 0, "is_valid": false, "total": 0}')


def test_tasmota_tells_watts_and_kilowatt_hours() -> None:
    (found,) = FORMATS["tasmota"].parse(bodies.TASMOTA)
    assert (found.watts, found.counter) == (47, None)
    assert found.joules_total == pytest.approx(3.705 * 3.6e6)


def test_tasmota_of_two_channels_is_two_devices() -> None:
    body = '{"StatusSNS": {"ENERGY": {"Power": [10, 20], "Total": [0.5, 1.5]}}}'
    assert {n: r.watts for n, r in read("tasmota", body).items()} == {
        "channel-1": 10, "channel-2": 20,
    }  # fmt: skip


def test_redfish_prefers_joules_and_integrates_power_beside_kilowatt_hours() -> None:
    fine = bodies.ENVIRONMENT | {"EnergyJoules": {"Reading": 1234.5}}
    coarse = bodies.ENVIRONMENT | {"EnergykWh": {"Reading": 2}}
    (joules,) = FORMATS["redfish"].parse(json.dumps(fine))
    (watts,) = FORMATS["redfish"].parse(json.dumps(coarse))
    assert joules.counter == 1234.5
    assert (watts.counter, watts.watts, watts.joules_total) == (None, 374, 7.2e6)


def test_of_a_server_and_its_parts_redfish_s_greatest_power_is_the_whole() -> None:
    (found,) = FORMATS["redfish"].parse(json.dumps(bodies.POWER))
    assert (found.device, found.watts) == ("1U", 344)


@pytest.mark.parametrize("value", ["NaN", "-5", "+Inf"])
def test_a_figure_that_cannot_be_one_leaves_its_board_out(value: str) -> None:
    text = bodies.DCGM.replace("187554325", value).replace("55.942000", value)
    assert set(read("dcgm", text)) == {"gpu-0"}


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("dcgm", bodies.dcgm(1234)[:-3], "cut off"),
        ("dcgm", 'DCGM_FI_DEV_POWER_USAGE{gpu="0} 12\n', "cannot be read"),
        ("shelly", '{"apower": 8.9, "aener', "no valid JSON"),
        ("shelly", "[1, 2]", "no object"),
        ("shelly", '{"apower": -8.9}', "does not go below 0"),
        ("shelly", '{"apower": NaN}', "not finite"),
        ("shelly", '{"apower": "8.9"}', "no number"),
        ("shelly", "[" * 100_000, "no valid JSON"),
        ("tasmota", '{"StatusSNS": {"Time": "2023"}}', "no power meter"),
        ("redfish", '{"PowerWatts": {"Reading": true}}', "no number"),
    ],
)
def test_a_body_that_cannot_be_read_is_said_in_one_line(name: str, body: str, says: str) -> None:
    with pytest.raises(MeterError, match=says) as error:
        FORMATS[name].parse(body)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("body", ["<!DOCTYPE html><html></html>", "hello\n", "{}", ""])
def test_what_is_no_meter_is_not_taken_for_one(body: str) -> None:
    with pytest.raises(MeterError):
        recognise(body)


def test_a_channel_on_which_nothing_hangs_jitters_about_zero() -> None:
    (reading,) = FORMATS["shelly"].parse('{"apower": -0.4}')
    assert reading.watts == 0.0
