"""The one thread that owns the engine: builds it, warms it up, and speaks what the desk hands it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.jobs import COMPLETED, ERROR, SKIPPED, Job, Pieces
from dora_primespeech_mlx.node.message_voices import MessageVoices
from dora_primespeech_mlx.node.messages import Manner, Metadata
from dora_primespeech_mlx.node.playout import Shaper, cut, pitch_factor
from dora_primespeech_mlx.settings import Settings

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import AudioChunk, Engine
    from dora_primespeech_mlx.voices.library import Voice

SILENCE = 0.01
"""Seconds of the message that carries `fin` when nothing else is left to send."""

logger = logging.getLogger(__name__)


class Worker:
    """A thread around an engine. `make_engine` is called on it, because what the engine holds belongs to one thread."""

    def __init__(self, make_engine: "Callable[[Settings], Engine]", desk: Desk):
        self.voice_names: list[str] = []
        self._make_engine = make_engine
        self._desk = desk
        self._custom = MessageVoices(desk.settings)
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)

    def start(self) -> None:
        """Build the engine and warm it up; return when it is ready, or raise what it raised."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Wait until everything at the desk is spoken; the desk must drain."""
        self._over.wait()

    def _main(self) -> None:
        """Work, and then stay: when a thread that used MLX ends while the process does, MLX may abort it."""
        self._work()
        self._over.set()
        threading.Event().wait()

    def _work(self) -> None:
        try:
            engine = self._make_engine(self._desk.settings)
            engine.warm_up()
            self.voice_names = list(engine.voice_names)
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        while (task := self._desk.next_task()) is not None:
            if isinstance(task, Job):
                self._speak(engine, task)
            else:
                self._load(engine, task.name)

    def _load(self, engine: "Engine", name: str | None) -> None:
        try:
            engine.load_voice(name)
        except Exception as error:
            self._desk.refuse_voice(name)
            self._desk.status(f"error: {_sentence(error)}")
            self._desk.log("ERROR", _sentence(error))
        else:
            self._desk.log("INFO", f"texts that come from here on are spoken by {name or 'the default voice'}")

    def _speak(self, engine: "Engine", job: Job) -> None:
        try:
            self._play(engine, job)
        except Exception as error:
            logger.debug("text %s", job.metadata["segment_id"], exc_info=True)
            if job.chunks:
                self._desk.send_audio(job, _silence(self._desk.settings), {"fin": True})
            self._desk.finish(job, ERROR, _sentence(error))
        else:
            self._desk.finish(job, COMPLETED if job.chunks else SKIPPED)

    def _play(self, engine: "Engine", job: Job) -> None:
        """Send the audio of a text, and return when it is all sent or the text is over."""
        settings, manner = self._desk.settings, job.manner
        factor = pitch_factor(manner.pitch)
        gain = settings.gain * manner.volume / 100.0
        voice: str | Voice | None = manner.voice
        if job.voice_files is not None:
            voice = self._custom.voice(engine, job.voice_files, manner.voice)
        stream = engine.stream(
            job.text,
            voice=voice,
            language=manner.language,
            speed=manner.speed if factor == 1.0 else (manner.speed or _loaded(engine, voice).speed) / factor,
            seed=manner.seed,
            sampling=replace(_loaded(engine, voice).sampling, **manner.sampling) if manner.sampling else None,
            noise_scale=manner.noise_scale,
            cancelled=lambda: job.outcome is not None,
        )
        shaper: Shaper | None = None
        kept: list[np.ndarray] = []
        about: Metadata = {}
        final = False
        for chunk in _timed(stream, job):
            shaper = shaper or Shaper(chunk.sample_rate, settings.sample_rate, factor, gain)
            about, final = _about(chunk, job), chunk.final
            samples = shaper(chunk.samples, last=final)
            if settings.return_fragment:
                if not self._send(job, samples, about, final):
                    return
            else:
                kept.append(samples)
        if shaper is None or job.outcome is not None:
            return
        if not settings.return_fragment:
            tail = [] if final else [shaper(np.zeros(0, np.float32), last=True)]
            self._desk.send_audio(job, np.concatenate([*kept, *tail]), {**about, "fin": True})
        elif not final:
            self._send(job, shaper(np.zeros(0, np.float32), last=True), about, True)

    def _send(self, job: Job, samples: np.ndarray, about: Metadata, final: bool) -> bool:
        """Send samples in messages of bearable length, the last with `fin` if `final`; False once the text is over."""
        rate = self._desk.settings.sample_rate
        if not len(samples):
            if not final:
                return job.outcome is None
            samples = _silence(self._desk.settings)
        parts = cut(samples, rate)
        return all(
            self._desk.send_audio(
                job,
                part,
                {**about, "fin": final and last, "sentence_final": about["sentence_final"] and last},
            )
            for part, last in ((part, index == len(parts) - 1) for index, part in enumerate(parts))
        )


def _silence(settings: Settings) -> np.ndarray:
    return np.zeros(round(SILENCE * settings.sample_rate), np.float32)


def _loaded(engine: "Engine", voice: "str | Voice | None") -> "Voice":
    return engine.load_voice(voice) if voice is None or isinstance(voice, str) else voice


def _about(chunk: "AudioChunk", job: Job) -> Metadata:
    about: Metadata = {
        "sentence": chunk.sentence,
        "sentence_final": chunk.sentence_final,
        "text": chunk.text,
        "text_start": chunk.start,
        "text_end": chunk.end,
    }
    manner, usual = job.manner, Manner()
    wishes = {name: getattr(manner, name) for name in ("voice", "speed", "pitch", "volume")}
    return about | {name: value for name, value in wishes.items() if value != getattr(usual, name)}


def _timed(stream: "Iterator[AudioChunk]", job: Job) -> "Iterator[AudioChunk]":
    """`stream`, counting what each chunk takes to compute; waiting for pieces of the text is not computing."""
    while True:
        began, waited = time.monotonic(), _waited(job)
        chunk = next(stream, None)
        job.computed += time.monotonic() - began - (_waited(job) - waited)
        if chunk is None:
            return
        yield chunk


def _waited(job: Job) -> float:
    return job.text.waited if isinstance(job.text, Pieces) else 0.0


def _sentence(error: BaseException) -> str:
    """An error as one line: our own are sentences already, others get their name before them."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}"
