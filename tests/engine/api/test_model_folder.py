"""A folder as Hugging Face ships it, and a GGUF file, served: loaded, answered from, metered."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from db.settings import Settings
from tests.engine.api.gateway import Gateway
from tests.engine.model.parity import checkpoint, gguf_checkpoint
from tests.engine.model.parity.gguf_variants import VARIANTS as GGUF_VARIANTS
from tests.engine.model.parity.variants import VARIANTS
from tests.engine.model.test_tokenizer_json import write as write_tokenizer


def write_folder(path: Path) -> None:
    write_tokenizer(path)
    variant = next(v for v in VARIANTS if v.family == "Qwen3-MoE")
    checkpoint.write(replace(variant, options={**variant.options, "vocab_size": 512}), path)


def write_gguf(path: Path) -> None:
    path.parent.mkdir(parents=True)
    variant = next(v for v in GGUF_VARIANTS if v.architecture == "qwen3moe")
    gguf_checkpoint.write(variant, path.parent)
    (path.parent / "tiny.gguf").rename(path)


@pytest.fixture(scope="module", params=["folder", "folder, experts on disk", "file"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A small random Qwen3-MoE under the name tiny-moe, in the home's models."""
    home = tmp_path_factory.mktemp("home")
    in_file = request.param == "file"
    (write_gguf if in_file else write_folder)(home / "models" / f"tiny-moe{'.gguf' * in_file}")
    settings = Settings(
        home=home,
        model="tiny-moe.gguf" if in_file else "tiny-moe",
        precision="int8",
        offload="disk" in request.param,
    )
    gateway = Gateway(settings)
    yield gateway
    gateway.stop()


def test_a_folder_answers_and_is_metered(served: Gateway) -> None:
    answer = served.client().chat.completions.create(
        model="tiny-moe",
        messages=[{"role": "user", "content": "Hello"}],
        max_tokens=12,
        temperature=2.0,
        seed=1,
    )
    assert answer.usage
    row = served.closed_row(int(answer.id.removeprefix("chatcmpl-"), 16))
    assert row["status"] == "ok"
    assert row["output_tokens"] == answer.usage.completion_tokens > 0
    assert row["energy_j"] > 0


def test_it_is_the_model_that_is_listed(served: Gateway) -> None:
    assert [model.id for model in served.client().models.list()] == ["tiny-moe"]
    with pytest.raises(openai.NotFoundError):
        served.client().models.retrieve("smollm2-135m-instruct")
