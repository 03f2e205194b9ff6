"""A model folder as Hugging Face lays it out (safetensors, one file or many), as Weights."""

from pathlib import Path

from torch import Tensor

from engine.model.config import Experts
from engine.model.config_file import read_config, read_json
from engine.model.dequantise import mxfp4
from engine.model.errors import ModelFileError
from engine.model.families.naming import ExpertLayout, Fused, Half, Mxfp4, PerExpert, Source
from engine.model.safetensors_file import SafetensorsFile
from engine.model.shapes import expert_shapes, shape_of
from engine.model.stored import StoredTensors
from engine.model.tensor_check import TensorCheck
from engine.model.weights import ExpertWeights

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_PICKLED = {".bin", ".pt", ".pth", ".ckpt"}


class Folder:
    """The weights of a folder.

    Opening reads the headers alone. Each tensor is checked for NaN and infinity when it is first
    read: in one pass over bytes that are about to be read anyway, so that opening a model larger
    than memory stays instant. Raises ModelFileError where a file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        raw, self._family, self.config = read_config(path)
        self._stored = StoredTensors(path, _open_files(path), raw.get("quantization_config"))
        self._check = TensorCheck("config.json")

    def tensor(self, name: str) -> Tensor:
        sources = self._family.sources(name)
        shape = shape_of(self.config, name)
        if not sources or shape is None:
            raise ModelFileError(f"{self.source} has no {name}: its architecture has none.")
        source = next((one for one in sources if _stored_name(one) in self._stored), sources[0])
        return self._checked(self._read(source), shape, _stored_name(source))

    def expert(self, layer: int, expert: int) -> ExpertWeights:
        experts = self.config.blocks[layer].feed_forward
        assert isinstance(experts, Experts), f"layer {layer} is dense"
        layout = self._layout(layer, expert)
        shapes = expert_shapes(experts, self.config.hidden)
        wanted = [part for part in shapes if experts.bias or not part.endswith("_bias")]
        parts = self._expert_parts(layout, expert)
        for part in wanted:
            if part not in parts:
                raise ModelFileError(f"{self.source} has no {part} of layer {layer}'s experts.")
        return ExpertWeights(
            **{
                part: self._checked(tensor, shapes[part], name, expert)
                for part, (name, tensor) in parts.items()
                if part in wanted
            }
        )

    def _read(self, source: Source) -> Tensor:
        tensor = self._stored.read(_stored_name(source))
        return tensor.chunk(2)[source.second] if isinstance(source, Half) else tensor

    def _layout(self, layer: int, expert: int) -> ExpertLayout:
        """The family's layout that this folder has, its names filled in."""
        filled = [one.filled(layer, expert) for one in self._family.layouts]
        for layout in filled:
            if layout.names()[0] in self._stored:
                return layout
        raise ModelFileError(
            f"{self.source} has no weights of expert {expert} of layer {layer}: "
            f"{filled[0].names()[0]} is missing."
        )

    def _expert_parts(self, layout: ExpertLayout, expert: int) -> dict[str, tuple[str, Tensor]]:
        """What the layout holds of an expert: by field of ExpertWeights, its name in the file."""
        read = self._stored.read
        if isinstance(layout, PerExpert):
            return {part: (name, read(name)) for part, name in vars(layout).items()}
        if isinstance(layout, Mxfp4):
            both = self._mxfp4(layout.gate_up_blocks, layout.gate_up_scales, expert)
            down = self._mxfp4(layout.down_blocks, layout.down_scales, expert)
            names = layout.gate_up_blocks, layout.down_blocks
        else:
            both, down = read(layout.gate_up, expert), read(layout.down, expert)
            if layout.transposed:
                both, down = both.T, down.T
            names = layout.gate_up, layout.down
        gate, up = _gate_and_up(both, layout.interleaved)
        parts = {"gate": (names[0], gate), "up": (names[0], up), "down": (names[1], down)}
        return parts | self._fused_biases(layout, expert)

    def _mxfp4(self, blocks: str, scales: str, expert: int) -> Tensor:
        return mxfp4(self._stored.raw(blocks, expert), self._stored.raw(scales, expert))

    def _fused_biases(self, layout: Fused | Mxfp4, expert: int) -> dict[str, tuple[str, Tensor]]:
        if layout.gate_up_bias is None or layout.down_bias is None:
            return {}
        both = self._stored.read(layout.gate_up_bias, expert)
        gate, up = _gate_and_up(both, layout.interleaved)
        return {
            "gate_bias": (layout.gate_up_bias, gate),
            "up_bias": (layout.gate_up_bias, up),
            "down_bias": (layout.down_bias, self._stored.read(layout.down_bias, expert)),
        }

    def _checked(
        self, tensor: Tensor, shape: tuple[int, ...], name: str, expert: int = -1
    ) -> Tensor:
        path = self._stored.path(name)
        self._check.shape(tuple(tensor.shape), shape, path, name)
        return self._check.finite(tensor, path, name, expert)


def _open_files(folder: Path) -> dict[str, SafetensorsFile]:
    """The file of every tensor, by the index where there is one."""
    if (folder / _INDEX).exists():
        places = read_json(folder / _INDEX).get("weight_map")
        if not isinstance(places, dict) or not all(isinstance(v, str) for v in places.values()):
            raise ModelFileError(f"{folder / _INDEX} is broken (no weight_map); fetch it again.")
        files = {name: SafetensorsFile(folder / name) for name in sorted(set(places.values()))}
        for tensor, name in places.items():
            if tensor not in files[name].entries:
                raise ModelFileError(f"{folder / name} lacks {tensor}; fetch it again.")
        return {tensor: files[name] for tensor, name in places.items()}
    if (folder / _SINGLE).exists():
        file = SafetensorsFile(folder / _SINGLE)
        return dict.fromkeys(file.entries, file)
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
    if pickled:
        raise ModelFileError(
            f"{folder} has its weights in {pickled[0]}, a format that can run code when it is "
            "opened; fetch the model's safetensors files."
        )
    raise ModelFileError(f"{folder} has no weights: neither {_INDEX} nor {_SINGLE}.")


def _stored_name(source: Source) -> str:
    return source.name if isinstance(source, Half) else source


def _gate_and_up(both: Tensor, interleaved: bool) -> tuple[Tensor, Tensor]:
    if interleaved:
        return both[0::2], both[1::2]
    gate, up = both.chunk(2)
    return gate, up
