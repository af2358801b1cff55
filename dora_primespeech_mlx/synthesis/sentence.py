"""One sentence: phones to codes to samples, with a second try when the model loses the text."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from dora_primespeech_mlx.runtime.alignment import FEWEST_CODES, LEAST_FITTING, Follower, fit
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.settings import SPEED
from dora_primespeech_mlx.speech import Manner, Omission, Timing, Word
from dora_primespeech_mlx.synthesis.decoding import (
    CODES_PER_SECOND,
    MAXIMUM_CODES,
    Decoder,
    Decoders,
    Guard,
    Row,
    generate_many,
)
from dora_primespeech_mlx.synthesis.diffusion import DiffusionAudio, stream_diffusion
from dora_primespeech_mlx.synthesis.needs import Need, Work, alone
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Listener, Pace, Schedule, SentenceAudio, sentence_units
from dora_primespeech_mlx.synthesis.words import SentenceWords
from dora_primespeech_mlx.voices.library import Voice

if TYPE_CHECKING:
    from dora_primespeech_mlx.text import Phones
    from dora_primespeech_mlx.text.sentences import Sentence

ATTEMPTS = 2
GUARD = Guard()

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Everything one text is spoken with, and what has come of it.

    Attributes:
        voice: who speaks.
        manner: how; its seed is drawn.
        schedule: how audio is cut into chunks; None for what suits the executor.
        pace: how long audio takes here.
        cancelled: asked between two codes and two chunks.
        whole: make all codes of a sentence before its audio.
        batch: sentences decoded together.
        decoders: which other texts share.
        listener: who hears the text.
        timing: time spent.
        codes: of each sentence.
        omissions: sentences that were left out or cut short.
        voices: the voice in the styles that sentences ask for, by their names.
    """

    voice: Voice
    manner: Manner
    schedule: Schedule | None
    pace: Pace
    cancelled: Callable[[], bool]
    whole: bool
    batch: int
    decoders: Decoders = field(default_factory=Decoders)
    listener: Listener = field(default_factory=Listener)
    timing: Timing = field(default_factory=Timing)
    codes: list[tuple[int, ...]] = field(default_factory=list)
    omissions: list[Omission] = field(default_factory=list)
    voices: dict[str, Voice] = field(default_factory=dict)

    def hear(self, samples: int) -> None:
        """So much audio has been made."""
        self.listener.hear(samples / self.voice.sample_rate)
        self.pace.waiting.discard(self.listener)

    def handed_on(self, need: Need | None) -> Iterator[Need | None]:
        """What is needed, or None, and once it is met its time is counted."""
        if need is not None and not self.listener.heard:
            self.pace.waiting.add(self.listener)
        yield need
        if need is not None:
            self.timing.add(need.stage, need.took)


class CancelledError(Exception):
    """The caller no longer wants the text."""


class CollapseError(Exception):
    """The model has lost the text before anything of it was heard."""


@dataclass(frozen=True)
class PreparedSentence:
    """A sentence on its way.

    Attributes:
        sentence: its text and place.
        number: its index in the text, which with the seed fixes the noise.
        phones: of the sentence.
        bert: features of the prompt's phones and its own, float32 [n, 1024], or None for zeros.
        codes: where they are made already.
        attempt: the try that is next, from 0.
        words: with the codes, when its words are spoken.
    """

    sentence: "Sentence"
    number: int
    phones: "Phones"
    bert: np.ndarray | None
    codes: tuple[int, ...] | None = None
    attempt: int = 0
    words: SentenceWords | None = None


class Spoken(NamedTuple):
    """Samples of a sentence, float32 [n], and the words that begin in them, the times from the sentence's beginning."""

    samples: np.ndarray
    words: tuple[Word, ...]


def prepare(sentence: "Sentence", number: int, request: Request) -> PreparedSentence:
    """Phones and features of a sentence.

    Raises:
        ValueError: nothing in the sentence can be spoken, or its language is not supported.
    """
    phones = request.voice.frontend(sentence.text, sentence.language, notes=sentence.notes)
    return PreparedSentence(sentence, number, phones, request.voice.prosody(phones))


def decode_together(sentences: Sequence[PreparedSentence], request: Request) -> list[PreparedSentence]:
    """Makes the codes of several sentences at once; one that loses its text is left to its second try."""
    words = {_row(sentence, request): _words(sentence, request) for sentence in sentences}
    with request.timing.measure("t2s"):
        for _ in generate_many(request.voice.t2s, list(words), lambda row: words[row].follow(row)):
            pass
    return [
        replace(sentence, attempt=1) if row.fault else replace(sentence, codes=tuple(row.codes), words=own)
        for sentence, (row, own) in zip(sentences, words.items(), strict=True)
    ]


def speak(sentence: PreparedSentence, request: Request) -> Iterator[Spoken | Need | None]:
    """Samples of a sentence, and its words.

    One that loses its text before anything was heard is tried again with other noise; later, it is cut short there and
    named in `Request.omissions`.

    Yields:
        at most a second each; what is needed on the way; None after a little work that gave none.

    Raises:
        CancelledError: the request is cancelled.
    """
    for attempt in range(sentence.attempt, ATTEMPTS):
        row = _row(replace(sentence, attempt=attempt), request)
        audio = _audio(sentence, attempt, request)
        last = attempt + 1 == ATTEMPTS
        words = sentence.words or _words(sentence, request)
        codes = _codes(row, words, audio, request, last) if sentence.codes is None else sentence.codes
        try:
            for samples in _render(audio, codes, request):
                if isinstance(samples, np.ndarray):
                    words.follow(row)
                    yield Spoken(_leveled(samples, request.voice.gain), words.take(samples))
                else:
                    yield samples
        except CollapseError as error:
            logger.warning("%r is read again: %s", sentence.sentence.text, error)
            continue
        request.codes.append(tuple(row.codes) if sentence.codes is None else sentence.codes)
        if row.fault:
            logger.warning("%r is cut short, or its reading may be wrong: %s", sentence.sentence.text, row.fault)
            request.omissions.append(Omission(sentence.sentence.text, "cut short", row.fault))
        return


def _leveled(samples: np.ndarray, gain: float) -> np.ndarray:
    """Samples as loud as the voice is to be, within -1..1; the very samples where the gain is 1."""
    return samples if gain == 1.0 else np.clip(samples * np.float32(gain), -1.0, 1.0)


def _audio(sentence: PreparedSentence, attempt: int, request: Request) -> SentenceAudio | DiffusionAudio:
    """The latents of a sentence, or its mel where the voice is of v3 or v4."""
    voice, seed, pace = request.voice, _seed(sentence, attempt, request), _pace(sentence, request)
    if voice.diffusion is not None:
        noise = NoiseTable("normal", voice.diffusion.mel.shape[1], seed)
        return DiffusionAudio(voice.diffusion, sentence.phones.ids, voice.ge, noise, pace)
    sovits = cast(SovitsRunner, voice.sovits)
    noise = NoiseTable("normal", sovits.config.vocoder.inter_channels, seed)
    scale, behind = request.manner.noise_scale, sentence.number > 0
    return SentenceAudio(sovits, sentence.phones.ids, voice.ge, noise, scale, pace, behind)


def _words(sentence: PreparedSentence, request: Request) -> SentenceWords:
    """The words of a sentence, none of which is spoken yet."""
    voice, phones = request.voice, sentence.phones
    follower = None
    if voice.head is not None:
        follower = Follower(voice.head, (len(voice.prompt_ids), len(phones.ids)), len(voice.codes))
    return SentenceWords(sentence.sentence, phones, follower, _pace(sentence, request), voice.sample_rate)


def _pace(sentence: PreparedSentence, request: Request) -> float:
    """How fast the networks speak a sentence, with what the text asks for."""
    speed = request.manner.speed * sentence.sentence.rate
    return replace(request.manner, speed=max(SPEED.low, min(SPEED.high, speed))).pace


def _seed(sentence: PreparedSentence, attempt: int, request: Request) -> tuple[int, ...]:
    return (request.manner.seed or 0, sentence.number, attempt)


def _row(sentence: PreparedSentence, request: Request) -> Row:
    voice, phones = request.voice, sentence.phones.ids
    return Row(
        np.concatenate([voice.prompt_ids, phones]),
        sentence.bert,
        NoiseTable("exponential", voice.t2s.config.vocabulary, _seed(sentence, sentence.attempt, request)),
        len(phones),
        prompt=voice.codes,
        sampling=request.manner.sampling,
        guard=GUARD,
        limit=min(MAXIMUM_CODES, 2 * CODES_PER_SECOND * voice.t2s.config.max_seconds + 1),
        cancelled=request.cancelled,
    )


def _codes(
    row: Row, words: SentenceWords, audio: SentenceAudio | DiffusionAudio, request: Request, last: bool
) -> Iterator[int | Need]:
    """Codes of a row and what they need. A collapse raises unless something was heard or this try is the last."""
    decoder = request.decoders.of(request.voice.t2s)
    try:
        joined: Need[Row] = _decoding(decoder, decoder.join, row, "join", decoder.most_joins)
        yield joined
        row = joined.result
        if isinstance(audio, SentenceAudio):
            row.opening = audio.opening(request.schedule or audio.schedule)
            yield from audio.prepare()
        while row.running:
            step: Need[list[int]] = _decoding(decoder, decoder.begin, row, "codes", decoder.most)
            yield step
            yield from step.result
        words.follow(row)
        _look_at_prompt(row, request.voice)
    finally:
        decoder.leave(row)
    if request.cancelled():
        raise CancelledError
    if row.fault and not (last or audio.frozen):
        raise CollapseError(row.fault)


def _decoding(decoder: Decoder, do: Work[Any], row: Row, name: str, most: int) -> Need[Any]:
    """A piece of a decoder's work for a row, done at once with that of the same name for its other rows."""
    return Need("t2s", do, row, (id(decoder), name), most, decoder.beside(do))


def _look_at_prompt(row: Row, voice: Voice) -> None:
    """Says, with the first sentence of a prompt, if its text is hardly what its recording says."""
    prompt, head = voice.prompt, voice.head
    if head is None or row.cached is None or prompt.fits or len(prompt.codes) < FEWEST_CODES:
        return
    prompt.fits.append(fit(head, row.cached, (len(prompt.ids), len(row.phones)), len(prompt.codes)))
    if prompt.fits[0] < LEAST_FITTING:
        logger.warning(
            "the recording that the voice %r follows hardly says its text: give ref_text exactly as it is spoken, and "
            "its language as prompt_lang, or what the voice says is unclear",
            voice.name,
        )


def _render(
    audio: SentenceAudio | DiffusionAudio, codes: Iterator[int | Need] | tuple[int, ...], request: Request
) -> Iterator[np.ndarray | Need | None]:
    """Samples of a sentence; with `whole` all codes are made first and the schedule does not change the audio."""
    if request.whole:
        with request.timing.measure("t2s"):
            codes = tuple(code for code in codes if not isinstance(code, Need))
    if isinstance(audio, DiffusionAudio):
        chunk = (request.schedule or Schedule()).chunk
        stream = _in_steps(stream_diffusion(audio, codes, chunk, audio.schedule))
    else:
        pace = None if audio.few_calls else request.pace
        stream = sentence_units(audio, codes, request.schedule or audio.schedule, pace, request.listener)
    for samples in stream:
        if isinstance(samples, np.ndarray) and not np.isfinite(samples).all():
            raise ValueError(
                f"the model of the voice {request.voice.name!r} gives samples that are not numbers: speak with "
                "PRECISION=fp32, or convert an earlier epoch of its training"
            )
        yield samples


def _in_steps(stream: Iterator[np.ndarray | Need | None]) -> Iterator[np.ndarray | Need | None]:
    """A stream that works when it is asked, with each such piece of work as a need."""
    while True:
        step = alone("sovits", lambda: list(islice(stream, 1)))
        yield step
        if not step.result:
            return
        yield from step.result
