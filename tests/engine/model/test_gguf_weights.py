"""GGUF files that cannot be used: one clear line, the file and the tensor named."""

import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.errors import ModelFileError
from engine.model.gguf_file import GgufFile
from engine.model.load import load
from tests.engine.model.parity import gguf_checkpoint
from tests.engine.model.parity.gguf_variants import VARIANTS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small mixture in several files."""
    folder = tmp_path_factory.mktemp("whole")
    variant = next(one for one in VARIANTS if one.tensors_a_file)
    return gguf_checkpoint.write(variant, folder)[0]


def file_of(path: Path, tensor: str) -> Path:
    return GgufFile(path).tensors[tensor].file.path


def write_nan(path: Path, tensor: str) -> None:
    found = GgufFile(path).tensors[tensor]
    content = bytearray(found.file.path.read_bytes())
    content[found.start : found.start + 2] = b"\xff\x7f"  # the first block's scale
    found.file.path.write_bytes(content)


def set_number(path: Path, key: str, value: int) -> None:
    """Changes an entry of the header; numbers are a type of 4 bytes and 4 bytes."""
    content = bytearray(path.read_bytes())
    at = content.index(key.encode()) + len(key) + 4
    content[at : at + 4] = struct.pack("<I", value)
    path.write_bytes(content)


def rename(path: Path, old: str, new: str) -> None:
    for part in path.parent.glob("*.gguf"):
        part.write_bytes(part.read_bytes().replace(old.encode(), new.encode()))


def remove_a_part(path: Path) -> None:
    path.with_name("tiny-00002-of-00004.gguf").unlink()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a part missing": (remove_a_part, r"tiny-00002-of-00004.gguf cannot be read: No such file"),
    "other names": (
        lambda path: path.rename(path.with_name("renamed.gguf")),
        r"renamed.gguf is the first of 4 files, whose names must end in -00001-of-00004.gguf",
    ),
    "NaN in an expert": (
        lambda path: write_nan(path, "blk.1.ffn_up_exps.weight"),
        r"0000\d-of-00004.gguf: blk.1.ffn_up_exps.weight holds NaN or infinity; fetch it again",
    ),
    "a tensor missing": (
        lambda path: rename(path, "blk.2.attn_q.weight", "blk.2.attn_x.weight"),
        r"00001-of-00004.gguf has no tensor blk.2.attn_q.weight; fetch it again",
    ),
    "experts of another shape": (
        lambda path: set_number(path, "llama.expert_count", 4),
        r"blk.0.ffn_gate_inp.weight gives \[8, 64\], the file's header needs \[4, 64\]",
    ),
    "more experts a token than there are": (
        lambda path: set_number(path, "llama.expert_used_count", 9),
        r"gguf: llama.expert_used_count is 9, but there are 8 experts",
    ),
    "no epsilon": (
        lambda path: rename(path, "layer_norm_rms_epsilon", "layer_norm_rms_epsilox"),
        r"gguf: llama.attention.layer_norm_rms_epsilon is missing",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_told_in_one_line(whole: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(whole.parent, tmp_path / "copy")
    harm, message = DAMAGES[damage]
    harm(tmp_path / "copy" / whole.name)
    with pytest.raises(ModelFileError, match=message) as raised:
        load(min((tmp_path / "copy").glob("*.gguf")), precision="bfloat16")
    assert "\n" not in str(raised.value)


def test_a_compiled_model_with_nan_is_refused(gguf_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(gguf_path, tmp_path))
    write_nan(copy, "blk.3.ffn_gate.weight")
    with pytest.raises(ModelFileError, match=re.escape("blk.3.ffn_gate.weight holds NaN")):
        load(copy, precision="int4")


def test_a_compiled_model_of_another_shape_is_refused(gguf_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(gguf_path, tmp_path))
    set_number(copy, "llama.feed_forward_length", 1024)
    with pytest.raises(ModelFileError, match=r"ffn_gate.weight gives \[1536, 576\]"):
        load(copy, precision="int4")
