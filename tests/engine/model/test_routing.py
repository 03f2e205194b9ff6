"""The carved mixture against its formula, and files that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from engine.model.batch import Chunk
from engine.model.carved_experts import CarvedFeedForward
from engine.model.errors import ModelFileError
from engine.model.gguf_config import gguf_config
from engine.model.gguf_file import GgufFile
from engine.model.gguf_weights import GgufWeights
from engine.model.holder import Holder
from engine.model.load import load
from engine.model.model import Model
from engine.model.routing import Carving, Routing
from engine.model.tokenizer import Tokenizer
from engine.model.weights import LayerWeights
from tests.engine.model.reference import EXPERT, ROUTED, SHARED, write_carving


@pytest.fixture(scope="module")
def carved(gguf_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_carving(tmp_path_factory.mktemp("carved") / "c.safetensors", gguf_path)


@pytest.fixture(scope="module")
def mixture(gguf_path: Path, carved: Path) -> Model:
    return load(gguf_path, carved, "float32")


def formula(
    path: Path, weights: GgufFile, layer: int, x: NDArray[np.float64], wanted: int
) -> NDArray[np.float64]:
    """One token's feed-forward as the carved file's description says it, neuron by neuron."""
    with safe_open(path, "pt") as file:
        count = int(file.get_tensor("experts_per_layer")[wanted, layer])
        names = [name for name in file.keys() if name != "experts_per_layer"]  # noqa: SIM118
        part = {name: file.get_tensor(name)[layer].double().numpy() for name in names}
    gate, up, down = (
        weights.tensors[f"blk.{layer}.ffn_{name}.weight"].dequantised().astype(np.float64)
        for name in ("gate", "up", "down")
    )
    scores = part["router_weight"] @ x + part["router_bias"]
    best = sorted(range(ROUTED), key=lambda expert: -scores[expert])[:count]
    order = part["order"].astype(int)
    on = list(order[: SHARED * EXPERT])
    for expert in best:
        first = (SHARED + expert) * EXPERT
        on += list(order[first : first + EXPERT])
    y = np.zeros(len(x))
    for neuron in on:
        a, b = gate[neuron] @ x, up[neuron] @ x
        y += down[:, neuron] * (a / (1 + np.exp(-a)) * b)
    scale = min(1.0, (ROUTED - wanted) / (ROUTED - 24))
    correction = part["correction_b"] @ (part["correction_a"] @ x) + part["correction_bias"]
    return np.asarray(y + scale * correction)


@pytest.mark.parametrize("wanted", [0, 8, 24, 28, 32])
def test_a_layers_output_is_the_formulas(gguf_path: Path, carved: Path, wanted: int) -> None:
    weights = GgufFile(gguf_path)
    config = gguf_config(weights)
    routing = Routing(Carving.read(carved, config, gguf_path), wanted)
    layer_weights = LayerWeights(GgufWeights(weights, config), 7)
    layer = CarvedFeedForward(routing, layer_weights, Holder("float32"))
    x = torch.randn(3, 576, generator=torch.Generator().manual_seed(2))
    y, _ = layer(x)
    for row in range(3):
        expected = formula(carved, weights, 7, x[row].double().numpy(), wanted)
        assert np.allclose(y[row].numpy(), expected, atol=1e-5 * np.abs(expected).max())


def test_each_layer_uses_the_experts_that_the_setting_gives_it(
    mixture: Model, tokenizer: Tokenizer
) -> None:
    ids = tokenizer.encode("The sea is blue and wide")
    mixture.routing.set_per_token(20)
    chosen = mixture.forward([Chunk(ids, 0, [0])], mixture.new_cache(1)).chosen
    assert chosen.shape == (1, 30, ROUTED)
    assert chosen[0].sum(axis=1).tolist() == [21 * len(ids), 19 * len(ids)] * 15


@pytest.mark.parametrize(("asked", "used"), [(None, 24), (0, 0), (32, 32), (99, 32), (-1, 0)])
def test_the_number_of_experts_stays_in_range(mixture: Model, asked: int | None, used: int) -> None:
    mixture.routing.set_per_token(asked)
    assert mixture.routing.per_token == used


def test_fewer_experts_use_fewer_parameters(mixture: Model) -> None:
    active = []
    for wanted in (0, 8, 16, 24, 32):
        mixture.routing.set_per_token(wanted)
        active.append(mixture.active_parameters)
    assert active == sorted(active)
    # 8 experts of 32 neurons with 3 weights for each of 576 inputs, in 30 layers
    assert active[1] - active[0] == 8 * 32 * 3 * 576 * 30


def test_a_carving_of_other_weights_is_refused(
    carved: Path, gguf_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(gguf_path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelFileError, match=r"made for other weights than other\.gguf"):
        Carving.read(carved, gguf_config(GgufFile(gguf_path)), other)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"router_bias": torch.zeros(30, 31)}, "router_bias is"),
        ({"order": torch.zeros(30, 1536, dtype=torch.int16)}, "leaves neurons out"),
        ({"experts_per_layer": torch.full((33, 30), 40, dtype=torch.uint8)}, "more experts than"),
    ],
)
def test_a_damaged_carving_is_refused_in_one_line(
    gguf_path: Path, tmp_path: Path, changes: dict[str, torch.Tensor], problem: str
) -> None:
    path = write_carving(tmp_path / "c.safetensors", gguf_path, **changes)
    with pytest.raises(ModelFileError, match=problem):
        load(gguf_path, path, "float32")


def test_a_file_that_is_no_carving_is_refused(gguf_path: Path, tmp_path: Path) -> None:
    (tmp_path / "c.safetensors").write_bytes(b"nonsense" * 10)
    with pytest.raises(ModelFileError, match="cannot be used"):
        load(gguf_path, tmp_path / "c.safetensors", "float32")
