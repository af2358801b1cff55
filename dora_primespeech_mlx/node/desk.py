"""Between the thread that receives messages and the one that speaks: the queue of texts, and the one way out for audio.

Everything happens under one lock, so that nothing of a text is sent after the marker that flushes it, and every text is
completed exactly once. Texts of one session are spoken one after the other; those of different sessions have different
hearers and are spoken at the same time.
"""

import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dora_primespeech_mlx.node.jobs import Job, News, Pieces
from dora_primespeech_mlx.node.messages import Metadata, TextMessage, cancels, changed, ends, handed_on
from dora_primespeech_mlx.node.outputs import (
    ALIVE,
    CANCELLED,
    COMPLETED,
    DONE,
    ERROR,
    FAILED,
    OUTCOMES,
    QUEUED,
    SKIPPED,
    SYNTHESIZING,
)
from dora_primespeech_mlx.node.playout import Pacer
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Wishes, Word

Output = Callable[[str, str | np.ndarray, Metadata], None]
"""Sends (output id, payload, metadata); a payload is text, or float32 samples [n]."""

LEVELS = logging.getLevelNamesMapping()
LAST_PIECES = 0.3
"""Seconds to wait for more pieces after their sender has gone: its last messages may arrive after that news."""
MOST_NAMED = 1000
"""Texts that a sign of life names."""
NOT_ON_AUDIO = ("request_id",)
"""dora keeps messages with a request_id when a queue is flushed, and audio must not be kept."""

logger = logging.getLogger(__name__)


@dataclass
class Session:
    """Those who hear one player: when what was sent is played, and the text that was sent last."""

    pacer: Pacer
    last: Job | None = None


class Desk:
    """Takes texts and commands on one thread, hands texts to another and sends what that one makes of them."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.wishes: Wishes = {}
        self.changed = News()
        self.output: Output = lambda output_id, payload, metadata: None
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._jobs: list[Job] = []
        self._voices: deque[str | None] = deque()
        self._open: dict[tuple[str, ...], Job] = {}
        self._wire = Pacer(settings.send_interval_ms / 1e3)
        self._sessions: dict[str, Session] = {}
        self._spoken_in = 0.0
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
            elif late := _late_wishes(job, message):
                note = (
                    f"a piece asks for another {' and '.join(late)} than its text began with: say so in the first one"
                )
                self.log("WARNING", note, job.metadata)
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
                if key[0] == input_id and job.pieces is not None:
                    job.pieces.hurry(LAST_PIECES)

    def drain(self) -> None:
        """No message follows: what is there is spoken to its end."""
        with self.changed:
            self._draining = True
            self._wire.paused = False
            for session in self._sessions.values():
                session.pacer.paused = False
            for job in self._open.values():
                job.close()
            self.changed.notify_all()

    def _new_job(self, message: TextMessage, text: str | Pieces, metadata: Metadata) -> Job:
        self._received += 1
        kept = handed_on(metadata, self.settings.pass_metadata)
        number = kept.get("segment_id")
        kept["segment_id"] = number if isinstance(number, int) and not isinstance(number, bool) else self._received
        return Job(text, {**self.wishes, **message.wishes}, kept, message.voice_files)

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

    def cancel(self, question_id: str | None = None, session: str | None = None) -> None:
        """Give up the text that is spoken or next, or all texts of a question; with `session`, only of that session."""
        with self.changed:
            jobs = [job for job in self._jobs if session in (None, job.session)]
            if question_id is None:
                session = jobs[0].session if jobs else session
                self._cancel(jobs[:1], lambda last: session in (None, last.session))
            else:
                jobs = [job for job in jobs if job.question_id == question_id]
                self._cancel(jobs, lambda last: last.question_id == question_id and session in (None, last.session))

    def cancel_all(self, but_question_id: str | None = None, session: str | None = None) -> None:
        """Give up all texts, of one session or of all, but those of a question."""

        def meant(job: Job) -> bool:
            return job.question_id != but_question_id and session in (None, job.session)

        with self.changed:
            self._cancel([job for job in self._jobs if meant(job)], meant)

    def _cancel(self, jobs: list[Job], flushes: Callable[[Job], bool]) -> None:
        """Complete jobs as cancelled; before that, let players forget what they have, where its text says so.

        dora flushes a whole input, so while another session is heard the marker names the session it is for.
        """
        now = time.monotonic()
        heard = {session.last: session.pacer.played_until for session in self._sessions.values() if session.last}
        for job in jobs:
            if job.chunks:
                job.interrupt(now, heard.get(job))
        flushed = [key for key, session in self._sessions.items() if session.last and flushes(session.last)]
        for key in flushed:
            session = self._sessions[key]
            others = (other.pacer.played_until for name, other in self._sessions.items() if name not in flushed)
            alone = all(played_until <= now for played_until in others)
            marker: Metadata = {"flush": True} if alone else {"flush_session": key}
            if session.last is not None:
                about = session.last.interrupt(now, session.pacer.played_until)
                self._send(session.last, np.zeros(0, np.float32), {"fin": True, **marker, **about})
            session.pacer.flushed(now)
            session.last = None
        for job in jobs:
            self.finish(job, CANCELLED)

    # -- settings and news -----------------------------------------------------------------------------------------

    def change(self, name: str, value: Any) -> None:
        """Change how texts that come from here on are spoken; None puts it back. ValueError says what is allowed.

        A voice is loaded as soon as the worker is free; if it cannot be, the change is undone.
        """
        with self.changed:
            before = self.wishes.get("voice")
            self.wishes = changed(self.wishes, name, value)
            if self.wishes.get("voice") != before:
                self._voices.append(self.wishes.get("voice"))
                self.changed.notify_all()

    def refuse_voice(self, name: str | None) -> None:
        """That voice could not be loaded: put the voice back to the first one."""
        with self.changed:
            if self.wishes.get("voice") == name:
                self.wishes = changed(self.wishes, "voice", None)

    def buffered(self, percent: float, session: str | None = None) -> None:
        """A player says how full its buffer is, in percent: that of one session, or of all."""
        with self.changed:
            if not self._draining:
                pacer = self._wire if session is None else self._session(session).pacer
                pacer.buffered(percent, self.settings.buffer_pause, self.settings.buffer_resume)
                self.changed.notify_all()

    def played(self, seconds: float, session: str | None = None, segment_id: Any = None) -> None:
        """A player says how many seconds of a text's audio it has played: of the text it had last, if none is named."""
        with self.changed:
            lasts = [each.last for each in self._sessions.values() if each.last is not None]
            for job in dict.fromkeys([*self._jobs, *lasts]):
                named = job.metadata["segment_id"] == segment_id if segment_id is not None else job in lasts
                if named and session in (None, job.session):
                    job.played = seconds, time.monotonic()

    def _session(self, key: str) -> Session:
        if key not in self._sessions:
            now, waited_for = time.monotonic(), {job.session for job in self._jobs}
            self._sessions = {
                name: session
                for name, session in self._sessions.items()
                if name in waited_for or session.pacer.paused or session.pacer.played_until > now
            }
            self._sessions[key] = Session(Pacer(max_ahead=self.settings.max_ahead))
        return self._sessions[key]

    def statistics(self) -> dict[str, Any]:
        """Counts of texts by outcome, of those waiting, and how texts are spoken."""
        with self.changed:
            return {
                "received": self._received,
                "pending": len(self._jobs),
                "active": sum(job.started is not None for job in self._jobs),
                **self._counts,
                **self.settings.wishes,
                **self.wishes,
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

    def alive(self) -> None:
        """A sign of life on the `status` output, with the texts that are not completed."""
        with self.changed:
            texts = [job.metadata["segment_id"] for job in self._jobs[:MOST_NAMED]]
            self.status(ALIVE, {"pending": len(self._jobs), "texts": texts})

    # -- for the thread that speaks --------------------------------------------------------------------------------

    def next_voice(self) -> tuple[str | None] | None:
        """The name of a voice to load before the next text begins, None for the default one; None if there is none."""
        with self.changed:
            return (self._voices.popleft(),) if self._voices else None

    def admit(self, room: int) -> list[Job]:
        """The texts that begin now, at most `room`: the first of each session, in the order they came.

        Others that could begin are told that they wait, once.
        """
        with self.changed:
            begun = [job for job in self._jobs if job.started is not None]
            busy, waiting = {job.session for job in begun}, 0
            admitted: list[Job] = []
            for job in [job for job in self._jobs if job.started is None]:
                if job.session in busy:
                    continue
                busy.add(job.session)
                if len(admitted) < room:
                    job.started = time.monotonic()
                    self.status(SYNTHESIZING, job.metadata)
                    admitted.append(job)
                    continue
                waiting += 1
                if not job.told_to_wait:
                    job.told_to_wait = True
                    spoken_at_once = max(1, len(begun) + len(admitted))
                    expected = round(self._spoken_in * waiting / spoken_at_once * 1e3, 1)
                    self.status(QUEUED, {**job.metadata, "position": waiting, "expected_wait_ms": expected})
            return admitted

    def look_up(self) -> None:
        """Ends `wait`: a thread has done what it was at."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, since: int, until: float) -> None:
        """Until something has changed after `since`, a count of `changed`, or until that moment."""
        with self.changed:
            while self.changed.count == since and (left := until - time.monotonic()) > 0.0:
                self.changed.wait(min(left, 3600.0))

    @property
    def done(self) -> bool:
        """Whether there is nothing to do and nothing will come."""
        with self.changed:
            return self._draining and not self._jobs and not self._voices

    def try_send(
        self, job: Job, samples: np.ndarray, about: Metadata, words: Sequence[Word] = (), whole: bool = True
    ) -> float | None:
        """Send samples, float32 [n], if it is time to: 0 if they are sent, else the seconds to wait; None if over.

        `words` are those that begin in them. What is not `whole` would rather wait for more.
        """
        duration = len(samples) / self.settings.sample_rate
        with self.changed:
            if job.outcome is not None:
                return None
            session, now = self._session(job.session), time.monotonic()
            wait = max(self._wire.wait(now, 0.0), session.pacer.wait(now, duration, whole))
            if wait > 0.0:
                return wait
            late = now - session.pacer.played_until
            if job.chunks and late > 0.0:
                job.stalls += 1
                job.stall_seconds += late
            self._send(job, samples, about | _written(words))
            job.words += words
            now = time.monotonic()
            self._wire.sent(now, 0.0)
            session.pacer.sent(now, duration)
            session.last = job
            job.heard(now)
            job.chunks += 1
            job.audio_seconds += duration
            return 0.0

    def heard_until(self, job: Job) -> float | None:
        """When all that was sent of a text has been played; None while nothing was sent."""
        with self.changed:
            return self._session(job.session).pacer.played_until if job.chunks else None

    def _send(self, job: Job, samples: np.ndarray, about: Metadata) -> None:
        kept = {name: value for name, value in job.metadata.items() if name not in NOT_ON_AUDIO}
        own = {
            "sample_rate": self.settings.sample_rate,
            "duration": len(samples) / self.settings.sample_rate,
            "offset": job.audio_seconds,
            "seq": job.chunks,
        }
        self.output("audio", samples, {**kept, **about, **own})

    def abandon(self, error: str) -> None:
        """Nobody speaks any more: complete all texts with an error, as far as anything can still be sent."""
        with self.changed:
            for job in list(self._jobs):
                with contextlib.suppress(Exception):  # what cannot be sent of one may be sent of the next
                    self.finish(job, ERROR, error)

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
            if outcome == COMPLETED and job.started is not None:
                took = time.monotonic() - job.started
                self._spoken_in = 0.8 * self._spoken_in + 0.2 * took if self._spoken_in else took
            about = dict(job.metadata)
            if outcome == ERROR:
                about |= {"session_status": "error", "error": error, "error_stage": stage}
            numbers = job.metrics()
            self.output("segment_complete", outcome, {**about, **numbers})
            self.status({ERROR: FAILED + error, COMPLETED: DONE}.get(outcome, outcome), about)
            self.output("metrics", json.dumps(numbers), {**about, **numbers})
            level = "ERROR" if outcome == ERROR else "INFO"
            self.log(level, f"text {about['segment_id']} {outcome}{': ' if error else ''}{error}", about)
            self.changed.notify_all()


def _late_wishes(job: Job, message: TextMessage) -> list[str]:
    """What a further piece of a text wishes otherwise than the text, which is begun."""
    late = [name for name, wish in message.wishes.items() if job.wishes.get(name) != wish]
    return late + ["recording"] * (message.voice_files not in (None, job.voice_files))


def _written(words: Sequence[Word]) -> Metadata:
    """Words as metadata; none of it where there are none."""
    if not words:
        return {}
    return {
        "words": [word.text for word in words],
        "words_start": [word.start for word in words],
        "words_end": [word.end for word in words],
        "words_begin_ms": [round(word.begins * 1e3) for word in words],
        "words_end_ms": [round(word.ends * 1e3) for word in words],
    }
