"""Many texts on one executor: whose turn it is, and how many may be spoken at once.

Every text is a generator that does one little piece of work at a time (`Engine.speak`). The scheduler resumes one of
them, so nothing is ever interrupted and nothing waits: first those whose listener would soon hear nothing, the most
urgent first; then those not heard yet, in the order they came; then the others, by when their audio runs out. A lone
text takes the same way, with the same samples.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dora_primespeech_mlx.speech import AudioChunk

GUARD = 0.25
"""Seconds of audio left at which a listener comes first, at least; or twice the longest piece of work."""
LOAD = 0.8
"""Share of the time that may be planned for."""
FIRST_GUESS = 0.2
"""Seconds of work for a second of audio, before any was measured; it weighs as much as one second of audio."""
MEMORY = 0.8
"""Weight of what was measured before, at each text that ends."""

Whom = TypeVar("Whom")


@dataclass(eq=False)
class Turn(Generic[Whom]):
    """One text that is being spoken.

    Attributes:
        whom: whose text it is; the scheduler does not look at it.
        units: the work, one piece at a time; None where a piece gave no audio.
        blocked: whether the text can do nothing now: it waits for text, or for its audio to be sent.
        heard_until: when its listener has heard all that was sent; None while nothing was.
        work: seconds spent.
        audio: seconds made.
        company: texts spoken at the same time, itself among them, summed over its work.
        over: whether there is no more.
    """

    whom: Whom
    units: Generator[AudioChunk | None, None, None]
    blocked: Callable[[], bool] = lambda: False
    heard_until: float | None = None
    work: float = 0.0
    audio: float = 0.0
    company: float = 0.0
    over: bool = False

    @property
    def active(self) -> float:
        """Texts spoken at the same time, itself among them, on average."""
        return self.company / self.work if self.work else 1.0


@dataclass
class Scheduler(Generic[Whom]):
    """The texts being spoken, in the order they came, and what their work costs.

    Attributes:
        most: texts at once; None for as many as the machine carries.
        clock: seconds that only go on.
    """

    most: int | None = None
    clock: Callable[[], float] = time.monotonic
    turns: list[Turn[Whom]] = field(default_factory=list)
    _longest: float = 0.0
    _work: float = 0.0
    _audio: float = 0.0

    @property
    def cost(self) -> float:
        """Seconds of work for a second of audio, as measured on the latest texts and those under way."""
        work = self._work + sum(turn.work for turn in self.turns)
        audio = self._audio + sum(turn.audio for turn in self.turns)
        return (FIRST_GUESS + work) / (1.0 + audio)

    @property
    def room(self) -> int:
        """How many more texts may begin."""
        most = max(1, int(LOAD / self.cost)) if self.most is None else self.most
        return most - len(self.turns)

    def add(self, turn: Turn[Whom]) -> None:
        """Begins a text."""
        self.turns.append(turn)

    def remove(self, turn: Turn[Whom]) -> None:
        """Ends a text, finished or not."""
        self.turns.remove(turn)
        turn.units.close()
        self._work = MEMORY * self._work + turn.work
        self._audio = MEMORY * self._audio + turn.audio

    def next(self) -> Turn[Whom] | None:
        """The text whose turn it is; None if none can do anything now."""
        ready = [turn for turn in self.turns if not turn.over and not turn.blocked()]
        if not ready:
            return None
        limit = self.clock() + max(GUARD, 2 * self._longest)

        def urgency(turn: Turn[Whom]) -> tuple[int, float]:
            if turn.heard_until is None:
                return 1, 0.0
            return (0 if turn.heard_until < limit else 2), turn.heard_until

        return min(ready, key=urgency)

    def work(self, turn: Turn[Whom]) -> AudioChunk | None:
        """One piece of a text's work; the audio it gave. Raises what the work raises."""
        began = self.clock()
        try:
            chunk = next(turn.units)
        except StopIteration:
            turn.over = True
            return None
        finally:
            took = self.clock() - began
            self._longest = max(took, 0.99 * self._longest)
            turn.work += took
            turn.company += took * len(self.turns)
        if chunk is not None:
            turn.audio += len(chunk.samples) / chunk.sample_rate
        return chunk
