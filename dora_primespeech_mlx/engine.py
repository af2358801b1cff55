"""Text and a voice to audio chunks: the whole way on one page.

    text - sentences - phones - codes - latents - samples

Each stage is a generator over the one before it, and speaking a whole text is joining its chunks.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.audio import write_wav
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk, Speech
from dora_primespeech_mlx.synthesis.decoding import Guard
from dora_primespeech_mlx.synthesis.sentence import (
    CancelledError,
    PreparedSentence,
    Request,
    decode_together,
    prepare,
    speak,
)
from dora_primespeech_mlx.synthesis.streaming import Schedule
from dora_primespeech_mlx.text.sentences import Sentence, sentences_of
from dora_primespeech_mlx.voices.book import VoiceEntry, read_voices
from dora_primespeech_mlx.voices.library import Library, Voice

__all__ = ["AudioChunk", "Engine", "Speech", "synthesize"]

WARM_UP_TEXT = {"zh": "你好，世界。", "en": "Hello, world.", "auto": "Hello, world. 你好，世界。"}

logger = logging.getLogger(__name__)


class Engine:
    """Speaks texts. All calls must come from the thread that made the engine, since MLX belongs to a thread."""

    def __init__(self, library: Library, settings: Settings):
        self._library = library
        self._settings = settings
        self._guard = Guard()

    @classmethod
    def from_config(cls, voices: str | Path, settings: Settings | None = None) -> "Engine":
        """An engine for the voices of a ``voices.json``; loads the default voice.

        Raises:
            FileNotFoundError, ValueError: as `voices.read_voices` and `library.Library.voice`.
        """
        settings = settings or Settings(voices=Path(voices))
        engine = cls(Library(read_voices(voices), settings), settings)
        engine.load_voice(settings.voice)
        return engine

    @property
    def voice_names(self) -> list[str]:
        """Names of all voices."""
        return self._library.names

    def load_voice(self, name: str | None = None) -> Voice:
        """Loads a voice, once; None is the default voice. ValueError for an unknown name lists the known ones."""
        return self._library.voice(name or self._settings.voice)

    def add_voice(self, voice: Voice) -> None:
        """Makes a voice that is not in the file known under its name."""
        self._library.add(voice)

    def describe_voice(self, name: str | None = None) -> VoiceEntry:
        """What the file says of a voice. Errors as `load_voice`."""
        return self._library.entry(name or self._settings.voice)

    def build_voice(self, entry: VoiceEntry) -> Voice:
        """Loads a voice that is not in the file and keeps it nowhere. Errors as `library.Library.load`."""
        return self._library.load(entry)

    def warm_up(self) -> None:
        """Speaks a short sentence of each language in use, so that the first text finds everything ready."""
        language = self.load_voice().language if self._settings.language == "auto" else self._settings.language
        for _ in self.stream(WARM_UP_TEXT.get(language, WARM_UP_TEXT["auto"]), seed=0):
            pass

    def stream(
        self,
        text: str | Iterable[str],
        *,
        voice: str | Voice | None = None,
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
                end.
            voice: name or alias, or a voice itself; None is the default voice.
            language: "auto", "zh" or "en"; None is the voice's.
            speed: above 1 is faster; None is the voice's.
            seed: fixes the result; None draws one.
            sampling: how codes are drawn; None is the voice's.
            noise_scale: deviation of the latents, 0 to about 1; None is the settings'.
            schedule: how audio is cut into chunks.
            cancelled: asked between two codes and two chunks; once true, nothing more is yielded.

        Yields:
            chunks of at most a second; the last one of each sentence is the pause after it. None for a text with
            nothing to speak in it.

        Raises:
            ValueError: an unknown voice, or a text in a language that is not supported.
        """
        request = self._request(voice, language, speed, seed, sampling, noise_scale, schedule, cancelled)
        yield from self._stream(text, request)

    def synthesize(
        self,
        text: str,
        *,
        voice: str | None = None,
        language: str | None = None,
        speed: float | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        noise_scale: float | None = None,
        batch: int = 4,
        on_chunk: Callable[[AudioChunk], None] = lambda _: None,
    ) -> Speech:
        """Speaks a whole text: the chunks of `stream`, joined. Arguments and errors as there.

        ``batch`` sentences are decoded together, which changes nothing but the speed. ``on_chunk`` is told each chunk.
        """
        request = self._request(voice, language, speed, seed, sampling, noise_scale, whole=True, batch=batch)
        pieces = []
        for chunk in self._stream(text, request):
            on_chunk(chunk)
            pieces.append(chunk.samples)
        audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return Speech(audio, request.voice.sample_rate, tuple(request.codes), request.timing)

    def _request(
        self,
        voice: str | Voice | None,
        language: str | None,
        speed: float | None,
        seed: int | None,
        sampling: Sampling | None,
        noise_scale: float | None,
        schedule: Schedule | None = None,
        cancelled: Callable[[], bool] | None = None,
        whole: bool = False,
        batch: int = 1,
    ) -> Request:
        settings = self._settings
        chosen = voice if isinstance(voice, Voice) else self.load_voice(voice)
        seed = settings.seed if seed is None else seed
        return Request(
            voice=chosen,
            language=language or (chosen.language if settings.language == "auto" else settings.language),
            speed=speed or settings.speed or chosen.speed,
            seed=secrets.randbits(32) if seed is None else seed,
            sampling=sampling or chosen.sampling,
            noise_scale=chosen.noise_scale if noise_scale is None else noise_scale,
            schedule=schedule or Schedule(),
            cancelled=cancelled or (lambda: False),
            whole=whole,
            batch=batch,
        )

    def _stream(self, text: str | Iterable[str], request: Request) -> Iterator[AudioChunk]:
        began, index, held = time.perf_counter(), 0, None
        try:
            for sentence, prepared in self._prepared(text, request):
                if held is not None and not request.cancelled():
                    yield held
                for samples in speak(prepared, request, self._guard):
                    if request.cancelled():
                        return
                    if index == 0:
                        request.timing.first_audio = time.perf_counter() - began
                    yield _chunk(samples, index, sentence, prepared.number, request)
                    index += 1
                pause = np.zeros(round(self._settings.fragment_interval * request.voice.sample_rate), np.float32)
                held = replace(_chunk(pause, index, sentence, prepared.number, request), sentence_final=True)
                index += 1
        except CancelledError:
            return
        request.timing.total = time.perf_counter() - began
        if held is not None and not request.cancelled():
            yield replace(held, final=True)

    def _prepared(self, text: str | Iterable[str], request: Request) -> Iterator[tuple[Sentence, PreparedSentence]]:
        """Sentences with their phones, and with their codes where several are decoded together.

        A sentence that cannot be read is left out with a warning; if none can be, the reason is raised.
        """
        refused: ValueError | None = None
        readable = False
        group: list[tuple[Sentence, PreparedSentence]] = []
        for number, sentence in enumerate(self._sentences(text, request.language)):
            try:
                group.append((sentence, prepare(sentence.text, number, request)))
            except ValueError as error:
                logger.warning("%s", error)
                refused = error
                continue
            readable = True
            if len(group) == request.batch:
                yield from self._decoded(group, request)
                group = []
        yield from self._decoded(group, request)
        if refused is not None and not readable:
            raise refused

    def _sentences(self, text: str | Iterable[str], language: str) -> Iterator[Sentence]:
        return sentences_of(text, language, self._settings.split_method, self._settings.strip_markup)

    def _decoded(
        self, group: list[tuple[Sentence, PreparedSentence]], request: Request
    ) -> list[tuple[Sentence, PreparedSentence]]:
        if len(group) < 2:
            return group
        prepared_sentences = decode_together([prepared for _, prepared in group], request, self._guard)
        return [(sentence, prepared) for (sentence, _), prepared in zip(group, prepared_sentences, strict=True)]


def synthesize(
    text: str, *, model_dir: str | Path, voice_name: str | None = None, output_path: str | Path | None = None
) -> Speech:
    """Speaks one text.

    Args:
        text: what to say.
        model_dir: a ``voices.json``, or the folder it lies in.
        voice_name: name or alias; None is the default voice.
        output_path: WAV file to write, 16-bit.

    Raises:
        FileNotFoundError, ValueError: as `Engine.from_config` and `Engine.stream`.
    """
    path = Path(model_dir)
    speech = Engine.from_config(path / "voices.json" if path.is_dir() else path).synthesize(text, voice=voice_name)
    if output_path is not None:
        write_wav(output_path, speech.audio, speech.sample_rate)
    return speech


def _chunk(samples: np.ndarray, index: int, sentence: Sentence, number: int, request: Request) -> AudioChunk:
    return AudioChunk(
        samples=samples,
        sample_rate=request.voice.sample_rate,
        index=index,
        final=False,
        sentence=number,
        sentence_final=False,
        text=sentence.text,
        start=sentence.start,
        end=sentence.end,
    )
