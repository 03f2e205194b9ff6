"""What a test runs in a process of its own, where a driver's library is a small one of ours."""


def meter_script(module: str, meter: str) -> str:
    """Reads a meter while the bench's boards change, and prints what it told.

    Arguments of the script: the boards' folder, and a JSON list of (time, each board's line).
    """
    return f"""
import json, sys
from pathlib import Path
from {module} import {meter}
from engine.energy.meters import MeterError

bench, now, told = Path(sys.argv[1]), 0.0, []
try:
    meter = {meter}(clock=lambda: now)
    told.append(meter.detail())
    for now, boards in json.loads(sys.argv[2]):
        for number, line in enumerate(boards):
            (bench / str(number)).write_text(line)
        try:
            told.append({{d: [c.joules, c.epoch] for d, c in meter.read().items()}})
        except MeterError as error:
            told.append(str(error))
except MeterError as error:
    told.append(str(error))
print(json.dumps(told))
"""
