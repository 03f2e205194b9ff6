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


@cli.command()
@click.argument("prompt")
@click.option("--max-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True)
@click.option("--seed", type=int, help="For the same answer at a temperature above 0.")
@click.option("--experts-per-token", type=click.IntRange(0), help="Default: the model's own.")
def generate(
    prompt: str,
    max_tokens: int,
    temperature: float,
    seed: int | None,
    experts_per_token: int | None,
) -> None:
    """Answer PROMPT here, then say the tokens, the joules and the experts that it took."""
    from engine.generate import run
    from engine.runtime.protocol import SamplingParams

    settings = Settings()
    if experts_per_token is not None:
        settings = settings.model_copy(update={"experts_per_token": experts_per_token})
    run(settings, prompt, SamplingParams(max_tokens, temperature, seed=seed))


if __name__ == "__main__":
    cli(prog_name="python -m engine")
