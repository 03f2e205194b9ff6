from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.config import Attention, Block, Dense, Rotary
from engine.model.errors import ModelFileError
from engine.model.gguf_file import GgufFile


def small_file(path: Path, kind: gguf.GGMLQuantizationType) -> Path:
    """A file with one tensor of 4 × 64 numbers, written by the `gguf` package."""
    values = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("a.text", "été")
    writer.add_array("a.list", [1, 2, 3])
    writer.add_float32("a.number", 0.5)
    writer.add_tensor("x.weight", gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"])
def test_each_kind_of_tensor_reads_as_the_gguf_package_reads_it(tmp_path: Path, kind: str) -> None:
    path = small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType[kind])
    theirs = gguf.GGUFReader(path).tensors[0]
    expected = gguf.dequantize(theirs.data, theirs.tensor_type).astype(np.float32)

    tensor = GgufFile(path).tensor("x")

    assert tensor.shape == (4, 64)
    assert np.array_equal(tensor.dequantised(), expected.reshape(4, 64))


def test_metadata_keeps_text_lists_and_numbers(tmp_path: Path) -> None:
    read = GgufFile(small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType.F32)).metadata
    assert (read["a.text"], read["a.list"], read["a.number"]) == ("été", [1, 2, 3], 0.5)


def test_the_default_weights_describe_smollm2(gguf_path: Path) -> None:
    config = GgufFile(gguf_path).config()
    assert config.name == "SmolLM2-135M-Instruct"
    assert (config.layers, config.hidden) == (30, 576)
    rotary = Rotary(dim=64, theta=100_000.0, interleaved=True)
    attention = Attention(heads=9, kv_heads=3, head_dim=64, scale=0.125, rotary=rotary)
    assert set(config.blocks) == {Block(attention, Dense(1536))}
    assert (config.context_length, config.vocab_size) == (8192, 49152)


def test_a_missing_file_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.gguf cannot be read: No such file"):
        GgufFile(tmp_path / "nothing.gguf")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"")
    with pytest.raises(ModelFileError, match="it is empty"):
        GgufFile(tmp_path / "x.gguf")


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ModelFileError, match="does not start with GGUF"):
        GgufFile(tmp_path / "x.gguf")


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ModelFileError, match="holds a 'mamba' model; this engine runs 'llama'"):
        GgufFile(tmp_path / "x.gguf").config()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType.Q4_1).read_bytes()
    length = data.draw(st.integers(1, len(whole) - 33))  # its end is padding of up to 32 bytes
    (tmp_path / "cut.gguf").write_bytes(whole[:length])
    with pytest.raises(ModelFileError):
        GgufFile(tmp_path / "cut.gguf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(data=st.data())
def test_damaged_bytes_in_the_header_never_raise_anything_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = bytearray(small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType.Q4_1).read_bytes())
    for at in data.draw(st.lists(st.integers(0, 250), min_size=1, max_size=4)):
        whole[at] = data.draw(st.integers(0, 255))
    (tmp_path / "bad.gguf").write_bytes(whole)
    try:
        file = GgufFile(tmp_path / "bad.gguf")
        for tensor in file.tensors.values():
            tensor.dequantised()
        file.config()
    except ModelFileError:
        pass
