"""Folders that cannot be used: one clear line, the file named."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.model.errors import ModelFileError
from engine.model.load import load
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.variants import VARIANTS

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sharded mixture."""
    path = tmp_path_factory.mktemp("whole")
    variant = next(v for v in VARIANTS if v.sharded and "MoE" in v.family)
    checkpoint.write(variant, path)
    return path


def shard(folder: Path) -> Path:
    """The file of the first layer's query projection."""
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    return folder / str(index["weight_map"]["model.layers.0.self_attn.q_proj.weight"])


def remove_shard(folder: Path) -> None:
    shard(folder).unlink()


def cut_shard(folder: Path) -> None:
    shard(folder).write_bytes(shard(folder).read_bytes()[:-10])


def no_safetensors(folder: Path) -> None:
    shard(folder).write_bytes(b"version https://git-lfs.github.com/spec/v1\n" * 3)


def changed(change: Callable[[Tensor], Tensor]) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(shard(folder))
        name = "model.layers.0.self_attn.q_proj.weight"
        tensors[name] = change(tensors[name]).contiguous()
        save_file(tensors, shard(folder))

    return damage


def with_nan(tensor: Tensor) -> Tensor:
    return tensor.index_fill(0, torch.tensor([1]), float("nan"))


def with_infinity(tensor: Tensor) -> Tensor:
    return tensor.index_fill(1, torch.tensor([0]), float("inf"))


def leave_out(folder: Path) -> None:
    tensors = load_file(shard(folder))
    del tensors["model.layers.0.self_attn.q_proj.weight"]
    save_file(tensors, shard(folder))


def break_index(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text("{")


def only_pickles(folder: Path) -> None:
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"x")


def no_weights(folder: Path) -> None:
    for path in folder.glob("*.safetensors*"):
        path.unlink()


def foreign_quantisation(folder: Path) -> None:
    raw = json.loads((folder / "config.json").read_text())
    raw["quantization_config"] = {"quant_method": "awq"}
    (folder / "config.json").write_text(json.dumps(raw))


def unknown_architecture(folder: Path) -> None:
    raw = json.loads((folder / "config.json").read_text())
    raw["architectures"] = ["MambaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_shard, "model-.*safetensors cannot be read: No such file"),
        (cut_shard, "model-.*safetensors is not a complete safetensors file .*runs past the end"),
        (no_safetensors, "model-.*safetensors is not a complete safetensors file"),
        (changed(lambda t: t[:-1]), "model-.*: model.layers.0.self_attn.q_proj.weight gives"),
        (changed(with_nan), "model-.*q_proj.weight holds NaN or infinity"),
        (changed(with_infinity), "model-.*q_proj.weight holds NaN or infinity"),
        (changed(lambda t: t.to(torch.int32)), "model-.*q_proj.weight is stored as int32"),
        (leave_out, "model-.* lacks model.layers.0.self_attn.q_proj.weight; fetch it again"),
        (break_index, "index.json is broken"),
        (only_pickles, "pytorch_model.bin, a format that can run code"),
        (no_weights, "has no weights"),
        (foreign_quantisation, "quant_method is 'awq'; this engine reads"),
        (unknown_architecture, "is of MambaForCausalLM; this engine runs"),
    ],
)
def test_what_is_damaged_is_told_in_one_line(
    whole: Path, tmp_path: Path, damage: Damage, message: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    damage(folder)
    with pytest.raises(ModelFileError) as raised:
        load(folder, None, "float32")
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)
    assert str(folder) in str(raised.value)
