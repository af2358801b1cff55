"""An encoder's file to its network on an executor; on ONNX Runtime, graphs are traced once and read from a cache."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dora_primespeech_mlx.nets.dimensions.written import as_json, from_json
from dora_primespeech_mlx.runtime.factory import require_mlx
from dora_primespeech_mlx.runtime.memory import release
from dora_primespeech_mlx.runtime.onnx.cache import GraphCache, key_of
from dora_primespeech_mlx.runtime.onnx.graph import StoredGraph
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.weights.source import CheckpointError
from dora_primespeech_mlx.weights.whole import read_whole, stamps_of

if TYPE_CHECKING:
    import mlx.core as mx

    from dora_primespeech_mlx.runtime.trace.record import Input


@dataclass(frozen=True)
class Ready:
    """An encoder ready to run: its dimensions, and the network as a function of NumPy arrays."""

    config: Any
    run: Callable[..., np.ndarray]


@dataclass(frozen=True)
class EncoderFile:
    """Weights of an encoder.

    Attributes:
        kind: "hubert", "roberta", "speaker" or "content".
        path: the weights; what they do not tell lies beside them as JSON.
        how: the command that makes them.
    """

    kind: str
    path: Path
    how: str

    def network(self, precision: str = "fp32") -> Any:
        """The network in MLX with its weights, in "fp32" or "fp16".

        Raises:
            CheckpointError: the files are damaged.
            ImportError: MLX is not installed.
        """
        require_mlx(f"{self.path} cannot be traced")
        import mlx.core as mx

        from dora_primespeech_mlx.weights.dimensions import encoder_settings
        from dora_primespeech_mlx.weights.official import check_numbers, of_file
        from dora_primespeech_mlx.weights.official_encoders import build_encoder, own_names

        path = self.path
        try:
            settings, (stored,) = read_whole(path.parent, self.manifest.name, (path.name,))
            with of_file(path):
                weights = own_names(self.kind, stored)
                network = build_encoder(self.kind, weights, encoder_settings(settings))
                if path.name not in stamps_of(settings):
                    check_numbers(weights)
        except CheckpointError as error:
            raise CheckpointError(f"{path} cannot be used: {error}; make it anew: {self.how}") from error
        except ValueError as error:
            raise CheckpointError(f"{error}; make the encoder anew: {self.how}") from error
        dtype = mx.float16 if precision == "fp16" else mx.float32
        network.load_weights([(name, mx.array(value).astype(dtype)) for name, value in weights.items()], strict=True)
        mx.eval(network.parameters())
        return network

    @property
    def manifest(self) -> Path:
        """What the weights do not tell."""
        return self.path.with_suffix(".json")

    def on_mlx(self, precision: str) -> Ready:
        """On MLX; the precision is RoBERTa's, for the others decide codes and timbre. Errors as `network`."""
        network = self.network(precision if self.kind == "roberta" else "fp32")
        return Ready(network.config, _on_mlx(network))

    def on_onnx(self, precision: str, threads: int | None, cache: Path | None) -> Ready:
        """On ONNX Runtime; arguments as of `encoders.Encoders`. Errors as `network`."""
        if self.kind == "speaker":
            network = self.network()
            return Ready(network.config, _by_shape(network, threads))
        rounded = self.kind == "roberta" and precision == "int8"
        graphs = None if cache is None else GraphCache(cache)
        key = graphs and self._key(graphs, "int8" if rounded else "fp32")
        found = graphs.read(key) if graphs and key else None
        if found is None:
            found = self._traced(rounded)
            if graphs and key and graphs.write(key, *found):
                found = graphs.read(key) or found
            release()
        said, stored = found
        session = OnnxFunction(stored[self.kind], threads)
        return Ready(from_json(said["config"]), lambda *arrays: session(*arrays)[0])

    def _key(self, graphs: GraphCache, precision: str) -> str | None:
        """What the graphs are kept under; None for files that are not what they were written as."""
        digest = graphs.content(self.path.parent, self.manifest.name, (self.path.name,))
        return key_of(self.kind, precision, *digest) if digest else None

    def _traced(self, rounded: bool) -> tuple[dict[str, Any], dict[str, StoredGraph]]:
        network = self.network()
        from dora_primespeech_mlx.runtime.onnx.fitting import for_this_computer
        from dora_primespeech_mlx.runtime.onnx.quantise import quantise
        from dora_primespeech_mlx.runtime.onnx.translate import translate

        graph = translate(network, inputs_of(self.kind, network.config, "texts", "length"), ["features"])
        graph = for_this_computer(quantise(graph, "channels")) if rounded else graph
        return {"config": as_json(network.config)}, {self.kind: graph.stored()}


def inputs_of(kind: str, config: Any, batch: int | str, length: int | str) -> list["Input"]:
    """Inputs of a network; a name in place of a size leaves it open. Content encoders take one recording at a time."""
    import mlx.core as mx

    from dora_primespeech_mlx.runtime.trace.record import Input

    if kind == "roberta":
        return [Input("ids", (batch, length), mx.int32), Input("mask", (batch, length))]
    if kind == "content":
        return [Input("banks", (1, length, config.windows * config.bands)), Input("mask", (1, length))]
    first = config.step // config.strides[0]
    return [
        Input("samples", (1, length, config.step)),
        Input("first_mask", (1, length, first)),
        Input("mask", (1, length)),
    ]


def _on_mlx(network: "Callable[..., mx.array]") -> Callable[..., np.ndarray]:
    import mlx.core as mx

    def run(*arrays: np.ndarray) -> np.ndarray:
        return np.array(network(*map(mx.array, arrays)).astype(mx.float32))

    return run


def _by_shape(network: "Callable[..., mx.array]", threads: int | None) -> Callable[..., np.ndarray]:
    """On ONNX Runtime, traced anew for each shape: strided images do not follow their length in a plain rule."""
    from dora_primespeech_mlx.runtime.onnx.translate import translate
    from dora_primespeech_mlx.runtime.trace.record import Input

    def run(images: np.ndarray) -> np.ndarray:
        inputs = [Input("images", images.shape)]
        return OnnxFunction(translate(network, inputs, ["features"]), threads)(images)[0]

    return run
