"""The meters of this machine and those that BREAKEVEN_METERS names, for commands."""

import sys

import click

from db.settings import Settings
from engine.energy.meter_set import MeterSet, detect
from engine.energy.remote.config import MeterSettingError, read_meters
from engine.energy.remote.meter import open_meters


def machine_meters(settings: Settings) -> MeterSet:
    """Exits 1 with one line where the setting of meters by URL cannot be used."""
    try:
        remote = open_meters(read_meters(settings.meters))
    except MeterSettingError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    return detect(settings.cpu_tdp_w, remote)
