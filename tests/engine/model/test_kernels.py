"""The compiled kernel against numpy and against the torch reference."""

import platform
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.model.batch import Chunk
from engine.model.gguf_file import GgufFile
from engine.model.kernels.build import NoKernel, library
from engine.model.kernels.packing import Arena, Blocks, concatenated, from_gguf, pack, rounded
from engine.model.kernels.products import Products
from engine.model.load import load
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from tests.engine.model.reference import write_carving, write_gguf_tensor

# This machine's own instructions, the AVX2 of most laptops, and plain code for any processor.
TARGETS = ["native", "x86-64-v3", "x86-64"] if platform.machine() == "x86_64" else ["native"]
PROMPT = "Write a list of ten things that one can see from a sailing boat on a summer evening."


def quantised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Activations as the kernel rounds them: to 1/16256 of the largest of each 32."""
    blocks = x.reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / 16256
    return np.asarray((np.rint(blocks / scale) * scale).reshape(x.shape))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("rows", [1, 3, 8, 19])
def test_a_product_is_numpys(kernel_folder: Path, target: str, bits: int, rows: int) -> None:
    random = np.random.default_rng(rows)
    values = random.integers(0, 16 if bits == 4 else 256, (48, 3, 32), dtype=np.uint8)
    scales = random.uniform(0.001, 0.1, (48, 3, 2 if bits == 4 else 1)).astype(np.float16)
    weights = Blocks(bits, values, scales)
    x = random.normal(size=(rows, 96)).astype(np.float32)

    kernel = Products(kernel_folder, threads=2, target=target)
    y = kernel.multiply(pack(weights, Arena()), torch.from_numpy(x), 48).numpy()
    kernel.close()

    expected = quantised(x.astype(np.float64)) @ weights.dequantised().astype(np.float64).T
    assert np.allclose(y, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("kind", ["Q4_1", "Q8_0"])
def test_packed_weights_keep_the_files_numbers(gguf_path: Path, kind: str) -> None:
    name = {"Q4_1": "blk.3.ffn_gate", "Q8_0": "token_embd"}[kind]
    tensor = GgufFile(gguf_path).tensors[f"{name}.weight"]
    theirs = next(t for t in gguf.GGUFReader(gguf_path).tensors if t.name == f"{name}.weight")
    assert tensor.kind == kind
    expected = gguf.dequantize(theirs.data, theirs.tensor_type)
    assert np.array_equal(from_gguf(tensor).dequantised(), expected)


def test_packed_q4_0_keeps_its_numbers(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(32, 64)).astype(np.float32)
    blocks = gguf.quantize(rows, gguf.GGMLQuantizationType.Q4_0)
    packed = from_gguf(write_gguf_tensor(tmp_path / "x.gguf", "Q4_0", blocks))
    assert packed.bits == 4
    expected = gguf.dequantize(blocks, gguf.GGMLQuantizationType.Q4_0)
    assert np.array_equal(packed.dequantised(), expected)


def test_packed_q4_k_rounds_its_scales_to_16_bits_and_no_more(tmp_path: Path) -> None:
    blocks = np.random.default_rng(3).integers(0, 256, (32, 144), dtype=np.uint8)
    blocks[:, :4] = np.frombuffer(np.array([0.01, 0.03], np.float16).tobytes(), np.uint8)
    packed = from_gguf(write_gguf_tensor(tmp_path / "x.gguf", "Q4_K", blocks))
    assert packed.bits == 4
    expected = gguf.dequantize(blocks, gguf.GGMLQuantizationType.Q4_K).reshape(32, 8, 32)
    step, offset = np.split(np.abs(packed.scales.astype(np.float32)), 2, axis=-1)
    error = np.abs(packed.dequantised().reshape(expected.shape) - expected)
    assert (error <= 2**-11 * (15 * step + offset)).all()  # half a unit of float16's last place


def test_rounding_to_8_bits_errs_by_half_a_step_at_most() -> None:
    weights = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)
    blocks = weights.reshape(16, 2, 32)
    step = np.abs(blocks).max(axis=-1, keepdims=True) / 127
    error = np.abs(rounded(weights).dequantised().reshape(blocks.shape) - blocks)
    assert (error <= 0.5 * step + 2e-3 * np.abs(blocks)).all()  # the scale is itself rounded


def test_matrices_of_different_bits_are_joined_in_8() -> None:
    four = Blocks(4, np.full((16, 1, 32), 15, np.uint8), np.ones((16, 1, 2), np.float16))
    eight = rounded(np.ones((16, 32), np.float32))
    joined = concatenated(four, eight)
    assert joined.bits == 8
    assert np.allclose(joined.dequantised(), np.repeat([[16.0], [1.0]], 16, axis=0), rtol=1e-2)


def relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float(((found - exact).square().mean(-1).sqrt() / exact.std(-1)).mean())


def test_the_dense_kernel_is_within_one_percent_of_float32(
    dense_int4: Model, dense_float32: Model, tokenizer: Tokenizer
) -> None:
    ids = tokenizer.encode(PROMPT)
    assert dense_int4.kernel.startswith("C++ (")
    assert relative_error(dense_int4.logits(ids), dense_float32.logits(ids)) < 0.01


def test_the_carved_kernel_with_every_expert_is_as_close_as_bfloat16(
    gguf_path: Path, kernel_folder: Path, dense_float32: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    kernel = load(gguf_path, carved, "int4", 32, kernel_folder=kernel_folder)
    ids = tokenizer.encode(PROMPT)
    # The down projection was rounded to 8 bits, because the new order takes its blocks apart.
    assert relative_error(kernel.logits(ids), dense_float32.logits(ids)) < 0.07


def test_the_kernel_chooses_the_experts_that_torch_chooses(
    gguf_path: Path, kernel_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    chunk = Chunk(tokenizer.encode(PROMPT), 0, [0])
    exact = load(gguf_path, carved, "float32")
    kernel = load(gguf_path, carved, "int4", kernel_folder=kernel_folder)
    expected = exact.forward([chunk], exact.new_cache(1)).chosen
    found = kernel.forward([chunk], kernel.new_cache(1)).chosen
    # Random experts carry rounding errors far, so only the first layer is the same for certain.
    assert found[0, 0].tolist() == expected[0, 0].tolist()
    assert found.sum(axis=2).tolist() == expected.sum(axis=2).tolist()


@pytest.mark.parametrize("per_token", [12, 32])
def test_what_a_request_gets_does_not_depend_on_its_company(
    gguf_path: Path, kernel_folder: Path, tokenizer: Tokenizer, tmp_path: Path, per_token: int
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    model = load(gguf_path, carved, "int4", per_token, threads=2, kernel_folder=kernel_folder)
    texts = [f"{n} {PROMPT}" * (n + 1) for n in range(5)]
    chunks: list[Chunk] = []
    for text in texts:
        ids = tokenizer.encode(text)
        first = sum(len(chunk.blocks) for chunk in chunks)
        chunks.append(Chunk(ids, 0, range(first, first + len(ids) // 32 + 1)))
    together = model.forward(chunks, model.new_cache(64)).logits
    for row, chunk in enumerate(chunks):
        alone = model.logits(chunk.token_ids)[-1]
        assert torch.equal(together[row], alone)  # to the last bit


def test_a_long_prompt_in_any_pieces_gives_the_same_bits(
    dense_int4: Model, tokenizer: Tokenizer
) -> None:
    ids = tokenizer.encode(PROMPT * 20)
    blocks = list(range(len(ids) // 32, -1, -1))
    cache = dense_int4.new_cache(len(blocks))
    start = 0
    for size in (1, 40, 7, len(ids)):
        last = dense_int4.forward([Chunk(ids[start : start + size], start, blocks)], cache).logits
        start += size
    assert torch.equal(last[0], dense_int4.logits(ids)[-1])


def test_one_thread_and_two_give_the_same_bits(
    gguf_path: Path, kernel_folder: Path, dense_int4: Model, tokenizer: Tokenizer
) -> None:
    ids = tokenizer.encode(PROMPT)
    single = load(gguf_path, None, "int4", threads=1, kernel_folder=kernel_folder)
    assert torch.equal(single.logits(ids), dense_int4.logits(ids))


def test_a_compiled_kernel_is_used_again(kernel_folder: Path) -> None:
    library(kernel_folder)
    before = {file: file.stat().st_mtime_ns for file in kernel_folder.glob("*.so")}
    library(kernel_folder)
    assert {file: file.stat().st_mtime_ns for file in kernel_folder.glob("*.so")} == before


def test_without_a_compiler_torch_serves_and_says_so(
    gguf_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    model = load(gguf_path, None, "int4", kernel_folder=tmp_path)
    assert model.kernel == "torch (no C++ compiler was found (g++ or clang++))"
    assert model.precision == "bfloat16"
    assert model.logits([1, 2, 3]).shape == (3, 49152)


def test_a_compiler_that_fails_is_reported_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "g++"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'no such header' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:/bin:/usr/bin")
    with pytest.raises(NoKernel, match="compiling it failed: no such header"):
        library(tmp_path / "kernels")
    assert list((tmp_path / "kernels").iterdir()) == []
