"""`python -m engine calibrate | generate | inspect | meters | serve`."""

from typing import Any

import click

from db.settings import Settings, options_table, settings
from engine.model.precision import PRECISIONS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The engine without the dashboard."""


model_option = click.option(
    "--model", help="Folder, GGUF file or name. Default: BREAKEVEN_MODEL, else the embedded model."
)
precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="How weights are held. Default: BREAKEVEN_PRECISION, else by the model's files.",
)
offload_option = click.option(
    "--offload",
    is_flag=True,
    default=None,
    help="Leave routed experts on disk and read those that are chosen.",
)


def _settings(**given: Any) -> Settings:
    """The environment's settings with what was given on the command line."""
    return settings().model_copy(update={k: v for k, v in given.items() if v is not None})


@cli.command()
@model_option
@precision_option
@offload_option
@click.option("--host", help="Address to listen on. Default: BREAKEVEN_HOST, else localhost.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: BREAKEVEN_PORT, else 8501.")
def serve(**given: Any) -> None:
    """Run gateway and engine: the API at /v1, without the dashboard."""
    from engine.serve import run

    run(_settings(**given))


@cli.command()
@click.argument("model")
def inspect(model: str) -> None:
    """Say what MODEL is and what hardware holds it, without loading its weights."""
    from engine.inspect import run

    run(settings(), model)


@cli.command()
def options() -> None:
    """List every option: its environment variable, its name in breakeven.toml, what it means."""
    click.echo(options_table())


@cli.command()
def meters() -> None:
    """Say which energy meters work here, why others do not, and what they read now."""
    from engine.meters_command import run

    run(settings())


@cli.command()
@model_option
@precision_option
@offload_option
@click.option("--experts-per-token", type=click.IntRange(0), help="Default: the model's own.")
def calibrate(**given: Any) -> None:
    """Measure what steps cost here, about a minute: requests share the energy by it."""
    from engine.calibrate_energy import run

    run(_settings(**given))


@cli.command()
@click.argument("prompt")
@model_option
@precision_option
@offload_option
@click.option("--max-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True)
@click.option("--seed", type=int, help="For the same answer at a temperature above 0.")
@click.option("--experts-per-token", type=click.IntRange(0), help="Default: the model's own.")
def generate(
    prompt: str, max_tokens: int, temperature: float, seed: int | None, **given: Any
) -> None:
    """Answer PROMPT here, then say the tokens, the joules and the experts that it took."""
    from engine.generate import run
    from engine.runtime.protocol import SamplingParams

    run(_settings(**given), prompt, SamplingParams(max_tokens, temperature, seed=seed))


if __name__ == "__main__":
    cli(prog_name="python -m engine")
