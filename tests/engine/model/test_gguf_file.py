from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.model.config import Attention, Block, Dense, Rotary
from engine.model.errors import ModelFileError
from engine.model.gguf_config import gguf_config
from engine.model.gguf_file import GgufFile
from tests.engine.model.reference import write_gguf_tensor


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


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_each_kind_of_tensor_reads_as_the_gguf_package_reads_it(tmp_path: Path, kind: str) -> None:
    path = small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType[kind])
    theirs = gguf.GGUFReader(path).tensors[0]
    expected = gguf.dequantize(theirs.data, theirs.tensor_type).astype(np.float32)

    tensor = GgufFile(path).tensors["x.weight"]

    assert tensor.shape == (4, 64)
    assert np.array_equal(tensor.dequantised(), expected.reshape(4, 64))


def written(path: Path, kind: str, blocks: list[int]) -> NDArray[np.float32]:
    """What is read of one row that is stored as these bytes."""
    tensor = write_gguf_tensor(path, kind, np.array([blocks], np.uint8))
    return np.asarray(tensor.dequantised()[0])


ONE, HALF, TWO = [0x00, 0x3C], [0x00, 0x38], [0x00, 0x40]  # in 16-bit floating point


def test_q4_k_is_scale_times_number_less_offset(tmp_path: Path) -> None:
    # Block 0 has scale 2 and offset 3, block 5 has scale 37 = 0b10_0101 and offset 20 = 0b01_0100,
    # whose upper two bits are in the bytes of blocks 0 to 3.
    scales = [0] * 12
    scales[0], scales[1] = 2, 0b10_000000
    scales[4], scales[5] = 3, 0b01_000000
    scales[9] = 0b0100_0101
    numbers = [0] * 128
    numbers[0] = 5  # block 0, place 0: the low half
    numbers[64] = 9 << 4  # block 5, place 0: the high half
    values = written(tmp_path / "x.gguf", "Q4_K", ONE + HALF + scales + numbers)
    assert values[0] == 1 * 2 * 5 - 0.5 * 3
    assert values[5 * 32] == 1 * 37 * 9 - 0.5 * 20


def test_q6_k_is_scale_times_number_less_32(tmp_path: Path) -> None:
    low, high, scales = [0] * 128, [0] * 64, [7] + [0] * 15
    low[0], high[0] = 0b1011, 0b01  # together 0b01_1011 = 27
    values = written(tmp_path / "x.gguf", "Q6_K", low + high + scales + TWO)
    assert values[0] == 2 * 7 * (27 - 32)


def test_metadata_keeps_text_lists_and_numbers(tmp_path: Path) -> None:
    read = GgufFile(small_file(tmp_path / "x.gguf", gguf.GGMLQuantizationType.F32)).metadata
    assert (read["a.text"], read["a.list"], read["a.number"]) == ("été", [1, 2, 3], 0.5)


def test_the_default_weights_describe_smollm2(gguf_path: Path) -> None:
    config = gguf_config(GgufFile(gguf_path))
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
        gguf_config(GgufFile(tmp_path / "x.gguf"))


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
        gguf_config(file)
    except ModelFileError:
        pass
