"""How to speak, and what speaking gives: chunks of audio, whole speeches, and the time they took."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from dora_primespeech_mlx.names.values import expand
from dora_primespeech_mlx.sampling import Sampling

Wishes = Mapping[str, Any]
"""Some fields of `Manner`, those of its sampling among them ("top_k"); None says nothing, as a name left out does."""


@dataclass(frozen=True)
class Style:
    """A recording whose prosody a voice follows, while its timbre stays its own. ValueError for fields of other kinds.

    Attributes:
        name: what it is called.
        text: exactly what it says.
        language: of the text; "auto" looks at it.
        recording: a sound file of 3 to 10 s, its path as `Path` or text; needed where there are no codes.
        codes: file of its semantic codes, for a model that cannot take new recordings; None makes them.
    """

    name: str
    text: str
    language: str = "auto"
    recording: Path | None = None
    codes: Path | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            is_path = name in ("recording", "codes")
            if not isinstance(value, str | Path | None if is_path else str):
                raise ValueError(f"the {name} of a style is {value!r}; it must be {'a path' if is_path else 'text'}")
        for name in ("recording", "codes"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, expand(value))


@dataclass(frozen=True)
class Manner:
    """How a text is spoken, every question answered; the defaults are what is left when nobody says.

    Attributes:
        voice: name or alias; None is the default voice.
        language: "auto" looks at each text.
        speed: factor; above 1 is faster.
        pitch: semitones.
        volume: percent.
        seed: fixes the noise; None draws one for each text.
        noise_scale: deviation of the latents, 0 to about 1.
        sampling: how codes are drawn.
        style: a style of the voice or another voice of its model by name, or a style itself; None is the voice's own.
    """

    voice: str | None = None
    language: str = "auto"
    speed: float = 1.0
    pitch: float = 0.0
    volume: float = 100.0
    seed: int | None = None
    noise_scale: float = 0.5
    sampling: Sampling = field(default_factory=Sampling)
    style: str | Style | None = None

    @classmethod
    def settled(cls, *wishes: Wishes) -> Self:
        """The manner in which the first of `wishes` that says something of a field decides it."""
        said = {name: value for each in reversed(wishes) for name, value in each.items() if value is not None}
        sampling = Sampling(**{name: said.pop(name) for name in SAMPLING_NAMES if name in said})
        return cls(**said, sampling=sampling)

    @property
    def pitch_factor(self) -> float:
        """Frequency ratio of the pitch."""
        return 2.0 ** (self.pitch / 12.0)

    @property
    def pace(self) -> float:
        """How fast the networks speak: played faster to raise the pitch, their sound lasts as `speed` asks."""
        return self.speed / self.pitch_factor


SAMPLING_NAMES = tuple(field.name for field in fields(Sampling))


@dataclass(frozen=True)
class Omission:
    """A sentence that was not spoken, or not to its end: `kind` is "left out" or "cut short"; `reason` says why."""

    text: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Word:
    """A word as it is written, or a character of Mandarin, and when it is spoken.

    Attributes:
        text: the word.
        start: where it begins in the text as it came, in characters.
        end: where it ends.
        begins: seconds from the beginning of the text's audio.
        ends: when it ends; an estimate where its end was not decided when its beginning was sent.
    """

    text: str
    start: int
    end: int
    begins: float
    ends: float

    def later(self, seconds: float, pace: float = 1.0) -> Self:
        """The word in audio that is played `pace` times as fast and then follows other audio of so many seconds."""
        begins, ends = (round(moment / pace + seconds, 4) for moment in (self.begins, self.ends))
        return replace(self, begins=begins, ends=ends)


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
        omissions: what was left out or cut short since the last chunk that ended a sentence.
        model: the model that made it; see `Speech`.
        words: that begin in it, the times from the beginning of the text's audio.
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
    omissions: tuple[Omission, ...] = ()
    model: str = ""
    words: tuple[Word, ...] = ()


@dataclass
class Timing:
    """Seconds spent, by stage; `first_audio` from the call to the first chunk."""

    frontend: float = 0.0
    t2s: float = 0.0
    sovits: float = 0.0
    first_audio: float = 0.0
    total: float = 0.0

    def add(self, stage: str, seconds: float) -> None:
        """So much time went into `stage`."""
        setattr(self, stage, getattr(self, stage) + seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Adds the time of a block to `stage`."""
        began = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - began)


@dataclass(frozen=True)
class Speech:
    """A whole text spoken.

    Attributes:
        audio: float32 [n], mono, -1..1.
        sample_rate: samples a second.
        codes: semantic codes of each sentence.
        timing: the time it took.
        omissions: sentences that were left out or cut short.
        model: the model that made it, "GPT-SoVITS v2 (demo)", which files and messages name with the sound.
        words: in order.
    """

    audio: np.ndarray
    sample_rate: int
    codes: tuple[tuple[int, ...], ...]
    timing: Timing
    omissions: tuple[Omission, ...] = ()
    model: str = ""
    words: tuple[Word, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of audio."""
        return self.timing.total / self.duration if len(self.audio) else 0.0
