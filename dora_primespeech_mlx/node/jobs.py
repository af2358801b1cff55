"""A text on its way to being speech: what is known of it, and its pieces while they still come."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Self

from dora_primespeech_mlx.node.messages import Metadata, VoiceFiles
from dora_primespeech_mlx.node.outputs import CANCELLED
from dora_primespeech_mlx.speech import Omission, Wishes, Word

TRUSTED = 0.5
"""Seconds that a player is thought to play on after it said what it has played."""


class News(threading.Condition):
    """A lock with the news of what it guards; `count` is how often there was some."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def notify_all(self) -> None:
        """Something has changed."""
        self.count += 1
        super().notify_all()


class Pieces:
    """The pieces of a text as they come, to be read on another thread; reading ends when the text is closed.

    Reading never waits: it gives None while nothing has come. `changed` guards it and is notified of every change. A
    text that gets no piece for `timeout` seconds counts as closed. `waited` is how many seconds the reader had nothing.
    """

    def __init__(self, changed: News, timeout: float):
        self._changed = changed
        self._pieces: deque[str] = deque()
        self._last = time.monotonic()
        self._timeout = timeout
        self._given_up = False
        self._dry_since: float | None = None
        self._waited = 0.0
        self.closed = False

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

    @property
    def waited(self) -> float:
        """Seconds the reader had nothing to read."""
        dry = 0.0 if self._dry_since is None else time.monotonic() - self._dry_since
        return self._waited + dry

    def dry_until(self) -> float | None:
        """When a reader that had nothing should look again, unless a piece comes before; None if it should now."""
        with self._changed:
            due = self._last + self._timeout
            if self._dry_since is None or self._pieces or self.closed or self._given_up or due <= time.monotonic():
                return None
            return due

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | None:
        with self._changed:
            now = time.monotonic()
            if not (self._pieces or self.closed or self._given_up):
                if self._last + self._timeout > now:
                    self._dry_since = self._dry_since or now
                    return None
                self.closed = True
            if self._dry_since is not None:
                self._waited += now - self._dry_since
                self._dry_since = None
            if not self._pieces:
                raise StopIteration
            return self._pieces.popleft()


@dataclass(eq=False)
class Job:
    """One text. `metadata` is what its outputs carry; times are seconds of the monotonic clock.

    Attributes:
        text: the text, or its pieces.
        wishes: how to speak it.
        metadata: of its outputs.
        voice_files: of a voice that the message describes.
        characters: received.
        received: when.
        started: when it was begun.
        first_audio: when the first audio was sent.
        waited: seconds spent waiting for pieces of the text before that.
        computed: seconds of work.
        active: texts spoken at the same time, on average.
        chunks: messages of audio sent.
        audio_seconds: in them.
        stalls: how often audio came too late for its player.
        stall_seconds: by how much in all.
        omissions: sentences left out or cut short.
        words: that began in the audio sent.
        played: seconds of its audio that its player has played, and when it said so.
        interrupted: once it is cancelled, what of it was sent and heard; see `outputs.FIELDS`.
        outcome: once it is over.
        told_to_wait: whether its sender knows that it is queued.
    """

    text: str | Pieces
    wishes: Wishes
    metadata: Metadata
    voice_files: VoiceFiles | None = None
    characters: int = 0
    received: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_audio: float | None = None
    waited: float = 0.0
    computed: float = 0.0
    active: float = 1.0
    chunks: int = 0
    audio_seconds: float = 0.0
    stalls: int = 0
    stall_seconds: float = 0.0
    omissions: list[Omission] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    played: tuple[float, float] | None = None
    interrupted: Metadata = field(default_factory=dict)
    outcome: str | None = None
    told_to_wait: bool = False

    @property
    def question_id(self) -> str:
        """The question this text answers, as text."""
        return str(self.metadata.get("question_id", ""))

    @property
    def session(self) -> str:
        """Who hears this text: its `session_id`, as text. Texts without one have one hearer."""
        return str(self.metadata.get("session_id", ""))

    @property
    def pieces(self) -> Pieces | None:
        """The text, where it comes in pieces."""
        return self.text if isinstance(self.text, Pieces) else None

    @property
    def takes_no_more(self) -> bool:
        """Whether a later piece belongs to another text: this one is closed, or over and quiet since."""
        pieces = self.pieces
        return pieces is not None and (pieces.closed or (self.outcome is not None and pieces.overdue))

    def add(self, piece: str) -> None:
        """Append a piece to a partial text."""
        if self.pieces is not None:
            self.pieces.add(piece)

    def heard(self, now: float) -> None:
        """Audio was sent, at `now`; what counts is the first time."""
        if self.first_audio is None:
            self.first_audio = now
            self.waited = self.pieces.waited if self.pieces is not None else 0.0

    def close(self) -> None:
        """No piece follows."""
        if self.pieces is not None:
            self.pieces.close()

    def give_up(self) -> None:
        """The text is over; pieces that still come are dropped."""
        if self.pieces is not None:
            self.pieces.give_up()

    def interrupt(self, now: float, played_until: float | None) -> Metadata:
        """What of it was sent and heard by now, kept in `interrupted`.

        A player that says what it has played is believed, and plays on for at most `TRUSTED` seconds; another one is
        thought to have played all at `played_until`; None for a text whose audio others have followed.
        """
        heard = self.audio_seconds if played_until is None else self.audio_seconds - max(0.0, played_until - now)
        if self.played is not None:
            seconds, at = self.played
            heard = min(self.audio_seconds, seconds + min(TRUSTED, now - at))
        self.interrupted = {
            "heard_seconds": round(max(0.0, heard), 3),
            "heard_by": "player" if self.played else "clock",
        }
        for kind, until in (("sent", self.audio_seconds), ("heard", heard)):
            # Of a word that is cut off, less than half is not understood.
            word = next((word for word in reversed(self.words) if (word.begins + word.ends) / 2 < until), None)
            if word is not None:
                self.interrupted |= {f"{kind}_word": word.text, f"{kind}_end": word.end}
        return self.interrupted

    def metrics(self) -> Metadata:
        """What the `metrics` output says; see `outputs.FIELDS`."""
        numbers: Metadata = {
            "outcome": self.outcome or "",
            "cancelled": self.outcome == CANCELLED,
            "characters": self.characters,
            "chunks": self.chunks,
            "audio_seconds": round(self.audio_seconds, 4),
            "synthesis_seconds": round(self.computed, 4),
            **self.interrupted,
        }
        for kind, name in (("left out", "left_out"), ("cut short", "cut_short")):
            if found := [f"{each.text} ({each.reason})" for each in self.omissions if each.kind == kind]:
                numbers[name] = found
        if self.started is not None:
            numbers["queue_ms"] = round((self.started - self.received) * 1e3, 2)
            numbers["active"] = round(self.active, 2)
        if self.first_audio is not None and self.started is not None:
            numbers["ttfb_ms"] = round((self.first_audio - self.started - self.waited) * 1e3, 2)
            numbers["latency_ms"] = round((self.first_audio - self.received) * 1e3, 2)
            numbers["rtf"] = round(self.computed / self.audio_seconds, 4)
            numbers |= {"stalls": self.stalls, "stall_seconds": round(self.stall_seconds, 3)}
        return numbers
