"""Semantic codes to samples through the diffusion decoders of v3 and v4.

While all codes of a sentence are known its mel is made as the official code does it without batching: in one stretch
as far as the model reaches (some 5 s and more, by the length of the voice's prompt), each further stretch with the one
before it as prompt.

While codes are still coming an exact mel cannot be had: every frame depends on every code and on the length of the
stretch. Each stretch then has the voice's prompt and as much of the sentence so far as fits before it, and is made with
a look-ahead that is thrown away and made again with the next. Noise belongs to frames of the sentence, so that it is
the same for every way of cutting. A frame is frozen once; the vocoder sees frozen frames alone, with its whole
context, so that joints need no cross-fade.
"""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dora_primespeech_mlx.audio import MEL_RANGE
from dora_primespeech_mlx.nets.dimensions.diffusion import mel_positions
from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE
from dora_primespeech_mlx.synthesis.needs import Need
from dora_primespeech_mlx.synthesis.noise import RowNoise
from dora_primespeech_mlx.voices.prompt import DiffusionPrompt


@dataclass(frozen=True)
class MelSchedule:
    """How much mel is made at a time while codes are coming, in seconds of speech.

    Attributes:
        first: of the first stretch.
        growth: each stretch may be this much longer than the one before it.
        largest: the longest stretch.
        lookahead: of the newest codes, whose mel is thrown away and made again.
    """

    first: float = 1.0
    growth: float = 1.5
    largest: float = 3.0
    lookahead: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.largest or self.growth < 1 or self.lookahead < 0:
            raise ValueError(f"{self} is not a schedule: it needs 0 < first <= largest, growth >= 1, lookahead >= 0")


class DiffusionAudio:
    """The mel of one sentence, frozen from left to right, and the samples it gives.

    Args:
        prompt: of the voice.
        phones: ids of the sentence's phones, int32 [n].
        ge: timbre, float32 [gin].
        noise: normal noise by mel frame of the sentence, rows of `bands`.
        speed: above 1 is faster.
    """

    def __init__(
        self,
        prompt: DiffusionPrompt,
        phones: np.ndarray,
        ge: np.ndarray,
        noise: RowNoise,
        speed: float,
    ):
        config = prompt.runner.config
        self.hop, self.context = config.hop, config.vocoder.context
        self.frame_rate = config.mel.frame_rate
        self._runner, self._prompt, self._base = prompt.runner, prompt, config.mel
        self._phones, self._ge, self._noise, self._speed = phones, ge, noise, speed
        self._mel = np.empty((0, config.dit.mel), np.float32)

    @property
    def schedule(self) -> MelSchedule | None:
        """How much mel is made at a time on this executor while codes are coming; None: all at once."""
        return MelSchedule() if self._runner.streams else None

    @property
    def frozen(self) -> int:
        """Frames whose mel is final."""
        return len(self._mel)

    @property
    def mel(self) -> np.ndarray:
        """The frozen frames, in -1..1, float32 [frozen, bands]."""
        return self._mel

    def frames(self, codes: int) -> int:
        """Mel frames that so many codes stand for."""
        return len(mel_positions(codes, self._speed, self._base)[0])

    def complete(self, codes: Sequence[int]) -> Generator[None, None, None]:
        """Makes and keeps the mel of a whole sentence, of which nothing is frozen yet; a None for each step."""
        features, known = self._features(codes), self._prompt.features
        mel, most = self._prompt.mel, len(self._prompt.mel)
        size = self._base.span - most
        for start in range(0, len(features), size):
            stretch = features[start : start + size]
            made = yield from self._sample(start, np.concatenate([known, stretch]), mel)
            self._mel = np.concatenate([self._mel, made])
            mel, known = made[-most:], stretch[-most:]

    def freeze(self, codes: Sequence[int], upto: int, lookahead: int) -> Generator[None, None, None]:
        """Makes and keeps the frames up to `upto` from all codes known, with so many more that are thrown away.

        Yields a None for each step.
        """
        features, start, prompt = self._features(codes), self.frozen, self._prompt
        end = min(len(features), upto + lookahead)
        room = max(0, self._base.span - len(prompt.mel) - (end - start))
        heard = slice(start - min(start, room), start)
        made = yield from self._sample(
            start,
            np.concatenate([prompt.features, features[heard], features[start:end]]),
            np.concatenate([prompt.mel, self._mel[heard]]),
        )
        self._mel = np.concatenate([self._mel, made[: upto - start]])

    def render(self, start: int, stop: int) -> np.ndarray:
        """Samples of frames `start` to `stop`; the frames of `context` after must be frozen, or not exist."""
        end = min(stop + self.context, self.frozen)
        left = max(0, end - self._runner.fit(end - max(0, start - self.context)))
        low, high = MEL_RANGE
        mel = (self._mel[left:end] + 1) / 2 * (high - low) + low
        return self._runner.vocode(mel.astype(np.float32), start - left, stop - left)

    def _features(self, codes: Sequence[int]) -> np.ndarray:
        positions = mel_positions(len(codes), self._speed, self._base)
        return self._runner.features(np.array(codes, dtype=np.int32), self._phones, self._ge, positions)

    def _sample(self, start: int, features: np.ndarray, mel: np.ndarray) -> Generator[None, None, np.ndarray]:
        """Mel of the frames from `start` on, whose features follow those of `mel`."""
        noise = self._noise(start, start + len(features) - len(mel))
        return self._runner.sample(noise, features, mel, self._prompt.steps)


def stream_diffusion(
    audio: DiffusionAudio, codes: Iterable[int | Need], chunk: int, schedule: MelSchedule | None
) -> Iterator[np.ndarray | Need | None]:
    """Samples of a sentence, float32, as its codes come.

    What the codes need is handed on, and a None comes after each step: nothing is ready, and the caller may do
    something else.

    Args:
        audio: of the sentence.
        codes: a list or tuple counts as known from the start.
        chunk: longest piece that is handed out, in 50ths of a second.
        schedule: how much mel is made at a time while codes are coming; None waits for all of them.
    """
    most = max(1, round(chunk / FRAME_RATE * audio.frame_rate))
    coming = schedule is not None and not isinstance(codes, Sequence)
    schedule = schedule or MelSchedule()
    ahead, largest = (round(seconds * audio.frame_rate) for seconds in (schedule.lookahead, schedule.largest))
    so_far: list[int] = []
    heard, size = 0, schedule.first
    for code in codes:
        if isinstance(code, Need):
            yield code
            continue
        so_far.append(code)
        if not coming:
            continue
        ready = audio.frames(len(so_far)) - ahead
        if ready - audio.frozen >= size * audio.frame_rate:
            yield from audio.freeze(so_far, ready, ahead)
            stop = max(heard, audio.frozen - audio.context)
            yield from _pieces(audio, heard, stop, most)
            heard, size = stop, min(size * schedule.growth, schedule.largest)
    if not so_far:
        return
    if not audio.frozen:
        yield from audio.complete(so_far)
    total = audio.frames(len(so_far))
    while audio.frozen < total:
        left = total - audio.frozen
        yield from audio.freeze(so_far, audio.frozen + math.ceil(left / math.ceil(left / largest)), ahead)
    yield from _pieces(audio, heard, audio.frozen, most)


def _pieces(audio: DiffusionAudio, start: int, stop: int, most: int) -> Iterator[np.ndarray]:
    """Samples of frames `start` to `stop` in pieces of at most so many frames."""
    while start < stop:
        end = min(stop, start + most)
        yield audio.render(start, end)
        start = end
