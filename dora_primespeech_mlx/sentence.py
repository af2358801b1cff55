"""One sentence: phones to codes to samples, with a second try when the model loses the text."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from dora_primespeech_mlx.decoding import CODES_PER_SECOND, MAXIMUM_CODES, CollapseError, Guard, generate
from dora_primespeech_mlx.frontend import Phones
from dora_primespeech_mlx.library import Voice
from dora_primespeech_mlx.noise import NoiseTable
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.speech import Timing
from dora_primespeech_mlx.streaming import Schedule, SegmentAudio, stream_segment

ATTEMPTS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Everything one text is spoken with."""

    voice: Voice
    language: str
    speed: float
    seed: int
    sampling: Sampling
    noise_scale: float
    schedule: Schedule
    cancelled: Callable[[], bool]
    whole: bool
    timing: Timing = field(default_factory=Timing)
    codes: list[tuple[int, ...]] = field(default_factory=list)


class CancelledError(Exception):
    """The caller no longer wants the text."""


def speak(text: str, number: int, request: Request, guard: Guard) -> Iterator[np.ndarray]:
    """Samples of one sentence.

    A reading that `Guard` finds wrong before anything was heard is tried again with other noise.

    Args:
        text: the sentence.
        number: its index in the text, which with the request's seed fixes the noise.
        request: how to speak.
        guard: what counts as wrong.

    Yields:
        float32 [n], at most a second each.

    Raises:
        CancelledError: the request is cancelled.
        ValueError: nothing in the sentence can be spoken, or its language is not supported.
    """
    voice, timing = request.voice, request.timing
    with timing.measure("frontend"):
        phones = voice.frontend(text, request.language)
        bert = voice.prosody(phones)
    for attempt in range(ATTEMPTS):
        seed = (request.seed, number, attempt)
        audio = SegmentAudio(
            voice.sovits,
            phones.ids,
            voice.ge,
            NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, seed),
            request.noise_scale,
            request.speed,
        )
        codes: list[int] = []
        heard = False
        may_retry = attempt + 1 < ATTEMPTS
        source = _codes(phones, bert, codes, seed, request, guard, lambda: may_retry and not heard)  # noqa: B023
        try:
            for samples in _render(audio, source, request):
                heard = True
                yield samples
        except CollapseError as error:
            logger.warning("%r is read again: %s", text, error)
            continue
        request.codes.append(tuple(codes))
        return


def _codes(
    phones: Phones,
    bert: np.ndarray | None,
    codes: list[int],
    seed: tuple[int, ...],
    request: Request,
    guard: Guard,
    may_retry: Callable[[], bool],
) -> Iterator[int]:
    """Codes of a sentence, kept in ``codes`` too; a collapse raises while ``may_retry`` and ends them otherwise."""
    voice, timing = request.voice, request.timing
    source = generate(
        voice.t2s,
        np.concatenate([voice.prompt_ids, phones.ids]),
        bert,
        voice.codes,
        sampling=request.sampling,
        noise=NoiseTable("exponential", voice.t2s.config.vocabulary, seed),
        limit=min(MAXIMUM_CODES, 2 * CODES_PER_SECOND * voice.t2s.config.max_seconds + 1),
        cancelled=request.cancelled,
    )
    while True:
        with timing.measure("t2s"):
            code = next(source, None)
        if request.cancelled():
            raise CancelledError
        try:
            if code is None:
                guard.check_end(codes, len(phones.ids))
                return
            guard.check([*codes, code], len(phones.ids))
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
