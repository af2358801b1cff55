"""SoVITS on ONNX Runtime, a graph for each stage, each with open lengths."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.runtime.interface import EncodeRow, FlowRow, VocodeRow
from dora_primespeech_mlx.runtime.onnx import openvino
from dora_primespeech_mlx.runtime.onnx.session import Function, GraphOf, OnnxFunction, default_threads
from dora_primespeech_mlx.runtime.onnx.windows import Parts

BESIDE = 192
"""Width below which one thread makes the codes, for such models have small ones for T2S too; see `t2s.LARGE`."""
SHARED = ("_timbre", "_read", "_encode", "_flow")
"""Stages of a runner besides the vocoder."""


class OnnxSovitsRunner:
    """SoVITS on ONNX Runtime, the vocoder on OpenVINO where that pays; see `runtime.interface.SovitsRunner`."""

    most_rows = 1
    launch_bound = False

    def __init__(
        self,
        config: SovitsConfig,
        graph: GraphOf,
        threads: int | None = None,
        exact: bool = False,
        vocoder: Path | None = None,
    ):
        """Holds the graphs; the session of a stage is begun by `prepare`, or when first used.

        Args:
            config: the network's dimensions.
            graph: gives the stages: "timbre", "read", "encode", "encode_resampled", "flow", "vocoder", "codes".
            threads: None for `session.default_threads`.
            exact: float32, and so without OpenVINO.
            vocoder: an ONNX file of the vocoder; None for the graph's.
        """
        self.config = config
        self.flow_context = config.flow_context
        self._graph, self._threads, self._exact, self._vocoder_file = graph, threads, exact, vocoder
        self._openvino = not exact and openvino.pays()
        self.history = openvino.window_frames(config.vocoder) if self._openvino else 0
        self._workers = threads or default_threads()
        self.reads_beside = self._workers > 1 and config.hidden_channels < BESIDE
        self.threads = self._workers if self.reads_beside else 1

    def _stage(self, name: str) -> Function:
        return OnnxFunction(self._graph(name), self._threads)

    @cached_property
    def _read(self) -> Function:
        return OnnxFunction(self._graph("read"), 1 if self.reads_beside else self._threads)

    @cached_property
    def _encode(self) -> Function:
        return self._stage("encode")

    @cached_property
    def _encode_resampled(self) -> Function:
        return self._stage("encode_resampled")

    @cached_property
    def _flow(self) -> Function:
        return self._stage("flow")

    @cached_property
    def _vocoder(self) -> Function:
        """What renders all that `_windowed` does not."""
        threads = 1 if self._openvino else self._threads
        return OnnxFunction(self._vocoder_file or self._graph("vocoder"), threads)

    @cached_property
    def _windowed(self) -> openvino.OpenVinoVocoder | None:
        if not self._openvino:
            return None
        graph = self._vocoder_file or self._graph("vocoder")
        return openvino.OpenVinoVocoder(graph, self.config.vocoder, self._workers, self.threads)

    @cached_property
    def _timbre(self) -> Function:
        return self._stage("timbre")

    @cached_property
    def _codes(self) -> Function:
        return self._stage("codes")

    def with_vocoder(self, path: Path) -> "OnnxSovitsRunner":
        """The same runner with the vocoder of a file that `export.export_onnx` wrote.

        Raises:
            ValueError: the file is not ONNX, or not a vocoder for latents and timbres of this model.
        """
        import onnx
        from google.protobuf.message import DecodeError

        vocoder = self.config.vocoder
        expected = [("latent", 3, vocoder.inter_channels), ("ge", 3, vocoder.gin_channels)]
        expected += [(name, 2, 0) for name in ("kept", "row", "place")]
        try:
            graph = onnx.load(path, load_external_data=False).graph
        except DecodeError as error:
            raise ValueError(f"{path} is not an ONNX file.") from error
        found = [(port.name, port.type.tensor_type.shape.dim) for port in graph.input]
        if [(name, len(dims), dims[-1].dim_value if dims else 0) for name, dims in found] != expected:
            names = ", ".join(f"{name} [..., {size}]" if size else f"{name} [w, n]" for name, _, size in expected)
            raise ValueError(
                f"{path} is not a vocoder of this model, which takes {names}. Make one: primespeech export."
            )
        other = OnnxSovitsRunner(self.config, self._graph, self._threads, self._exact, path)
        # Made once for all that differ in the vocoder only.
        other._timbre, other._flow = self._timbre, self._flow
        other._read, other._encode = self._read, self._encode
        return other

    def prepare(self) -> None:
        """See `runtime.interface.SovitsRunner`; what a speed other than 1 needs is left to the first use."""
        self._begin("_windowed", *SHARED, "_vocoder")

    def beside(self) -> "OnnxSovitsRunner | None":
        """See `runtime.interface.SovitsRunner`; its sessions are begun when first asked for."""
        if self.threads == 1:
            return None
        return self._beside if all(stage.ready for stage in self._stages_beside) else None

    @cached_property
    def _beside(self) -> "OnnxSovitsRunner":
        other = OnnxSovitsRunner(self.config, self._graph, 1, self._exact, self._vocoder_file)
        other._read = self._read
        if self._windowed:
            other._windowed, other._vocoder = self._windowed, self._vocoder
        return other

    @cached_property
    def _stages_beside(self) -> list[OnnxFunction]:
        stages = self._beside._encode, self._beside._flow, self._beside._vocoder
        return [stage for stage in stages if isinstance(stage, OnnxFunction)]

    def _begin(self, *stages: str) -> None:
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

    def codes(self, features: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self._codes(features.astype(np.float32)[None])[0][0]

    def read(self, phones: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self._read(phones.astype(np.int32)[None])[0][0]

    def encode(
        self, codes: np.ndarray, text: np.ndarray, ge: np.ndarray, resample: tuple[np.ndarray, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        row = codes.astype(np.int32)[None], text[None], ge[None, None]
        mean, log_deviation = self._encode(*row) if resample is None else self._encode_resampled(*row, *resample)
        return mean[0], log_deviation[0]

    def flow(self, prior: np.ndarray, ge: np.ndarray) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        return self._flow(prior[None], ge[None, None])[0][0]

    def vocode(self, latent: np.ndarray, ge: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """See `runtime.interface.SovitsRunner`."""
        stop = len(latent) if stop is None else stop
        if self._windowed and (made := self._windowed(latent, ge, start, stop)) is not None:
            return made
        parts = Parts(self.config.vocoder, (start, stop), len(latent), 1 if self._windowed else self._workers)
        (samples,) = self._vocoder(latent[None], ge[None, None], *parts.inputs())
        return parts.joined(samples)

    def read_rows(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return [self.read(row) for row in rows]

    def encode_rows(self, rows: Sequence[EncodeRow]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `runtime.interface.SovitsRunner`."""
        return [self.encode(*row) for row in rows]

    def flow_rows(self, rows: Sequence[FlowRow]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return [self.flow(*row) for row in rows]

    def vocode_rows(self, rows: Sequence[VocodeRow]) -> list[np.ndarray]:
        """See `runtime.interface.SovitsRunner`."""
        return [self.vocode(*row) for row in rows]

    def fit(self, frames: int) -> int:
        """See `runtime.interface.SovitsRunner`; lengths are open, so every one fits."""
        return frames
