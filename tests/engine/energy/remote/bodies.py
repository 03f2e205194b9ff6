"""What real meters answer, shortened: the lines and fields that a reader may meet.

DCGM: exporter 3 on an A800 with MIG instances. Kepler: docs/user/metrics.md (0.10 and later), and
the labels of 0.7. node_exporter: collector/fixtures/e2e-output.txt. Shelly: the API documentation,
Gen1 "/status" and Gen2 "Shelly.GetStatus". Tasmota: JSON Status Responses. Redfish: DMTF's
public-rackmount1 mockup.
"""

import json

DCGM = """\
# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1f02",device="nvidia0",GPU_I_PROFILE="2g.20gb",GPU_I_ID="3",Hostname="hpc-64"} 78.174000
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1f02",device="nvidia0",GPU_I_PROFILE="2g.20gb",GPU_I_ID="5",Hostname="hpc-64"} 78.174000
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-9e5b",device="nvidia1",Hostname="hpc-64"} 55.942000
# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Total energy consumption since boot (in mJ).
# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-1f02",device="nvidia0",GPU_I_PROFILE="2g.20gb",GPU_I_ID="3",Hostname="hpc-64"} 257858316
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-1f02",device="nvidia0",GPU_I_PROFILE="2g.20gb",GPU_I_ID="5",Hostname="hpc-64"} 257858316
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="1",UUID="GPU-9e5b",device="nvidia1",Hostname="hpc-64"} 187554325
# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-9e5b",device="nvidia1",Hostname="hpc-64"} 0
"""  # noqa: E501

KEPLER = """\
# HELP kepler_node_cpu_joules_total Energy consumption of cpu at node level in joules
# TYPE kepler_node_cpu_joules_total counter
kepler_node_cpu_joules_total{node_name="n1",path="/sys/class/powercap/intel-rapl:0/intel-rapl:0:0",zone="core"} 900
kepler_node_cpu_joules_total{node_name="n1",path="/sys/class/powercap/intel-rapl:0/intel-rapl:0:1",zone="dram"} 40.5
kepler_node_cpu_joules_total{node_name="n1",path="/sys/class/powercap/intel-rapl:0",zone="package"} 1250.25
kepler_node_cpu_joules_total{node_name="n1",path="/sys/class/powercap/intel-rapl:1",zone="psys"} 2500
# HELP kepler_node_cpu_watts Power consumption of cpu at node level in watts
# TYPE kepler_node_cpu_watts gauge
kepler_node_cpu_watts{node_name="n1",path="/sys/class/powercap/intel-rapl:0",zone="package"} 31
# TYPE kepler_platform_watts gauge
kepler_platform_watts{source="redfish",chassis_id="1",power_control_id="PC1",power_control_name="Server Power Control"} 344
kepler_platform_watts{source="redfish",chassis_id="1",power_control_id="PC2",power_control_name="CPU Sub-system Power"} 120
# TYPE kepler_process_cpu_joules_total counter
kepler_process_cpu_joules_total{pid="1",zone="package"} 3
"""  # noqa: E501

KEPLER_OLD = """\
# TYPE kepler_node_package_joules_total counter
kepler_node_package_joules_total{instance="n1",mode="dynamic",package="0",source="SOURCE"} 700
kepler_node_package_joules_total{instance="n1",mode="idle",package="0",source="SOURCE"} 300
# TYPE kepler_node_core_joules_total counter
kepler_node_core_joules_total{instance="n1",mode="dynamic",package="0",source="SOURCE"} 600
# TYPE kepler_node_dram_joules_total counter
kepler_node_dram_joules_total{instance="n1",mode="dynamic",package="0",source="SOURCE"} 20
kepler_node_dram_joules_total{instance="n1",mode="idle",package="0",source="SOURCE"} 5
# TYPE kepler_node_platform_joules_total counter
kepler_node_platform_joules_total{instance="n1",mode="dynamic",source="acpi"} 1500
kepler_node_platform_joules_total{instance="n1",mode="idle",source="acpi"} 900
"""

NODE_EXPORTER = """\
# TYPE node_rapl_core_joules_total counter
node_rapl_core_joules_total{index="0",path="sys/class/powercap/intel-rapl:0:0"} 118821.284256
# TYPE node_rapl_dram_joules_total counter
node_rapl_dram_joules_total{index="0",path="sys/class/powercap/intel-rapl:0:1"} 42733.469825
# TYPE node_rapl_package_joules_total counter
node_rapl_package_joules_total{index="0",path="sys/class/powercap/intel-rapl:0"} 240422.366267
node_rapl_package_joules_total{index="0",path="sys/class/powercap/intel-rapl-mmio:0"} 240422.1
"""

HWMON = """\
# TYPE node_hwmon_chip_names gauge
node_hwmon_chip_names{chip="lnxsybus:00_acpi000d:00",chip_name="power_meter"} 1
node_hwmon_chip_names{chip="0000:00:08_1_0000:c4:00_0",chip_name="amdgpu"} 1
# TYPE node_hwmon_power_average_watt gauge
node_hwmon_power_average_watt{chip="lnxsybus:00_acpi000d:00",sensor="power1"} 211
node_hwmon_power_average_watt{chip="0000:00:08_1_0000:c4:00_0",sensor="power1"} 35
"""

SHELLY_GEN2 = json.dumps(
    {
        "ble": {},
        "sys": {"mac": "A8032ABE54DC", "uptime": 11081},
        "switch:0": {
            "id": 0,
            "source": "timer",
            "output": True,
            "apower": 8.9,
            "voltage": 237.5,
            "aenergy": {"total": 6.532, "by_minute": [45.199, 47.141, 88.397]},
            "temperature": {"tC": 23.5, "tF": 74.4},
        },
    }
)

SHELLY_3EM = json.dumps(
    {
        "em:0": {"id": 0, "a_act_power": 345.0, "b_act_power": 482.0, "total_act_power": 1011.0},
        "emdata:0": {"id": 0, "a_total_act_energy": 0, "total_act": 166778.15},
    }
)

SHELLY_GEN1 = json.dumps(
    {
        "relays": [{"ison": True, "has_timer": False}],
        "meters": [{"power": 12.5, "is_valid": True, "counters": [1.1], "total": 600}],
        "temperature": 30.1,
    }
)

TASMOTA = json.dumps(
    {
        "StatusSNS": {
            "Time": "2023-02-05T20:31:48",
            "ENERGY": {
                "TotalStartTime": "2023-02-05T11:04:13",
                "Total": 3.705,
                "Yesterday": 0.028,
                "Today": 0.026,
                "Power": 47,
                "ApparentPower": 50,
                "Factor": 0.94,
                "Voltage": 233,
                "Current": 0.215,
            },
        }
    }
)

_CHASSIS = "/redfish/v1/Chassis"
ENVIRONMENT = {
    "@odata.type": "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics",
    "@odata.id": f"{_CHASSIS}/1U/EnvironmentMetrics",
    "PowerWatts": {"Reading": 374, "DataSourceUri": f"{_CHASSIS}/1U/Sensors/TotalPower"},
    "PowerLimitWatts": {"SetPoint": 500},
}
POWER = {
    "@odata.type": "#Power.v1_7_1.Power",
    "@odata.id": f"{_CHASSIS}/1U/Power",
    "PowerControl": [
        {"MemberId": "0", "Name": "System Input Power", "PowerConsumedWatts": 344},
        {"MemberId": "1", "Name": "CPU Sub-system Power", "PowerConsumedWatts": 120},
    ],
}
REDFISH = {
    "/redfish/v1/": {
        "@odata.id": "/redfish/v1/",
        "RedfishVersion": "1.15.0",
        "Chassis": {"@odata.id": _CHASSIS},
    },
    _CHASSIS: {
        "@odata.id": _CHASSIS,
        "Members": [{"@odata.id": f"{_CHASSIS}/1U"}, {"@odata.id": f"{_CHASSIS}/GPU"}],
    },
    f"{_CHASSIS}/1U": {
        "@odata.id": f"{_CHASSIS}/1U",
        "Id": "1U",
        "ChassisType": "RackMount",
        "EnvironmentMetrics": {"@odata.id": f"{_CHASSIS}/1U/EnvironmentMetrics"},
        "Power": {"@odata.id": f"{_CHASSIS}/1U/Power"},
    },
    f"{_CHASSIS}/GPU": {
        "@odata.id": f"{_CHASSIS}/GPU",
        "Id": "GPU",
        "ChassisType": "Module",
        "EnvironmentMetrics": {"@odata.id": f"{_CHASSIS}/GPU/EnvironmentMetrics"},
    },
    f"{_CHASSIS}/GPU/EnvironmentMetrics": {
        "@odata.id": f"{_CHASSIS}/GPU/EnvironmentMetrics",
        "PowerWatts": {"Reading": 231.9},
    },
    f"{_CHASSIS}/1U/EnvironmentMetrics": ENVIRONMENT,
    f"{_CHASSIS}/1U/Power": POWER,
}


def dcgm(joules: float) -> str:
    return f'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu="0",Hostname="h"}} {joules * 1000:.0f}\n'
