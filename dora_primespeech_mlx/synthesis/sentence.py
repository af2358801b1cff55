"""One sentence: phones to codes to samples, with a second try when the model loses the text."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.speech import Timing
from dora_primespeech_mlx.synthesis.decoding import (
    CODES_PER_SECOND,
    MAXIMUM_CODES,
    CollapseError,
    Guard,
    Text,
    generate,
    generate_many,
)
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SegmentAudio, stream_segment
from dora_primespeech_mlx.text import Phones
from dora_primespeech_mlx.voices.library import Voice

ATTEMPTS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Everything one text is spoken with: ``batch`` sentences at a time, ``whole`` ones with all codes made first."""

    voice: Voice
    language: str
    speed: float
    seed: int
    sampling: Sampling
    noise_scale: float
    schedule: Schedule
    cancelled: Callable[[], bool]
    whole: bool
    batch: int
    timing: Timing = field(default_factory=Timing)
    codes: list[tuple[int, ...]] = field(default_factory=list)


class CancelledError(Exception):
    """The caller no longer wants the text."""


@dataclass(frozen=True)
class Reading:
    """A sentence on its way: its phones, their and the prompt's features, and its codes where they are made already."""

    text: str
    number: int
    phones: Phones
    bert: np.ndarray | None
    codes: tuple[int, ...] | None = None


def read(text: str, number: int, request: Request) -> Reading:
    """Phones and features of a sentence.

    Args:
        text: the sentence.
        number: its index in the text, which with the request's seed fixes the noise.
        request: how to speak.

    Raises:
        ValueError: nothing in the sentence can be spoken, or its language is not supported.
    """
    with request.timing.measure("frontend"):
        phones = request.voice.frontend(text, request.language)
        return Reading(text, number, phones, request.voice.prosody(phones))


def decode_together(readings: Sequence[Reading], request: Request, guard: Guard) -> list[Reading]:
    """Makes the codes of several sentences at once; one that ``guard`` finds wrong is left without them."""
    made: list[list[int]] = [[] for _ in readings]
    texts = [_text(reading, (request.seed, reading.number, 0), request) for reading in readings]
    with request.timing.measure("t2s"):
        steps = generate_many(
            request.voice.t2s,
            texts,
            request.voice.codes,
            sampling=request.sampling,
            limit=_limit(request),
            cancelled=request.cancelled,
        )
        for step in steps:
            for codes, code in zip(made, step, strict=True):
                codes += [] if code is None else [code]
    return [
        replace(reading, codes=tuple(codes)) if _is_sound(codes, reading, guard) else reading
        for reading, codes in zip(readings, made, strict=True)
    ]


def speak(reading: Reading, request: Request, guard: Guard) -> Iterator[np.ndarray]:
    """Samples of a sentence.

    A reading that ``guard`` finds wrong before anything was heard is tried again with other noise.

    Yields:
        float32 [n], at most a second each.

    Raises:
        CancelledError: the request is cancelled.
    """
    voice = request.voice
    for attempt in range(ATTEMPTS):
        seed = (request.seed, reading.number, attempt)
        audio = SegmentAudio(
            voice.sovits,
            reading.phones.ids,
            voice.ge,
            NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, seed),
            request.noise_scale,
            request.speed,
        )
        if reading.codes is not None:
            yield from _render(audio, iter(reading.codes), request)
            request.codes.append(reading.codes)
            return
        codes: list[int] = []
        heard = False
        may_retry = attempt + 1 < ATTEMPTS
        source = _codes(reading, codes, seed, request, guard, lambda: may_retry and not heard)  # noqa: B023
        try:
            for samples in _render(audio, source, request):
                heard = True
                yield samples
        except CollapseError as error:
            logger.warning("%r is read again: %s", reading.text, error)
            continue
        request.codes.append(tuple(codes))
        return


def _text(reading: Reading, seed: tuple[int, ...], request: Request) -> Text:
    voice = request.voice
    noise = NoiseTable("exponential", voice.t2s.config.vocabulary, seed)
    return Text(np.concatenate([voice.prompt_ids, reading.phones.ids]), reading.bert, noise)


def _limit(request: Request) -> int:
    return min(MAXIMUM_CODES, 2 * CODES_PER_SECOND * request.voice.t2s.config.max_seconds + 1)


def _is_sound(codes: list[int], reading: Reading, guard: Guard) -> bool:
    try:
        for count in range(len(codes) + 1):
            guard.check(codes[:count], len(reading.phones.ids))
        guard.check_end(codes, len(reading.phones.ids))
    except CollapseError:
        return False
    return True


def _codes(
    reading: Reading,
    codes: list[int],
    seed: tuple[int, ...],
    request: Request,
    guard: Guard,
    may_retry: Callable[[], bool],
) -> Iterator[int]:
    """Codes of a sentence, kept in ``codes`` too; a collapse raises while ``may_retry`` and ends them otherwise."""
    timing, text = request.timing, _text(reading, seed, request)
    source = generate(
        request.voice.t2s,
        text.phones,
        text.bert,
        request.voice.codes,
        sampling=request.sampling,
        noise=text.noise,
        limit=_limit(request),
        cancelled=request.cancelled,
    )
    while True:
        with timing.measure("t2s"):
            code = next(source, None)
        if request.cancelled():
            raise CancelledError
        try:
            if code is None:
                guard.check_end(codes, len(reading.phones.ids))
                return
            guard.check([*codes, code], len(reading.phones.ids))
        except CollapseError as error:
            if may_retry():
                raise
            logger.warning("a sentence is cut short, or its reading may be wrong: %s", error)
            return
        codes.append(code)
        yield code


def _render(audio: SegmentAudio, codes: Iterator[int], request: Request) -> Iterator[np.ndarray]:
    """Samples of a sentence; with ``whole`` all codes are made first and the schedule does not change the audio."""
    timing = request.timing
    stream = stream_segment(audio, list(codes) if request.whole else codes, request.schedule)
    while True:
        decoding = timing.t2s
        with timing.measure("sovits"):
            samples = next(stream, None)
        timing.sovits -= timing.t2s - decoding
        if samples is None:
            return
        yield samples
