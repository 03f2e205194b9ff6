"""`python -m engine generate | serve`."""

import click

from db.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The engine without the dashboard."""


@cli.command()
@click.option("--host", help="Address to listen on. Default: BREAKEVEN_HOST, else localhost.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: BREAKEVEN_PORT, else 8501.")
def serve(host: str | None, port: int | None) -> None:
    """Run gateway and engine: the API at /v1, without the dashboard."""
    from engine.serve import run

    given = {"host": host, "port": port}
    run(Settings().model_copy(update={k: v for k, v in given.items() if v is not None}))


if __name__ == "__main__":
    cli(prog_name="python -m engine")
