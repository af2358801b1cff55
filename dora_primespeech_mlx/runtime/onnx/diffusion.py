"""The s2 network of v3 and v4 on ONNX Runtime, a graph for each stage, each with open lengths."""

from collections.abc import Generator, Sequence
from functools import cached_property

import numpy as np

from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig, modulation_row
from dora_primespeech_mlx.runtime.memory import release
from dora_primespeech_mlx.runtime.onnx.session import Function, GraphOf, OnnxFunction

STAGES = ("_timbre", "_features", "_condition", "_velocity", "_vocoder", "_codes")


class OnnxDiffusionRunner:
    """v3 and v4 on ONNX Runtime; see `runtime.interface.DiffusionRunner`."""

    def __init__(self, config: DiffusionConfig, graph: GraphOf, threads: int | None = None):
        """Holds the graphs; the session of a stage is begun by `prepare`, or when first used.

        Args:
            config: the network's dimensions.
            graph: gives the stages: "timbre", "features", "condition", "velocity", "vocoder", "codes".
            threads: None for `session.default_threads`.
        """
        self.config, self.streams = config, False
        self._graph: GraphOf | None = graph
        self._threads = threads

    def _stage(self, name: str) -> Function:
        if self._graph is None:
            raise RuntimeError("All stages are begun; there are no graphs any more.")
        return OnnxFunction(self._graph(name), self._threads)

    @cached_property
    def _timbre(self) -> Function:
        return self._stage("timbre")

    @cached_property
    def _features(self) -> Function:
        return self._stage("features")

    @cached_property
    def _condition(self) -> Function:
        return self._stage("condition")

    @cached_property
    def _velocity(self) -> Function:
        return self._stage("velocity")

    @cached_property
    def _vocoder(self) -> Function:
        return self._stage("vocoder")

    @cached_property
    def _codes(self) -> Function:
        return self._stage("codes")

    def prepare(self) -> None:
        """See `runtime.interface.DiffusionRunner`; 32-bit weights that 8-bit ones stand for are let go."""
        for stage in STAGES:
            getattr(self, stage)
        self._graph = None
        release()

    def codes(self, features: np.ndarray) -> np.ndarray:
        """See `runtime.interface.DiffusionRunner`."""
        return self._codes(features.astype(np.float32)[None])[0][0]

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
