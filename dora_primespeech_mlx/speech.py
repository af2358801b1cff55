"""What speaking gives: chunks of audio, whole speeches, and the time they took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AudioChunk:
    """A piece of speech.

    Attributes:
        samples: float32 [n], mono, -1..1.
        sample_rate: samples a second.
        index: 0.. within the text.
        final: whether it is the last of the text.
        sentence: index of the sentence.
        sentence_final: whether it is the last of the sentence; such chunks hold the pause after it.
        text: the sentence.
        start: where the sentence begins in the text, in characters.
        end: where it ends.
    """

    samples: np.ndarray
    sample_rate: int
    index: int
    final: bool
    sentence: int
    sentence_final: bool
    text: str
    start: int
    end: int


@dataclass
class Timing:
    """Seconds spent, by stage; ``first_audio`` from the call to the first chunk."""

    frontend: float = 0.0
    t2s: float = 0.0
    sovits: float = 0.0
    first_audio: float = 0.0
    total: float = 0.0

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Adds the time of a block to ``stage``."""
        began = time.perf_counter()
        yield
        setattr(self, stage, getattr(self, stage) + time.perf_counter() - began)


@dataclass(frozen=True)
class Speech:
    """A whole text spoken: samples float32 [n], samples a second, the codes of each sentence, and the time it took."""

    audio: np.ndarray
    sample_rate: int
    codes: tuple[tuple[int, ...], ...]
    timing: Timing

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of audio."""
        return self.timing.total / self.duration if len(self.audio) else 0.0
