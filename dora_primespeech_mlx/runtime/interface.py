"""What the rest of the package asks of an executor: one T2S network, one s2 network, NumPy arrays at the borders.

`decoding` and `streaming` are written against these protocols and do not know which executor runs.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.runtime.transfers import Transfers
from dora_primespeech_mlx.sampling import Sampling

Array = Any
"""An array of the executor's own kind: `numpy.ndarray` or `mlx.core.array`."""


class T2SSession(Protocol):
    """Texts being decoded together: their cache and the scores of the next codes."""

    @property
    def logits(self) -> Array:
        """Scores of the next codes, float32 [B, vocabulary], in the runner's array kind."""
        ...

    def step(self, codes: Array) -> Array:
        """Appends a code to each text (integers [B], in the runner's array kind) and returns the new `logits`."""
        ...

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of a layer in rows `first` to `last` of a text, float32 [heads, n, head_width] each.

        The rows are the text's phones, the prompt's codes and the codes appended since.
        """
        ...


Text = tuple[np.ndarray, np.ndarray | None]
"""The ids of a prompt's and a text's phones, int32 [n], and their features, float32 [n, 1024], or None for zeros."""


class T2SRows(Protocol):
    """Texts being decoded that come and go, numbered as in a list: one that leaves moves those after it."""

    most: int
    """How many are decoded at once."""

    def join(self, text: Text, prompt: np.ndarray) -> Array:
        """Prefills one more text after prompt codes int32 [m]; the scores of its first code, float32 [vocabulary]."""
        ...

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of a layer in rows `first` to `last` of a text, float32 [heads, n, head_width] each.

        The rows are the text's phones, the prompt's codes and the codes appended since.
        """
        ...

    def leave(self, row: int) -> None:
        """Forgets a text."""
        ...

    def step(self, rows: Sequence[int], codes: Array) -> Array:
        """Appends a code to some texts, in rising order (integers [B]); scores float32 [B, vocabulary]. Others wait."""
        ...


class Newcomer(NamedTuple):
    """A text that joins others.

    Attributes:
        text: what is prefilled.
        prompt: the codes that it goes on from, int32 [m].
        sampling: how its codes are drawn.
        end: the code that ends it.
        minimum: codes before which it does not end.
    """

    text: Text
    prompt: np.ndarray
    sampling: Sampling
    end: int
    minimum: int


@runtime_checkable
class DrawingRows(Protocol):
    """The same where the executor draws too, as `sampling.draw` does, and so makes several codes at a time."""

    most: int
    """How many are decoded at once."""
    most_joins: int
    """How many may join at once."""
    transfers: Transfers
    """How noise comes to where codes are drawn."""

    def join(self, newcomers: Sequence[Newcomer]) -> None:
        """Prefills more texts; all of them are there then, or none where one cannot be."""
        ...

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of a layer in rows `first` to `last` of a text, float32 [heads, n, head_width] each.

        The rows are the text's phones, the prompt's codes and the codes appended since.
        """
        ...

    def leave(self, row: int) -> None:
        """Forgets a text."""
        ...

    def codes(self, rows: Sequence[int], noise: Array) -> Array:
        """Draws the next codes of some texts and appends them.

        Args:
            rows: which, in rising order.
            noise: exponential noise of rate 1, float32 [n, B, vocabulary], in the runner's array kind.

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

    @property
    def apart(self) -> bool:
        """Whether it pays to decode texts each by itself, so that each may be on a thread of its own."""
        ...

    def beside(self) -> "T2SRunner | None":
        """The same on one thread, for texts beside others; None where that gains nothing, or as long as it is made."""
        ...

    def open(self) -> T2SRows | DrawingRows:
        """Room for texts to be decoded, of which there is none yet."""
        ...

    def start(self, texts: Sequence[Text], prompt: np.ndarray) -> T2SSession:
        """Prefills texts that stay together, after prompt codes int32 [m]; m may be 0."""
        ...


EncodeRow = tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...] | None]
"""Codes int32 [T], text of `read` [S, hidden], timbre float32 [gin], and where to resample.

The last is of `nets.dimensions.sovits.resample_positions`.
"""
FlowRow = tuple[np.ndarray, np.ndarray]
"""Prior samples float32 [frames, inter] and timbre [gin]."""
VocodeRow = tuple[np.ndarray, np.ndarray, int, int]
"""Latents float32 [frames, inter], timbre [gin], and of which frames samples are wanted: start and stop."""


class SovitsRunner(Protocol):
    """Runs the SoVITS network. Rows are utterances, or windows of utterances; see `later.Later` of their results."""

    config: SovitsConfig
    most_rows: int
    """How many rows it pays to run at once."""
    launch_bound: bool
    """Whether a call costs more than what it computes, so that few large ones pay, and few lengths."""
    reads_beside: bool
    """Whether a thread is idle while T2S makes codes, so that `read` may be called in another one meanwhile."""
    flow_context: int
    """Frames either side that a frame of `flow` depends on."""
    history: int
    """Frames before the context that `vocode` makes use of: there are lengths it is quick with."""

    threads: int
    """Calls that it pays to make side by side, on a thread each, of `beside`."""

    def prepare(self) -> None:
        """Begins what the first utterance would otherwise wait for."""
        ...

    def beside(self) -> "SovitsRunner | None":
        """The same on one thread, for calls beside others; None where that gains nothing, or as long as it is made."""
        ...

    def timbre(self, spectra: Sequence[np.ndarray], speakers: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Mean timbre of references: spectra [T, bins], speaker vectors for Pro models; returns float32 [gin]."""
        ...

    def codes(self, features: np.ndarray) -> np.ndarray:
        """Content features [N, ssl_dim] of a recording to its codes, int32 [N // 2]."""
        ...

    def read(self, phones: np.ndarray) -> np.ndarray:
        """Phones int32 [S] of an utterance as `encode` looks at them, float32 [S, hidden]."""
        ...

    def encode(
        self, codes: np.ndarray, text: np.ndarray, ge: np.ndarray, resample: tuple[np.ndarray, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes int32 [T], text of `read`, ge [gin] to mean and log deviation, float32 [frames, inter] each."""
        ...

    def flow(self, prior: np.ndarray, ge: np.ndarray) -> np.ndarray:
        """Prior samples [frames, inter] to latents [frames, inter]."""
        ...

    def vocode(self, latent: np.ndarray, ge: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Latents [frames, inter] to samples float32 [(stop - start) * hop] of frames `start` to `stop`.

        The frames before and after are context, from which as little as possible is computed.
        """
        ...

    def read_rows(self, rows: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """`read` of each row."""
        ...

    def encode_rows(self, rows: Sequence[EncodeRow]) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """`encode` of each row; none of several may be resampled."""
        ...

    def flow_rows(self, rows: Sequence[FlowRow]) -> Sequence[np.ndarray]:
        """`flow` of each row."""
        ...

    def vocode_rows(self, rows: Sequence[VocodeRow]) -> Sequence[np.ndarray]:
        """`vocode` of each row; rows are of one length, or `fit` is."""
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
        """Codes int32 [T], phones int32 [S], ge [gin] and positions to features [frames, C].

        The positions are of `nets.dimensions.diffusion.mel_positions`.
        """
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
            steps: one of `nets.dimensions.diffusion.STEPS`.

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
