"""A text on its way to being speech: what is known of it, and its pieces while they still come."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from dora_primespeech_mlx.node.messages import Manner, Metadata, VoiceFiles

COMPLETED, SKIPPED, ERROR, CANCELLED = OUTCOMES = ("completed", "skipped", "error", "cancelled")


class Pieces:
    """The pieces of a text as they come, to be read on another thread; reading ends when the text is closed.

    `changed` guards it and is notified of every change. A text that gets no piece for `timeout` seconds counts as
    closed. `waited` is how many seconds the reader spent in waiting.
    """

    def __init__(self, changed: threading.Condition, timeout: float):
        self._changed = changed
        self._pieces: deque[str] = deque()
        self._last = time.monotonic()
        self._timeout = timeout
        self._given_up = False
        self.closed = False
        self.waited = 0.0

    def add(self, piece: str) -> None:
        """Append a piece; it is dropped if nobody reads any more."""
        with self._changed:
            if not self._given_up:
                self._pieces.append(piece)
            self._last = time.monotonic()
            self._changed.notify_all()

    def close(self) -> None:
        """No piece follows."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def give_up(self) -> None:
        """Nobody reads any more; pieces may still come."""
        with self._changed:
            self._given_up = True
            self._pieces.clear()
            self._changed.notify_all()

    def hurry(self, timeout: float) -> None:
        """From here on, wait at most `timeout` seconds for the next piece."""
        with self._changed:
            self._timeout = min(timeout, self._timeout)
            self._last = time.monotonic()
            self._changed.notify_all()

    @property
    def overdue(self) -> bool:
        """Whether the next piece should have come."""
        return time.monotonic() - self._last > self._timeout

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> str:
        with self._changed:
            began = time.monotonic()
            while not (self._pieces or self.closed or self._given_up):
                remaining = self._last + self._timeout - time.monotonic()
                if remaining <= 0.0:
                    self.closed = True
                else:
                    self._changed.wait(remaining)
            self.waited += time.monotonic() - began
            if not self._pieces:
                raise StopIteration
            return self._pieces.popleft()


@dataclass(eq=False)
class Job:
    """One text. `metadata` is what its outputs carry; times are seconds of the monotonic clock.

    `waited`: seconds spent waiting for pieces of the text before the first audio.
    """

    text: str | Pieces
    manner: Manner
    metadata: Metadata
    voice_files: VoiceFiles | None = None
    characters: int = 0
    received: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_audio: float | None = None
    waited: float = 0.0
    computed: float = 0.0
    chunks: int = 0
    audio_seconds: float = 0.0
    outcome: str | None = None

    @property
    def question_id(self) -> str:
        """The question this text answers, as text."""
        return str(self.metadata.get("question_id", ""))

    @property
    def takes_no_more(self) -> bool:
        """Whether a later piece belongs to another text: this one is closed, or over and quiet since."""
        return isinstance(self.text, Pieces) and (self.text.closed or (self.outcome is not None and self.text.overdue))

    def add(self, piece: str) -> None:
        """Append a piece to a partial text."""
        if isinstance(self.text, Pieces):
            self.text.add(piece)

    def heard(self, now: float) -> None:
        """Audio was sent; what counts is the first time."""
        if self.first_audio is None:
            self.first_audio = now
            self.waited = self.text.waited if isinstance(self.text, Pieces) else 0.0

    def close(self) -> None:
        """No piece follows."""
        if isinstance(self.text, Pieces):
            self.text.close()

    def give_up(self) -> None:
        """The text is over; pieces that still come are dropped."""
        if isinstance(self.text, Pieces):
            self.text.give_up()

    def metrics(self) -> Metadata:
        """What the `metrics` output says: counts, seconds, `*_ms` in milliseconds, `rtf` computing per audio."""
        numbers: Metadata = {
            "outcome": self.outcome or "",
            "cancelled": self.outcome == CANCELLED,
            "characters": self.characters,
            "chunks": self.chunks,
            "audio_seconds": round(self.audio_seconds, 4),
            "synthesis_seconds": round(self.computed, 4),
        }
        if self.started is not None:
            numbers["queue_ms"] = round((self.started - self.received) * 1e3, 2)
        if self.first_audio is not None and self.started is not None:
            numbers["ttfb_ms"] = round((self.first_audio - self.started - self.waited) * 1e3, 2)
            numbers["latency_ms"] = round((self.first_audio - self.received) * 1e3, 2)
            numbers["rtf"] = round(self.computed / self.audio_seconds, 4)
        return numbers
