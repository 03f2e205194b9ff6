"""What the person who started the server sees in the terminal while the engine comes up."""

import sys

import click

from dashboard import formats
from engine.api.events import EngineState

_BAR_WIDTH = 30


def tell(state: EngineState) -> None:
    """One line a state; a bar that redraws itself while the weights are fetched."""
    if state.name == "fetching" and state.fetched is not None and state.size:
        _bar(state.fetched, state.size)
    elif state.name == "ready":
        click.echo("  The model is ready.")
    elif state.name == "failed":
        click.echo(f"  {state.message}", err=True)


def _bar(fetched: int, size: int) -> None:
    done = fetched >= size
    if not (sys.stdout.isatty() or done):  # a log file needs no bar, only that all is there
        return
    bar = "█" * (_BAR_WIDTH * fetched // size)
    words = f"{formats.size(fetched)} of {formats.size(size)}"
    click.echo(f"\r  Weights {bar:░<{_BAR_WIDTH}} {words}", nl=done)
