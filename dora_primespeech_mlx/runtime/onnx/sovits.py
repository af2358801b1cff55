"""SoVITS on ONNX Runtime: the stages of the MLX network traced, each with open lengths."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import mlx.core as mx
import numpy as np
import onnx
from google.protobuf.message import DecodeError

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.onnx import openvino as openvino_session
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.session import Function, OnnxFunction
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input

PREPARED = (24, 32, 48, 56, 72, 104, 152, 176)
"""Lengths in frames that OpenVINO is given where there is a choice: each one new to it costs a tenth of a second.

They fit what `streaming.Schedule` asks for with its context; longer ones are multiples of `LONG`.
"""
KEPT = (16, 24, 36, 56, 84, 104, 132, 156)
"""The same for the frames that the vocoder keeps after its first stage."""
LONG = 64
SHARED = ("_timbre", "_encode", "_flow")
"""Stages of a runner besides the vocoder."""


def timbre_graph(model: Sovits) -> Graph:
    """Spectrum [1, T, bins] (and speaker [1, speaker_dim]) to timbre [1, 1, gin]."""
    inputs = [Input("spectrum", (1, "frames", model.config.spectrum_bins))]
    if model.config.speaker_dim:
        inputs.append(Input("speaker", (1, model.config.speaker_dim)))
    return translate(model.timbre, inputs, ["ge"])


def encode_graph(model: Sovits, resampled: bool) -> Graph:
    """Codes [1, T], phones [1, S], ge [1, 1, gin] (and where to resample) to mean and log deviation [1, F, inter]."""
    inputs = [
        Input("codes", (1, "codes"), mx.int32),
        Input("phones", (1, "phones"), mx.int32),
        Input("ge", (1, 1, model.config.vocoder.gin_channels)),
    ]
    if resampled:
        inputs += [Input("lower", ("out",), mx.int32), Input("upper", ("out",), mx.int32), Input("weight", ("out",))]

    def encode(codes: mx.array, phones: mx.array, ge: mx.array, *resample: mx.array) -> tuple[mx.array, mx.array]:
        return model.encode(codes, phones, ge, resample=resample or None)  # type: ignore[arg-type]

    return translate(encode, inputs, ["mean", "log_deviation"])


def flow_graph(model: Sovits) -> Graph:
    """Prior samples [1, F, inter] and ge [1, 1, gin] to latents [1, F, inter]."""
    return translate(model.flow, _latent_inputs(model), ["flowed"])


def vocoder_graph(model: Sovits) -> Graph:
    """Latents [1, F, inter], ge [1, 1, gin] and kept frames [n] to samples [1, n * hop]."""
    return translate(model.dec, _vocoder_inputs(model), ["samples"])


def _vocoder_inputs(model: Sovits) -> list[Input]:
    return [*_latent_inputs(model), Input("kept", ("kept",), mx.int32)]


def _latent_inputs(model: Sovits) -> list[Input]:
    vocoder = model.config.vocoder
    return [Input("latent", (1, "frames", vocoder.inter_channels)), Input("ge", (1, 1, vocoder.gin_channels))]


class OnnxSovitsRunner:
    """SoVITS on ONNX Runtime, flow and vocoder on OpenVINO where that pays; see `runtime.interface.SovitsRunner`."""

    def __init__(self, model: Sovits, threads: int | None = None, exact: bool = False, vocoder: Path | None = None):
        """Holds the network; a stage is traced by `prepare`, or when first used.

        Args:
            model: with float32 weights, evaluated.
            threads: None for `onnx_session.default_threads`.
            exact: float32 everywhere, also where OpenVINO has bf16.
            vocoder: an ONNX file of the vocoder; None to trace it.
        """
        self.config = model.config
        self.flow_context = model.flow.context
        self._model, self._threads, self._exact, self._vocoder_file = model, threads, exact, vocoder
        self._openvino = openvino_session.pays()

    @cached_property
    def _encode(self) -> Function:
        return OnnxFunction(encode_graph(self._model, resampled=False), self._threads)

    @cached_property
    def _encode_resampled(self) -> Function:
        return OnnxFunction(encode_graph(self._model, resampled=True), self._threads)

    @cached_property
    def _flow(self) -> Function:
        return self._convolutions(flow_graph(self._model))

    @cached_property
    def _vocoder(self) -> Function:
        return self._convolutions(self._vocoder_file or vocoder_graph(self._model))

    @cached_property
    def _timbre(self) -> Function:
        return OnnxFunction(timbre_graph(self._model), self._threads)

    def with_vocoder(self, path: Path) -> "OnnxSovitsRunner":
        """The same runner with the vocoder of a file that `onnx_export.export_onnx` wrote.

        Raises:
            ValueError: the file is not ONNX, or not a vocoder for latents and timbres of this model.
        """
        expected = [
            (port.name, size if isinstance(size := port.shape[-1], int) else 0) for port in _vocoder_inputs(self._model)
        ]
        try:
            graph = onnx.load(path, load_external_data=False).graph
        except DecodeError as error:
            raise ValueError(f"{path} is not an ONNX file.") from error
        found = [(port.name, port.type.tensor_type.shape.dim[-1:]) for port in graph.input]
        if [(name, dims[0].dim_value if dims else 0) for name, dims in found] != expected:
            names = ", ".join(f"{name} [..., {size}]" if size else f"{name} [n]" for name, size in expected)
            raise ValueError(
                f"{path} is not a vocoder of this model, which takes {names}. Make one: primespeech export."
            )
        other = OnnxSovitsRunner(self._model, self._threads, self._exact, path)
        # Traced once for all that differ in the vocoder only.
        other._timbre, other._encode, other._flow = self._timbre, self._encode, self._flow
        return other

    def _convolutions(self, graph: Graph | Path) -> Function:
        """A graph of convolutions, on the fastest executor at hand."""
        if self._openvino:
            return openvino_session.OpenVinoFunction(graph, self._threads, self._exact)
        return OnnxFunction(graph, self._threads)

    def prepare(self) -> None:
        """See `runtime.interface.SovitsRunner`; what a speed other than 1 needs is left to the first use."""
        self._trace(*SHARED, "_vocoder")

    def _trace(self, *stages: str) -> None:
        for stage in stages:
            getattr(self, stage)

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        rows = []
        for index, spectrum in enumerate(spectra):
            inputs = [spectrum[None, :, : self.config.spectrum_bins].astype(np.float32)]
            if self.config.speaker_dim:
                inputs.append(speakers[index][None].astype(np.float32))
            rows.append(self._timbre(*inputs)[0][0, 0])
        return np.mean(rows, axis=0)

    def encode(
        self, codes: np.ndarray, phones: np.ndarray, ge: np.ndarray, resample: tuple[np.ndarray, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        row = codes.astype(np.int32)[None], phones.astype(np.int32)[None], ge[None, None]
        mean, log_deviation = self._encode(*row) if resample is None else self._encode_resampled(*row, *resample)
        return mean[0], log_deviation[0]

    def flow(self, prior: np.ndarray, ge: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self._flow(prior[None], ge[None, None])[0][0]

    def vocode(self, latent: np.ndarray, ge: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        stop = len(latent) if stop is None else stop
        context = self.config.vocoder.narrow_context
        last = min(len(latent), stop + context)
        first = max(0, last - self._fit(last - max(0, start - context), KEPT))
        (samples,) = self._vocoder(latent[None], ge[None, None], np.arange(first, last, dtype=np.int32))
        hop = samples.shape[1] // (last - first)
        return samples[0, (start - first) * hop : (stop - first) * hop]

    def fit(self, frames: int) -> int:
        """See `runtime.interface.SovitsRunner`."""
        return self._fit(frames, PREPARED)

    def _fit(self, frames: int, prepared: Sequence[int]) -> int:
        """Lengths are open, so every length fits; but OpenVINO prepares each one that is new to it."""
        if not self._openvino:
            return frames
        return next((length for length in prepared if length >= frames), -(-frames // LONG) * LONG)
