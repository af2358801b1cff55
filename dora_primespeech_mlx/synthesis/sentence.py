"""One sentence: phones to codes to samples, with a second try when the model loses the text."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.speech import Timing
from dora_primespeech_mlx.synthesis.decoding import (
    CODES_PER_SECOND,
    MAXIMUM_CODES,
    CollapseError,
    Guard,
    Row,
    generate,
    generate_many,
)
from dora_primespeech_mlx.synthesis.diffusion import DiffusionAudio, stream_diffusion
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
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
class PreparedSentence:
    """A sentence on its way: its phones, their and the prompt's features, and its codes where they are made already."""

    text: str
    number: int
    phones: Phones
    bert: np.ndarray | None
    codes: tuple[int, ...] | None = None


def prepare(text: str, number: int, request: Request) -> PreparedSentence:
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
        return PreparedSentence(text, number, phones, request.voice.prosody(phones))


def decode_together(sentences: Sequence[PreparedSentence], request: Request, guard: Guard) -> list[PreparedSentence]:
    """Makes the codes of several sentences at once; one that ``guard`` finds wrong is left without them."""
    made: list[list[int]] = [[] for _ in sentences]
    texts = [_text(sentence, (request.seed, sentence.number, 0), request) for sentence in sentences]
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
        replace(sentence, codes=tuple(codes)) if _is_sound(codes, sentence, guard) else sentence
        for sentence, codes in zip(sentences, made, strict=True)
    ]


def speak(sentence: PreparedSentence, request: Request, guard: Guard) -> Iterator[np.ndarray]:
    """Samples of a sentence.

    A sentence that ``guard`` finds wrong before anything was heard is tried again with other noise.

    Yields:
        float32 [n], at most a second each.

    Raises:
        CancelledError: the request is cancelled.
    """
    for attempt in range(ATTEMPTS):
        seed = (request.seed, sentence.number, attempt)
        audio = _audio(sentence, seed, request)
        if sentence.codes is not None:
            yield from _render(audio, iter(sentence.codes), request)
            request.codes.append(sentence.codes)
            return
        codes: list[int] = []
        heard = False
        may_retry = attempt + 1 < ATTEMPTS
        source = _codes(sentence, codes, seed, request, guard, lambda: may_retry and not heard)  # noqa: B023
        try:
            for samples in _render(audio, source, request):
                heard = True
                yield samples
        except CollapseError as error:
            logger.warning("%r is read again: %s", sentence.text, error)
            continue
        request.codes.append(tuple(codes))
        return


def _audio(sentence: PreparedSentence, seed: tuple[int, ...], request: Request) -> SentenceAudio | DiffusionAudio:
    """The latents of a sentence, or its mel where the voice is of v3 or v4."""
    voice, ids = request.voice, sentence.phones.ids

    def check() -> None:
        if request.cancelled():
            raise CancelledError

    if voice.diffusion is not None:
        noise = NoiseTable("normal", voice.diffusion.mel.shape[1], seed)
        return DiffusionAudio(voice.diffusion, ids, voice.ge, noise, request.speed, check)
    sovits = cast(SovitsRunner, voice.sovits)
    noise = NoiseTable("normal", sovits.config.vocoder.inter_channels, seed)
    return SentenceAudio(sovits, ids, voice.ge, noise, request.noise_scale, request.speed)


def _text(sentence: PreparedSentence, seed: tuple[int, ...], request: Request) -> Row:
    voice = request.voice
    noise = NoiseTable("exponential", voice.t2s.config.vocabulary, seed)
    return Row(np.concatenate([voice.prompt_ids, sentence.phones.ids]), sentence.bert, noise)


def _limit(request: Request) -> int:
    return min(MAXIMUM_CODES, 2 * CODES_PER_SECOND * request.voice.t2s.config.max_seconds + 1)


def _is_sound(codes: list[int], sentence: PreparedSentence, guard: Guard) -> bool:
    try:
        for count in range(len(codes) + 1):
            guard.check(codes[:count], len(sentence.phones.ids))
        guard.check_end(codes, len(sentence.phones.ids))
    except CollapseError:
        return False
    return True


def _codes(
    sentence: PreparedSentence,
    codes: list[int],
    seed: tuple[int, ...],
    request: Request,
    guard: Guard,
    may_retry: Callable[[], bool],
) -> Iterator[int]:
    """Codes of a sentence, kept in ``codes`` too; a collapse raises while ``may_retry`` and ends them otherwise."""
    timing, text = request.timing, _text(sentence, seed, request)
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
                guard.check_end(codes, len(sentence.phones.ids))
                return
            guard.check([*codes, code], len(sentence.phones.ids))
        except CollapseError as error:
            if may_retry():
                raise
            logger.warning("a sentence is cut short, or its reading may be wrong: %s", error)
            return
        codes.append(code)
        yield code


def _render(audio: SentenceAudio | DiffusionAudio, codes: Iterator[int], request: Request) -> Iterator[np.ndarray]:
    """Samples of a sentence; with ``whole`` all codes are made first and the schedule does not change the audio."""
    timing, schedule = request.timing, request.schedule
    source = list(codes) if request.whole else codes
    if isinstance(audio, DiffusionAudio):
        stream = stream_diffusion(audio, source, schedule.chunk, audio.schedule)
    else:
        stream = stream_sentence(audio, source, schedule)
    while True:
        decoding = timing.t2s
        with timing.measure("sovits"):
            samples = next(stream, None)
        timing.sovits -= timing.t2s - decoding
        if samples is None:
            return
        yield samples
