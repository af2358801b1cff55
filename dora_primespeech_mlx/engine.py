"""Text and a voice to audio chunks: the whole way on one page.

    text - sentences - phones - codes - latents - samples

Each stage is a generator over the one before it, and speaking a whole text is joining its chunks.
"""

import logging
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from dora_primespeech_mlx.files.sounds import audio_file, written_as
from dora_primespeech_mlx.files.writing import check_place, replace_file
from dora_primespeech_mlx.names.values import Number, parse
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.settings import Settings, checked
from dora_primespeech_mlx.speech import AudioChunk, Manner, Omission, Speech, Style, Wishes, Word
from dora_primespeech_mlx.synthesis.decoding import Decoders
from dora_primespeech_mlx.synthesis.needs import Need, alone
from dora_primespeech_mlx.synthesis.scheduler import Scheduler, Turn
from dora_primespeech_mlx.synthesis.sentence import (
    CancelledError,
    PreparedSentence,
    Request,
    Spoken,
    decode_together,
    prepare,
    speak,
)
from dora_primespeech_mlx.synthesis.streaming import Pace, Schedule, render_lengths
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.entry import VoiceEntry
from dora_primespeech_mlx.voices.fields import shown
from dora_primespeech_mlx.voices.library import Library, Voice

if TYPE_CHECKING:
    from dora_primespeech_mlx.text.sentences import Sentence

__all__ = ["AudioChunk", "Engine", "Speech", "synthesize"]

WARM_UP_TEXT = {
    "zh": "你好，世界。", "en": "Hello, world.", "auto": "Hello, world. 你好，世界。", "ja": "こんにちは、世界。",
    "ko": "안녕, 세상아.", "yue": "你好，世界。", "auto_yue": "Hello, world. 你好，世界。",
}  # fmt: skip

TOGETHER = (4, 16)
"""Texts that a warm-up speaks at once."""
BATCH = Number(1, 256, integer=True)

logger = logging.getLogger(__name__)


class Engine:
    """Speaks texts. All calls must come from the thread that made the engine, since MLX belongs to a thread."""

    def __init__(self, library: Library, settings: Settings):
        self._library = library
        self._settings = settings
        self._decoders = Decoders()
        self._pace = Pace()

    @classmethod
    def from_config(cls, voices: str | Path, settings: Settings | None = None) -> Self:
        """An engine for the voices of a `voices.json`; loads the default voice.

        Raises:
            FileNotFoundError, ValueError: as `book.read_voices` and `library.Library.voice`.
        """
        _check_type("voices", voices, str, Path, optional=False)
        _check_type("settings", settings, Settings)
        settings = settings or Settings(voices=Path(voices))
        engine = cls(Library(read_voices(voices), settings), settings)
        engine.load_voice(settings.voice)
        return engine

    @property
    def voice_names(self) -> list[str]:
        """Names of all voices."""
        return self._library.names

    @property
    def threads(self) -> int:
        """How many texts a scheduler may have work done for side by side, with the default voice."""
        return self.load_voice().threads

    def load_voice(self, name: str | None = None) -> Voice:
        """Loads a voice, once; None is the default voice. ValueError for an unknown name lists the known ones."""
        _check_type("name", name, str)
        return self._library.voice(name or self._settings.voice)

    def describe_voice(self, name: str | None = None) -> VoiceEntry:
        """What the file says of a voice. Errors as `load_voice`."""
        return self._library.entry(name or self._settings.voice)

    def build_voice(self, entry: VoiceEntry) -> Voice:
        """Loads a voice that is not in the file and keeps it nowhere. Errors as `library.Library.load`."""
        return self._library.load(entry)

    def use_voice(self, voice: Voice) -> None:
        """A voice that `build_voice` gave is spoken with again; see `library.Library.use`."""
        self._library.use(voice)

    def keeps_voice(self, voice: Voice) -> bool:
        """Whether a voice that `build_voice` gave still shares its networks; see `library.Library.keeps`."""
        return self._library.keeps(voice)

    def warm_up(self) -> None:
        """Speaks a short sentence of each language in use, so that the first text finds everything ready."""
        from dora_primespeech_mlx.text.rules import compile_all

        if self.threads > 1 and self._settings.max_sessions != 1:
            voice = self.load_voice()
            voice.t2s.beside()  # what texts side by side need is begun when first asked for
            cast(SovitsRunner, voice.sovits).beside()
        language = self.settle({}).language
        text = WARM_UP_TEXT.get(language, WARM_UP_TEXT["auto"])
        for _ in self.stream(text, seed=0):
            pass
        if self.load_voice().launch_bound:
            self._warm_up_together(text)
        compile_all()

    def _warm_up_together(self, text: str) -> None:
        """Speaks more and more texts at once: a device prepares each number and length of rows that it sees first."""
        voice = self.load_voice()
        sovits = cast(SovitsRunner, voice.sovits)
        for count in (1, *TOGETHER):
            if count > (self._settings.max_sessions or count):
                return
            render_lengths(sovits, voice.ge, count)
            scheduler: Scheduler[int] = Scheduler(count)
            for seed in range(count):
                scheduler.add(Turn(seed, self.speak(text, self.settle({"seed": seed}))))
            while (turn := scheduler.next()) is not None:
                scheduler.work(turn)

    def settle(self, wishes: Wishes, voice: Voice | None = None) -> Manner:
        """How a text is spoken: as `wishes` say, else the settings, else the voice, else `Manner`'s defaults.

        `voice` is the one that speaks, if it is not one of the file. ValueError for an unknown voice.
        """
        said = self._settings.wishes
        voice = voice or self.load_voice(wishes.get("voice"))
        manner = Manner.settled(wishes, said, voice.wishes)
        return manner if manner.seed is not None else replace(manner, seed=secrets.randbits(32))

    def stream(
        self,
        text: str | Iterable[str | None],
        *,
        voice: str | Voice | None = None,
        style: str | Style | None = None,
        language: str | None = None,
        speed: float | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        noise_scale: float | None = None,
        schedule: Schedule | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[AudioChunk]:
        """Speaks a text.

        Args:
            text: the whole text, or its pieces as they come (an LLM's tokens): sentences are spoken as soon as they
                end. A piece of None is passed over.
            voice: name or alias, or a voice itself; None is the default voice.
            style: whose prosody the voice follows with its own timbre: one of its styles or another voice of its model
                by name, or a `Style`, a recording and what it says; None is the voice's own.
            language: "auto", "zh", "en", "ja", "ko", "yue" or "auto_yue", in any usual spelling; None is the voice's.
            speed: 0.5 to 2, above 1 is faster; None is the voice's.
            seed: fixes the result; None and -1 draw one.
            sampling: how codes are drawn; None is the voice's.
            noise_scale: deviation of the latents, 0 to 2; None is the settings'.
            schedule: how audio is cut into chunks; None for what suits the executor.
            cancelled: asked between two codes and two chunks; once true, nothing more is yielded.

        Yields:
            chunks of at most a second; the last one of each sentence is the pause after it. A text with nothing to
            speak in it has no chunk.

        Raises:
            ValueError: an unknown voice or style, a value out of bounds or of another kind, or a text in a language
                that the voice or this installation does not speak.
        """
        wishes = _wishes(voice, style, language, speed, seed, sampling, noise_scale)
        own = voice if isinstance(voice, Voice) else None
        _check_type("schedule", schedule, Schedule)
        _check_callable("cancelled", cancelled)
        units = self.speak(_texts(text), self.settle(wishes, own), own, schedule, cancelled)
        return (chunk for chunk in units if isinstance(chunk, AudioChunk))

    def speak(
        self,
        text: str | Iterable[str | None],
        manner: Manner,
        voice: Voice | None = None,
        schedule: Schedule | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Generator[AudioChunk | Need | None, None, None]:
        """The chunks of `stream`, and before them what they need, so that others may have a turn or need the same.

        Pieces of a text may be None: nothing has come yet, which is handed on. `manner` is one that `settle` gave,
        `voice` as there.
        """
        return self._units(text, self._request(manner, voice, schedule, cancelled))

    def synthesize(
        self,
        text: str,
        *,
        voice: str | Voice | None = None,
        style: str | Style | None = None,
        language: str | None = None,
        speed: float | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        noise_scale: float | None = None,
        batch: int = 4,
        on_chunk: Callable[[AudioChunk], None] | None = None,
    ) -> Speech:
        """Speaks a whole text: the chunks of `stream`, joined. Arguments and errors as there.

        `batch` sentences, 1 to 256, are decoded together, which changes nothing but the speed. `on_chunk` is told each
        chunk.
        """
        own = voice if isinstance(voice, Voice) else None
        _check_callable("on_chunk", on_chunk)
        manner = self.settle(_wishes(voice, style, language, speed, seed, sampling, noise_scale), own)
        request = self._request(manner, own, whole=True, batch=parse("batch", str(batch), BATCH))
        pieces: list[np.ndarray] = []
        words: list[Word] = []
        for chunk in self._units(_texts(text), request):
            if isinstance(chunk, AudioChunk):
                if on_chunk is not None:
                    on_chunk(chunk)
                pieces.append(chunk.samples)
                words += chunk.words
        audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        codes, omissions = tuple(request.codes), tuple(request.omissions)
        voice, timing = request.voice, request.timing
        return Speech(audio, voice.sample_rate, codes, timing, omissions, voice.model, tuple(words))

    def _request(
        self,
        manner: Manner,
        voice: Voice | None = None,
        schedule: Schedule | None = None,
        cancelled: Callable[[], bool] | None = None,
        whole: bool = False,
        batch: int = 1,
    ) -> Request:
        return Request(
            voice=self._library.styled(voice or self.load_voice(manner.voice), manner.style),
            manner=manner,
            schedule=schedule,
            pace=self._pace,
            cancelled=cancelled or (lambda: False),
            whole=whole,
            batch=batch,
            decoders=self._decoders,
        )

    def _units(
        self, text: str | Iterable[str | None], request: Request
    ) -> Generator[AudioChunk | Need | None, None, None]:
        began, index, told, made = time.perf_counter(), 0, 0, 0
        pause: AudioChunk | None = None
        try:
            for prepared in self._prepared(text, request):
                if not isinstance(prepared, PreparedSentence):
                    yield from request.handed_on(prepared)
                    continue
                if prepared.sentence.pause is not None:
                    silence = _silence(prepared.sentence.pause, request)
                    pause = replace(pause or _chunk(silence, index, prepared, request), samples=silence)
                    index = pause.index + 1
                if pause is not None:
                    if request.cancelled():
                        return
                    request.hear(len(pause.samples))
                    yield replace(pause, omissions=tuple(request.omissions[told:]))
                    told = len(request.omissions)
                    made += len(pause.samples)
                before = made / request.voice.sample_rate
                for spoken in speak(prepared, self._in_style(prepared.sentence, request)):
                    if request.cancelled():
                        return
                    if not isinstance(spoken, Spoken):
                        yield from request.handed_on(spoken)
                        continue
                    if index == 0:
                        request.timing.first_audio = time.perf_counter() - began
                    words = tuple(word.later(before) for word in spoken.words)
                    request.hear(len(spoken.samples))
                    yield replace(_chunk(spoken.samples, index, prepared, request), words=words)
                    index += 1
                    made += len(spoken.samples)
                silence = _silence(self._settings.fragment_interval, request)
                pause = replace(_chunk(silence, index, prepared, request), sentence_final=True)
                index += 1
        except CancelledError:
            return
        finally:
            request.pace.waiting.discard(request.listener)
        request.timing.total = time.perf_counter() - began
        if pause is not None and not request.cancelled():
            yield replace(pause, final=True, omissions=tuple(request.omissions[told:]))

    def _prepared(self, text: str | Iterable[str | None], request: Request) -> Iterator[PreparedSentence | Need | None]:
        """Sentences with their phones, and with their codes where several are decoded together; what they need first.

        A sentence that cannot be read is left out with a warning; if none can be, the reason is raised.
        """
        refused: ValueError | None = None
        readable = False
        group: list[PreparedSentence] = []
        number = 0
        for sentence in self._sentences(text, request.manner.language):
            if sentence is None:
                yield None
                continue
            if group and group[0].sentence.style != sentence.style:
                yield from self._decoded(group, request)
                group = []
            reading = alone("frontend", partial(prepare, sentence, number, self._in_style(sentence, request)))
            yield reading
            try:
                group.append(reading.result)
                readable = True
            except ValueError as error:
                logger.warning("%r is left out: %s", sentence.text, error)
                request.omissions.append(Omission(sentence.text, "left out", str(error)))
                refused = error
            number += 1
            if len(group) == request.batch:
                yield from self._decoded(group, request)
                group = []
        yield from self._decoded(group, request)
        if refused is not None and not readable:
            raise refused

    def _sentences(self, text: str | Iterable[str | None], language: str) -> "Iterator[Sentence | None]":
        from dora_primespeech_mlx.text.sentences import sentences_of

        return sentences_of(text, language, self._settings.split_method, self._settings.strip_markup)

    def _decoded(self, group: list[PreparedSentence], request: Request) -> list[PreparedSentence]:
        return decode_together(group, self._in_style(group[0].sentence, request)) if len(group) > 1 else group

    def _in_style(self, sentence: "Sentence", request: Request) -> Request:
        """The request with the voice in the style that a sentence asks for; one that cannot be followed is named."""
        if not sentence.style:
            return request
        if sentence.style not in request.voices:
            voice = request.voice
            try:
                voice = self._library.styled(voice, sentence.style)
            except (ValueError, OSError) as error:
                logger.warning("%s", error)
            request.voices[sentence.style] = voice
        return replace(request, voice=request.voices[sentence.style])


def synthesize(
    text: str, *, model_dir: str | Path, voice_name: str | None = None, output_path: str | Path | None = None
) -> Speech:
    """Speaks one text.

    Args:
        text: what to say.
        model_dir: a `voices.json`, or the folder it lies in.
        voice_name: name or alias; None is the default voice.
        output_path: sound file to write, .wav, .flac or .ogg.

    Raises:
        OSError, ValueError: as `Engine.from_config`, `Engine.stream`, `files.sounds.audio_file` and, before anything is
            spoken, `files.writing.check_place`.
    """
    _check_type("model_dir", model_dir, str, Path, optional=False)
    _check_type("output_path", output_path, str, Path)
    if output_path is not None:
        written_as(output_path)
        check_place(Path(output_path))
    path = Path(model_dir)
    speech = Engine.from_config(path / "voices.json" if path.is_dir() else path).synthesize(text, voice=voice_name)
    if output_path is not None:
        replace_file(Path(output_path), audio_file(output_path, speech.audio, speech.sample_rate, speech.model))
    return speech


def _wishes(
    voice: str | Voice | None,
    style: str | Style | None,
    language: str | None,
    speed: float | None,
    seed: int | None,
    sampling: Sampling | None,
    noise_scale: float | None,
) -> Wishes:
    _check_type("voice", voice, str, Voice)
    _check_type("style", style, str, Style)
    _check_type("sampling", sampling, Sampling)
    if isinstance(style, Style):
        style = replace(style, language=checked("language", style.language))
    given = {"language": language, "speed": speed, "seed": seed, "noise_scale": noise_scale}
    return {
        "voice": voice if isinstance(voice, str) else None,
        "style": style,
        **{name: checked(name, value) for name, value in given.items() if value is not None},
        **(asdict(sampling) if sampling is not None else {}),
    }


def _check_callable(name: str, value: Any) -> None:
    """ValueError if an argument is neither None nor a function."""
    if value is not None and not callable(value):
        raise ValueError(f"{name} is {shown(value)}; it must be a function")


def _check_type(name: str, value: Any, *kinds: type, optional: bool = True) -> None:
    """ValueError if an argument is of none of these kinds, and not None where it is `optional`."""
    if not isinstance(value, kinds) and not (optional and value is None):
        allowed = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} is {shown(value)}; it must be of the type {allowed}")


def _texts(text: str | Iterable[str | None]) -> str | Iterable[str | None]:
    """A text, or its pieces; ValueError for what is neither, as soon as that is known."""
    if isinstance(text, str):
        return text
    if isinstance(text, bytes | Mapping) or not isinstance(text, Iterable):
        raise ValueError(f"the text is of the type {type(text).__name__}; it must be a str, or its pieces, each a str")
    return (_piece(piece) for piece in text)


def _piece(piece: str | None) -> str | None:
    if piece is not None and not isinstance(piece, str):
        raise ValueError(f"a piece of the text is {shown(piece)}; it must be a str")
    return piece


def _silence(seconds: float, request: Request) -> np.ndarray:
    return np.zeros(round(seconds * request.voice.sample_rate), np.float32)


def _chunk(samples: np.ndarray, index: int, prepared: PreparedSentence, request: Request) -> AudioChunk:
    return AudioChunk(
        samples=samples,
        sample_rate=request.voice.sample_rate,
        index=index,
        final=False,
        sentence=prepared.number,
        sentence_final=False,
        text=prepared.sentence.text,
        start=prepared.sentence.start,
        end=prepared.sentence.end,
        model=request.voice.model,
    )
