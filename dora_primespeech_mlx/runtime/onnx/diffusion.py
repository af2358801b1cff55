"""The s2 network of v3 and v4 on ONNX Runtime: the stages of the MLX network traced, each with open lengths."""

from collections.abc import Generator, Sequence
from functools import cached_property

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.diffusion import modulation_row
from dora_primespeech_mlx.runtime.memory import release
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.quantise import quantise
from dora_primespeech_mlx.runtime.onnx.session import Function, OnnxFunction
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input

STAGES = ("_timbre", "_features", "_condition", "_velocity", "_vocoder")


def timbre_graph(model: DiffusionSovits) -> Graph:
    """Spectrum [1, T, bins] to timbre [1, 1, gin]."""
    return translate(model.style, [Input("spectrum", (1, "frames", model.config.spectrum_bins))], ["ge"])


def features_graph(model: DiffusionSovits) -> Graph:
    """Codes [1, T], phones [1, S], ge [1, 1, gin] and positions [F] to features [1, F, C]."""
    inputs = [
        Input("codes", (1, "codes"), mx.int32),
        Input("phones", (1, "phones"), mx.int32),
        Input("ge", (1, 1, model.config.gin)),
        Input("lower", ("out",), mx.int32),
        Input("upper", ("out",), mx.int32),
        Input("weight", ("out",)),
    ]

    def features(codes: mx.array, phones: mx.array, ge: mx.array, *positions: mx.array) -> mx.array:
        return model.features(codes, phones, ge, (positions[0], positions[1], positions[2]))

    return translate(features, inputs, ["features"])


def condition_graph(model: DiffusionSovits) -> Graph:
    """Features [1, T, C] and prompt [1, T, bands] to what all steps share [1, T, dim]."""
    dit = model.config.dit
    inputs = [Input("features", (1, "frames", dit.text)), Input("prompt", (1, "frames", dit.mel))]
    return translate(model.estimator.condition, inputs, ["condition"])


def velocity_graph(model: DiffusionSovits, precision: str = "fp32") -> Graph:
    """State [1, T, bands], condition [1, T, dim] and row of the step [1] to velocity [1, T, bands]."""
    dit = model.config.dit
    inputs = [
        Input("x", (1, "frames", dit.mel)),
        Input("condition", (1, "frames", dit.dim)),
        Input("row", (1,), mx.int32),
    ]
    graph = translate(model.estimator.velocity, inputs, ["velocity"])
    return quantise(graph) if precision == "int8" else graph


def mel_vocoder_graph(model: DiffusionSovits) -> Graph:
    """Log mel [1, F, bands] to samples [1, F * hop]."""
    return translate(model.dec, [Input("mel", (1, "frames", model.config.dit.mel))], ["samples"])


class OnnxDiffusionRunner:
    """v3 and v4 on ONNX Runtime; see `runtime.interface.DiffusionRunner`."""

    def __init__(self, model: DiffusionSovits, precision: str = "fp32", threads: int | None = None):
        """Holds the network; a stage is traced by `prepare`, or when first used.

        Args:
            model: with float32 weights, evaluated.
            precision: of the transformer's products, "fp32" or "int8".
            threads: None for `onnx_session.default_threads`.
        """
        self.config, self.streams = model.config, False
        self._model: DiffusionSovits | None = model
        self._precision, self._threads = precision, threads

    @property
    def _network(self) -> DiffusionSovits:
        if self._model is None:
            raise RuntimeError("All stages are traced; there is no network any more.")
        return self._model

    @cached_property
    def _timbre(self) -> Function:
        return OnnxFunction(timbre_graph(self._network), self._threads)

    @cached_property
    def _features(self) -> Function:
        return OnnxFunction(features_graph(self._network), self._threads)

    @cached_property
    def _condition(self) -> Function:
        return OnnxFunction(condition_graph(self._network), self._threads)

    @cached_property
    def _velocity(self) -> Function:
        return OnnxFunction(velocity_graph(self._network, self._precision), self._threads)

    @cached_property
    def _vocoder(self) -> Function:
        return OnnxFunction(mel_vocoder_graph(self._network), self._threads)

    def prepare(self) -> None:
        """See `runtime.interface.DiffusionRunner`; 32-bit weights that 8-bit ones stand for are let go."""
        for stage in STAGES:
            getattr(self, stage)
        self._model = None
        release()

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        bins = self.config.spectrum_bins
        return np.mean([self._timbre(spectrum[None, :, :bins].astype(np.float32))[0][0, 0] for spectrum in spectra], 0)

    def features(
        self, codes: np.ndarray, phones: np.ndarray, ge: np.ndarray, positions: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        return self._features(codes.astype(np.int32)[None], phones.astype(np.int32)[None], ge[None, None], *positions)[
            0
        ][0]

    def sample(
        self,
        noise: np.ndarray,
        features: np.ndarray,
        prompt: np.ndarray,
        steps: int,
    ) -> Generator[None, None, np.ndarray]:
        """See `runtime.interface.DiffusionRunner`."""
        known = len(prompt)
        (condition,) = self._condition(features[None], np.pad(prompt, ((0, len(noise)), (0, 0)))[None])
        x = np.pad(noise, ((known, 0), (0, 0)))[None]
        for step in range(steps):
            (velocity,) = self._velocity(x, condition, np.array([modulation_row(steps, step)], np.int32))
            x[:, known:] += velocity[:, known:] / np.float32(steps)
            yield
        return x[0, known:]

    def vocode(self, mel: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        hop = self.config.hop
        return self._vocoder(mel[None])[0][0, start * hop : None if stop is None else stop * hop]

    def fit(self, frames: int) -> int:
        """See `runtime.interface.DiffusionRunner`; lengths are open."""
        return frames
