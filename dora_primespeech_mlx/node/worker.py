"""The one thread that owns the engine: builds it, warms it up, and speaks the texts at the desk, many at once.

Nothing waits on this thread while there is something to do: pieces of a text and the time to send are polled, and
between two looks lies one little piece of work (`synthesis.scheduler`).
"""

import gc
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.node.delivery import Delivery
from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.jobs import Job
from dora_primespeech_mlx.node.message_voices import MessageVoices, permitted_wishes
from dora_primespeech_mlx.node.outputs import COMPLETED, ERROR, SKIPPED
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.synthesis.scheduler import Scheduler, Turn

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Speaking:
    """A text that is being spoken, and what of it waits to be sent."""

    job: Job
    delivery: Delivery
    error: str = ""

    @property
    def blocked(self) -> bool:
        """Whether there is nothing to do for it now."""
        return any(message.whole for message in self.delivery.outbox) or self.dry_until is not None

    @property
    def dry_until(self) -> float | None:
        """See `Pieces.dry_until`; None for a whole text."""
        return self.job.pieces.dry_until() if self.job.pieces is not None else None


class Worker:
    """A thread around an engine. `make_engine` is called on it, because what the engine holds belongs to one thread."""

    def __init__(
        self,
        make_engine: "Callable[[Settings], Engine]",
        desk: Desk,
        give_up: Callable[[BaseException], None] = lambda error: None,
    ):
        self.voice_names: list[str] = []
        self._make_engine, self._give_up = make_engine, give_up
        self._desk = desk
        self._voices = MessageVoices(desk.settings)
        self._scheduler: Scheduler[Speaking] = Scheduler(desk.settings.max_sessions, told=desk.look_up)
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)

    def start(self) -> None:
        """Build the engine and warm it up; return when it is ready, or raise what it raised."""
        self._thread.start()
        self._ready.wait()
        self.check()

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Wait until everything at the desk is spoken; the desk must drain. Raise what ended the thread before that."""
        self._over.wait()
        self.check()

    def _main(self) -> None:
        """Work, and then stay: when a thread that used MLX ends while the process does, MLX may abort it."""
        try:
            engine = self._make_engine(self._desk.settings)
            engine.warm_up()
            # What is there by now stays, so Python's collector need not look through it, 30 ms each time.
            gc.collect()
            gc.freeze()
            self.voice_names = list(engine.voice_names)
            self._scheduler.threads = engine.threads
            self._ready.set()
            self._serve(engine)
        except BaseException as error:  # noqa: BLE001 - what ends the worker ends the node
            self._failure = error
            if self._ready.is_set():
                self._desk.abandon(sentence(error))
                self._give_up(error)
        self._ready.set()
        self._over.set()
        threading.Event().wait()

    def _serve(self, engine: "Engine") -> None:
        seen, wake = -1, 0.0
        while not self._desk.done:
            news = self._desk.changed.count
            while (voice := self._desk.next_voice()) is not None:
                self._load(engine, *voice)
            for job in self._desk.admit(self._scheduler.room):
                self._begin(engine, job)
            if news != seen or wake <= time.monotonic():
                seen, wake = news, min(map(self._deliver, list(self._scheduler.turns)), default=math.inf)
            turn = self._scheduler.next()
            if turn is not None:
                self._advance(turn)
                wake = min(wake, self._deliver(turn))
            elif wake > time.monotonic():
                self._desk.wait(news, wake)

    def _load(self, engine: "Engine", name: str | None) -> None:
        try:
            engine.load_voice(name)
        except Exception as error:  # noqa: BLE001 - a voice that does not load is said, and others speak
            self._desk.refuse_voice(name)
            self._desk.status(f"error: {sentence(error)}")
            self._desk.log("ERROR", sentence(error))
        else:
            self._desk.log("INFO", f"texts that come from here on are spoken by {name or 'the default voice'}")

    def _begin(self, engine: "Engine", job: Job) -> None:
        try:
            voice = None
            if job.voice_files is not None:
                voice = self._voices.voice(engine, job.voice_files, job.wishes.get("voice"))
            manner = engine.settle(permitted_wishes(job.wishes, self._desk.settings), voice)
            units = engine.speak(job.text, manner, voice, cancelled=lambda: job.outcome is not None)
        except Exception as error:  # noqa: BLE001 - a text that cannot be spoken is answered
            self._desk.finish(job, ERROR, sentence(error))
            return
        speaking = Speaking(job, Delivery(job, manner, self._desk.settings))
        self._scheduler.add(Turn(speaking, units, lambda: speaking.blocked))

    def _advance(self, turn: Turn[Speaking]) -> None:
        """One piece of work on a text; its error is the end of that text alone."""
        speaking = turn.whom
        try:
            chunk = self._scheduler.work(turn)
            if chunk is not None:
                speaking.delivery.take(chunk)
            elif turn.over:
                speaking.delivery.close()
        except Exception as error:
            logger.debug("text %s", speaking.job.metadata["segment_id"], exc_info=True)
            turn.over, speaking.error = True, sentence(error)
            speaking.delivery.break_off()

    def _deliver(self, turn: Turn[Speaking]) -> float:
        """Send what may be sent of a text, and end it if it is all sent or over; when to look again."""
        speaking, job, wake = turn.whom, turn.whom.job, math.inf
        while speaking.delivery.outbox and job.outcome is None:
            wait = self._desk.try_send(job, *speaking.delivery.outbox[0])
            if wait is None:
                break
            if wait > 0.0:
                wake = time.monotonic() + wait
                break
            speaking.delivery.outbox.popleft()
            turn.heard_until = self._desk.heard_until(job)
        job.computed, job.active = turn.work, turn.active
        if job.outcome is not None or (turn.over and not speaking.delivery.outbox):
            self._scheduler.remove(turn)
            outcome = ERROR if speaking.error else COMPLETED if job.chunks else SKIPPED
            self._desk.finish(job, outcome, speaking.error)
            return 0.0
        dry_until = speaking.dry_until
        return wake if dry_until is None else min(wake, dry_until)
