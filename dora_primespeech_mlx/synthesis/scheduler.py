"""Many texts on one executor: whose turn it is, and how many may be spoken at once.

Every text is a generator that yields what it needs (`Engine.speak`). The scheduler meets the need of one of them,
together with needs of the same kind that others have, and resumes it, so nothing is ever interrupted and nothing waits:
first those whose listener would soon hear nothing, the most urgent first; then those not heard yet, in the order they
came; then the others, by when their audio runs out. A lone text takes the same way, with the same samples.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.needs import Need, meet

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
        units: audio, and what the text needs first; None where it waits for something else.
        blocked: whether the text can do nothing now: it waits for text, or for its audio to be sent.
        need: what the text waits for, not met yet.
        heard_until: when its listener has heard all that was sent; None while nothing was.
        work: seconds spent.
        audio: seconds made.
        company: texts spoken at the same time, itself among them, summed over its work.
        over: whether there is no more.
    """

    whom: Whom
    units: Generator[AudioChunk | Need | None, None, None]
    blocked: Callable[[], bool] = lambda: False
    need: Need | None = None
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
    _unasked: deque[Turn[Whom]] = field(default_factory=deque)
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
        turn.over, turn.need = True, None
        turn.units.close()
        self._work = MEMORY * self._work + turn.work
        self._audio = MEMORY * self._audio + turn.audio

    def next(self) -> Turn[Whom] | None:
        """The text whose turn it is; None if none can do anything now.

        Texts that have not said yet what they need come first: that is no work, and others may need the same. Texts not
        heard yet wait for each other where they can go on together: a reading or a prefill of the next one comes before
        codes of the first one alone.
        """
        while self._unasked:
            turn = self._unasked.popleft()
            if turn.need is None and not turn.over and not turn.blocked():
                return turn
        ready = self._ready()
        self._unasked.extend(turn for turn in ready if turn.need is None)
        if self._unasked:
            return self._unasked.popleft()
        return self._behind(ready) or ready[0] if ready else None

    def _behind(self, ready: Sequence[Turn[Whom]]) -> Turn[Whom] | None:
        """Of texts not heard yet that could go on together with the first one, one that has to catch up with it."""
        first = ready[0]
        if first.heard_until is not None or first.need is None:
            return None
        unheard = (turn for turn in ready[1 : first.need.most] if turn.heard_until is None)
        return next((turn for turn in unheard if turn.need is not None and turn.need.most == 1), None)

    def _ready(self) -> list[Turn[Whom]]:
        """Texts that can do something now, the most urgent first."""
        limit = self.clock() + max(GUARD, 2 * self._longest)

        def urgency(turn: Turn[Whom]) -> tuple[int, float]:
            if turn.heard_until is None:
                return 1, 0.0
            return (0 if turn.heard_until < limit else 2), turn.heard_until

        return sorted((turn for turn in self.turns if not turn.over and not turn.blocked()), key=urgency)

    def work(self, turn: Turn[Whom]) -> AudioChunk | None:
        """Meets a text's need, and those of others with it, and resumes it; the audio it gave.

        Raises what the text raises.
        """
        began, company = self.clock(), [turn]
        try:
            if turn.need is not None:
                company = self._company(turn, turn.need)
                meet([each.need for each in company if each.need is not None])
                for each in company:
                    each.need = None
            made = next(turn.units)
        except StopIteration:
            turn.over = True
            return None
        finally:
            took = self.clock() - began
            self._longest = max(took, 0.99 * self._longest)
            for each in company:
                each.work += took / len(company)
                each.company += took / len(company) * len(self.turns)
        if isinstance(made, Need):
            turn.need, made = made, None
        elif made is not None:
            turn.audio += len(made.samples) / made.sample_rate
        return made

    def _company(self, turn: Turn[Whom], need: Need) -> list[Turn[Whom]]:
        """The text and others whose needs can be met with its own, the most urgent of them."""
        if need.kind is None or need.most == 1:
            return [turn]
        alike = [each for each in self._ready() if each is not turn and each.need and each.need.kind == need.kind]
        return [turn, *alike[: need.most - 1]]
