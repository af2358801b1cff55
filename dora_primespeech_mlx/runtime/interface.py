"""What the rest of the package asks of an executor: one T2S network, one s2 network, NumPy arrays at the borders.

`decoding` and `streaming` are written against these protocols and do not know which executor runs.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.sampling import Sampling

Array = Any
"""An array of the executor's own kind: `numpy.ndarray` or `mlx.core.array`."""


class T2SSession(Protocol):
    """Texts being decoded together: their cache and the scores of the next codes."""

    logits: Array
    """Scores of the next codes, float32 [B, vocabulary], in the runner's array kind."""

    def step(self, codes: Array) -> Array:
        """Appends a code to each text (integers [B], in the runner's array kind) and returns the new `logits`."""
        ...

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of a layer in rows `first` to `last` of a text, float32 [heads, n, head_width] each.

        The rows are the text's phones, the prompt's codes and the codes appended since.
        """
        ...


@runtime_checkable
class DrawingSession(T2SSession, Protocol):
    """A session that also draws, as `sampling.draw` does, so that it makes several codes without its caller."""

    def codes(self, noise: Array, sampling: Sampling, end: int, minimum: int) -> Array:
        """Draws the next codes of each text and appends them.

        Args:
            noise: exponential noise of rate 1, float32 [n, B, vocabulary], in the runner's array kind.
            sampling: how, the same at each call.
            end: the code that ends a text.
            minimum: codes before which it may not.

        Returns:
            codes and whether they end their text, integers [n, 2, B], in the runner's array kind. What comes after an
            end means nothing.
        """
        ...


class T2SRunner(Protocol):
    """Runs the T2S network."""

    @property
    def config(self) -> T2SConfig:
        """The network's dimensions."""
        ...

    @property
    def xp(self) -> ModuleType:
        """Namespace of the runner's arrays: `numpy` or `mlx.core`."""
        ...

    @property
    def pipelined(self) -> bool:
        """Whether `step` returns before its result is computed, so that submitting it early pays."""
        ...

    @property
    def exact_batches(self) -> bool:
        """Whether a text's scores among others are those it has alone, but for the rounding of a device's kernels."""
        ...

    def start(self, texts: Sequence[tuple[np.ndarray, np.ndarray | None]], prompt: np.ndarray) -> T2SSession:
        """Prefills some texts.

        Args:
            texts: for each the ids of the prompt's and the text's phones, int32 [n], and their features, float32
                [n, 1024], or None for zeros.
            prompt: prompt codes, int32 [m]; m may be 0.
        """
        ...


class SovitsRunner(Protocol):
    """Runs the SoVITS network, one utterance at a time."""

    config: SovitsConfig
    flow_context: int
    """Frames either side that a frame of `flow` depends on."""

    def prepare(self) -> None:
        """Begins what the first utterance would otherwise wait for."""
        ...

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Mean timbre of references: spectra [T, bins], speaker vectors for Pro models; returns float32 [gin]."""
        ...

    def codes(self, features: np.ndarray) -> np.ndarray:
        """Content features [N, ssl_dim] of a recording to its codes, int32 [N // 2]."""
        ...

    def encode(
        self, codes: np.ndarray, phones: np.ndarray, ge: np.ndarray, resample: tuple[np.ndarray, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes int32 [T], phones int32 [S], ge [gin] to mean and log deviation, float32 [frames, inter] each."""
        ...

    def flow(self, prior: np.ndarray, ge: np.ndarray) -> np.ndarray:
        """Prior samples [frames, inter] to latents [frames, inter]."""
        ...

    def vocode(self, latent: np.ndarray, ge: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Latents [frames, inter] to samples float32 [(stop - start) * hop] of frames `start` to `stop`.

        The frames before and after are context, from which as little as possible is computed.
        """
        ...

    def fit(self, frames: int) -> int:
        """Smallest length of at least `frames` that `flow` and `vocode` have room for in their caches."""
        ...


class DiffusionRunner(Protocol):
    """Runs the s2 network of v3 and v4, one utterance at a time."""

    config: DiffusionConfig
    streams: bool
    """Whether it is fast enough to begin a sentence before all of its codes are there, which makes more work of it."""

    def prepare(self) -> None:
        """Begins what the first utterance would otherwise wait for."""
        ...

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Mean timbre of references: spectra [T, bins]; `speakers` are not listened to; returns float32 [gin]."""
        ...

    def codes(self, features: np.ndarray) -> np.ndarray:
        """Content features [N, ssl_dim] of a recording to its codes, int32 [N // 2]."""
        ...

    def features(
        self, codes: np.ndarray, phones: np.ndarray, ge: np.ndarray, positions: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        """Codes int32 [T], phones int32 [S], ge [gin] and `nets.diffusion.mel_positions` to features [frames, C]."""
        ...

    def sample(
        self,
        noise: np.ndarray,
        features: np.ndarray,
        prompt: np.ndarray,
        steps: int,
    ) -> Generator[None, None, np.ndarray]:
        """Noise to the mel of a stretch of speech that follows a prompt, one step each time it is resumed.

        Args:
            noise: normal, float32 [F, bands].
            features: of prompt and stretch, [P + F, C].
            prompt: its mel, nominally in -1..1, [P, bands].
            steps: one of `nets.dit.STEPS`.

        Returns:
            float32 [F, bands], as the prompt is.
        """
        ...

    def vocode(self, mel: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Log mel [frames, bands] to samples float32 [(stop - start) * hop] of frames `start` to `stop`.

        The frames before and after are context.
        """
        ...

    def fit(self, frames: int) -> int:
        """Smallest length of at least `frames` that `vocode` has room for in its caches."""
        ...


@runtime_checkable
class PrebuiltVocoder(Protocol):
    """A runner that can take its vocoder from a file."""

    def with_vocoder(self, path: Path) -> SovitsRunner:
        """The same runner with the vocoder of an ONNX file; ValueError when the file does not fit the model."""
        ...
