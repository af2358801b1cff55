"""Between the thread that receives messages and the one that speaks: the queue of texts, and the one way out for audio.

Everything happens under one lock, so that nothing of a text is sent after the marker that flushes it, and every text is
completed exactly once.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dora_primespeech_mlx.node.jobs import CANCELLED, ERROR, OUTCOMES, SKIPPED, Job, Pieces
from dora_primespeech_mlx.node.messages import Manner, Metadata, TextMessage, cancels, changed, ends, handed_on
from dora_primespeech_mlx.node.playout import Pacer
from dora_primespeech_mlx.settings import Settings

Output = Callable[[str, str | np.ndarray, Metadata], None]
"""Sends (output id, payload, metadata); a payload is text, or float32 samples [n]."""

LEVELS = logging.getLevelNamesMapping()
LAST_PIECES = 0.3
"""Seconds to wait for more pieces after their sender has gone: its last messages may arrive after that news."""
NOT_ON_AUDIO = ("request_id",)
"""dora keeps messages with a request_id when a queue is flushed, and audio must not be kept."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VoiceChange:
    """A voice to load before the next text; None is the default one."""

    name: str | None


class Desk:
    """Takes texts and commands on one thread, hands texts to another and sends what that one makes of them."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.manner = Manner(voice=settings.voice)
        self.changed = threading.Condition()
        self.output: Output = lambda output_id, payload, metadata: None
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._jobs: list[Job] = []
        self._voices: deque[VoiceChange] = deque()
        self._open: dict[tuple[str, ...], Job] = {}
        self._pacer = Pacer(settings.send_interval_ms / 1e3, settings.max_ahead)
        self._last_sent: Job | None = None
        self._received = 0
        self._draining = False

    # -- texts -----------------------------------------------------------------------------------------------------

    def say(self, message: TextMessage, metadata: Metadata) -> None:
        """Queue a whole text."""
        with self.changed:
            job = self._new_job(message, message.text, metadata)
            job.characters = len(message.text)
            self._queue(job)

    def fail(self, error: str, metadata: Metadata) -> None:
        """Complete, with an error, a text that could not be read."""
        with self.changed:
            self.finish(self._new_job(TextMessage(""), "", metadata), ERROR, error, "message")

    def skip(self, metadata: Metadata) -> None:
        """Complete a message in which there is nothing to say."""
        with self.changed:
            self.finish(self._new_job(TextMessage(""), "", metadata), SKIPPED)

    def is_open(self, key: tuple[str, ...]) -> bool:
        """Whether the partial text of that key still takes pieces."""
        with self.changed:
            return key in self._open and not self._open[key].takes_no_more

    def piece(self, key: tuple[str, ...], message: TextMessage, metadata: Metadata) -> None:
        """Queue a piece of the partial text of that key: the first opens it, `fin` or an end of session closes it.

        Pieces that still come for a text that was cancelled are dropped.
        """
        with self.changed:
            job = self._open.get(key)
            if job is not None and (job.takes_no_more or metadata.get("session_status") == "started"):
                job.close()
                job = None
            if job is None:
                self._open = {other: open_job for other, open_job in self._open.items() if not open_job.takes_no_more}
                job = self._new_job(message, Pieces(self.changed, self.settings.partial_timeout), metadata)
                self._open[key] = job
                self._queue(job)
            job.metadata["session_status"] = str(metadata.get("session_status", job.metadata["session_status"]))
            job.characters += len(message.text)
            if job.characters > self.settings.max_text_chars:
                self.finish(job, ERROR, self._too_long(), "message")
            job.add(message.text)
            if cancels(metadata):
                self._cancel([job], lambda last: last is job)
            if ends(metadata) or cancels(metadata):
                job.close()
                del self._open[key]

    def input_closed(self, input_id: str) -> None:
        """The sender of that input has gone; its partial texts wait only for what may be under way."""
        with self.changed:
            for key, job in self._open.items():
                if key[0] == input_id and isinstance(job.text, Pieces):
                    job.text.hurry(LAST_PIECES)

    def drain(self) -> None:
        """No message follows: what is there is spoken to its end."""
        with self.changed:
            self._draining = True
            self._pacer.paused = False
            for job in self._open.values():
                job.close()
            self.changed.notify_all()

    def _new_job(self, message: TextMessage, text: str | Pieces, metadata: Metadata) -> Job:
        self._received += 1
        kept = handed_on(metadata, self.settings.pass_metadata)
        number = kept.get("segment_id")
        kept["segment_id"] = number if isinstance(number, int) and not isinstance(number, bool) else self._received
        return Job(text, message.manner(self.manner), kept, message.voice_files)

    def _queue(self, job: Job) -> None:
        if job.characters > self.settings.max_text_chars:
            self.finish(job, ERROR, self._too_long(), "message")
        elif len(self._jobs) >= self.settings.max_pending:
            text = f"{len(self._jobs)} texts are waiting already; wait for segment_complete, or raise MAX_PENDING"
            self.finish(job, ERROR, text, "message")
        else:
            self._jobs.append(job)
            self.changed.notify_all()

    def _too_long(self) -> str:
        return f"the text is longer than {self.settings.max_text_chars} characters; cut it, or raise MAX_TEXT_CHARS"

    # -- cancelling ------------------------------------------------------------------------------------------------

    def cancel(self, question_id: str | None = None) -> None:
        """Give up the text that is spoken or next, or all texts of a question."""
        with self.changed:
            if question_id is None:
                self._cancel(self._jobs[:1], lambda last: True)
            else:
                jobs = [job for job in self._jobs if job.question_id == question_id]
                self._cancel(jobs, lambda last: last.question_id == question_id)

    def cancel_all(self, but_question_id: str | None = None) -> None:
        """Give up all texts, but those of a question."""
        with self.changed:
            jobs = [job for job in self._jobs if job.question_id != but_question_id]
            self._cancel(jobs, lambda last: last.question_id != but_question_id)

    def _cancel(self, jobs: list[Job], flushes: Callable[[Job], bool]) -> None:
        """Complete jobs as cancelled; before that, flush what players have, if the text of the last audio says so.

        dora flushes a whole input, so audio of a text that goes on must not be the last.
        """
        last = self._last_sent
        if last is not None and flushes(last):
            self._send(last, np.zeros(0, np.float32), {"fin": True, "flush": True})
            self._pacer.flushed(time.monotonic())
            self._last_sent = None
        for job in jobs:
            self.finish(job, CANCELLED)

    # -- settings and news -----------------------------------------------------------------------------------------

    def change(self, name: str, value: Any) -> None:
        """Change how texts that come from here on are spoken; None puts it back. ValueError says what is allowed.

        A voice is loaded as soon as the worker is free; if it cannot be, the change is undone.
        """
        with self.changed:
            before = self.manner.voice
            self.manner = changed(self.manner, name, value)
            if self.manner.voice is None:
                self.manner = replace(self.manner, voice=self.settings.voice)
            if self.manner.voice != before:
                self._voices.append(VoiceChange(self.manner.voice))
                self.changed.notify_all()

    def refuse_voice(self, name: str | None) -> None:
        """That voice could not be loaded: put the voice back to the first one."""
        with self.changed:
            if self.manner.voice == name:
                self.manner = replace(self.manner, voice=self.settings.voice)

    def buffered(self, percent: float) -> None:
        """The player says how full its buffer is, in percent."""
        with self.changed:
            if not self._draining:
                self._pacer.buffered(percent, self.settings.buffer_pause, self.settings.buffer_resume)
                self.changed.notify_all()

    def statistics(self) -> dict[str, Any]:
        """Counts of texts by outcome, of those waiting, and how texts are spoken."""
        with self.changed:
            return {
                "received": self._received,
                "pending": len(self._jobs),
                **self._counts,
                **{name: value for name, value in asdict(self.manner).items() if value is not None},
            }

    def log(self, level: str, message: str, metadata: Metadata | None = None) -> None:
        """Say something on the `log` output, and in the process's own log."""
        logger.log(LEVELS[level], message)
        self.tell(level, message, metadata)

    def tell(self, level: str, message: str, metadata: Metadata | None = None) -> None:
        """Say something on the `log` output, if it is important enough."""
        if LEVELS[level] >= LEVELS[self.settings.log_level]:
            entry = {"node": "primespeech-tts", "level": level, "message": message}
            self.output("log", json.dumps(entry, ensure_ascii=False), {**(metadata or {}), **entry})

    def status(self, text: str, metadata: Metadata | None = None) -> None:
        """Say something on the `status` output."""
        self.output("status", text, metadata or {})

    # -- for the thread that speaks --------------------------------------------------------------------------------

    def next_task(self) -> Job | VoiceChange | None:
        """The next thing to do; None when there is none and none will come."""
        with self.changed:
            while True:
                if self._voices:
                    return self._voices.popleft()
                if self._jobs:
                    job = self._jobs[0]
                    job.started = time.monotonic()
                    self.status("synthesizing", job.metadata)
                    return job
                if self._draining:
                    return None
                self.changed.wait()

    def send_audio(self, job: Job, samples: np.ndarray, about: Metadata) -> bool:
        """Send samples, float32 [n], when it is time to; False if the text is over, and nothing was sent."""
        duration = len(samples) / self.settings.sample_rate
        with self.changed:
            while job.outcome is None and (wait := self._pacer.wait(time.monotonic(), duration)) > 0.0:
                self.changed.wait(min(wait, 3600.0))
            if job.outcome is not None:
                return False
            self._send(job, samples, about)
            now = time.monotonic()
            self._pacer.sent(now, duration)
            job.heard(now)
            job.chunks += 1
            job.audio_seconds += duration
            self._last_sent = job
            return True

    def _send(self, job: Job, samples: np.ndarray, about: Metadata) -> None:
        kept = {name: value for name, value in job.metadata.items() if name not in NOT_ON_AUDIO}
        own = {
            "sample_rate": self.settings.sample_rate,
            "duration": len(samples) / self.settings.sample_rate,
            "seq": job.chunks,
        }
        self.output("audio", samples, {**kept, **about, **own})

    def finish(self, job: Job, outcome: str, error: str = "", stage: str = "synthesis") -> None:
        """Complete a text: `segment_complete`, `status`, `metrics` and a line of log, unless it is complete already."""
        with self.changed:
            if job.outcome is not None:
                return
            job.outcome = outcome
            job.give_up()
            self._counts[outcome] += 1
            if job in self._jobs:
                self._jobs.remove(job)
            about = dict(job.metadata)
            if outcome == ERROR:
                about |= {"session_status": "error", "error": error, "error_stage": stage}
            numbers = job.metrics()
            self.output("segment_complete", outcome, {**about, **numbers})
            self.status({ERROR: f"error: {error}", "completed": "done"}.get(outcome, outcome), about)
            self.output("metrics", json.dumps(numbers), {**about, **numbers})
            level = "ERROR" if outcome == ERROR else "INFO"
            self.log(level, f"text {about['segment_id']} {outcome}{': ' if error else ''}{error}", about)
            self.changed.notify_all()
