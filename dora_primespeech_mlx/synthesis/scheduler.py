"""Many texts on one executor: whose turn it is, and how many may be spoken at once.

Every text is a generator that yields what it needs (`Engine.speak`). The scheduler meets the need of one of them,
together with needs of the same kind that others have, and resumes it, so nothing is ever interrupted and nothing waits:
first those whose listeners would hear nothing if they and all more urgent ones waited any longer, the most urgent
first; then the others, by when their audio runs out, or by when a listener has waited long enough for the first of it.
What a device does is not waited for while there is something else to submit to it. On a processor the needs of texts
that have something to do at the same time are met side by side, on a thread each: less is lost than where threads share
each piece of work. A lone text takes the same way, with the same samples.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.needs import Meeting, Need

GUARD = 0.1
"""Seconds of audio that a listener should have left when more is there, at least."""
PIECES = 2
"""The same in pieces of work, of the longest."""
GROWTH, STRETCH = 1.5, 1.0
"""How much longer than the last one the next stretch of a listener's audio may be, and its most seconds."""
LONGEST, FADING = 0.05, 0.998
"""Seconds that the longest piece of work takes before any was done, and how it is forgotten with each."""
PATIENCE = 0.2
"""Seconds after which a listener who has heard nothing yet is like one who would now hear nothing."""
LOAD = 0.9
"""Share of the time that may be planned for."""
FIRST_GUESS = 0.2
"""Seconds of work for a second of audio, before any was measured; it weighs as much as one second of audio."""
SHARED = 0.8
"""Of the time of work that all threads share, what counts towards the cost: on a thread beside others it takes less."""
MEMORY = 0.8
"""Weight of what was measured before, at each text that ends."""

Whom = TypeVar("Whom")
_THREADS = ThreadPoolExecutor(thread_name_prefix="beside")


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
        counted: of them, towards the cost of audio.
        audio: seconds made.
        stretch: of them, those that came of the latest need.
        company: texts spoken at the same time, itself among them, summed over its work.
        since: when it began.
        busy: whether a device or another thread is at its need.
        fresh: whether a need was met since there was audio.
        over: whether there is no more.
    """

    whom: Whom
    units: Generator[AudioChunk | Need | None, None, None]
    blocked: Callable[[], bool] = lambda: False
    need: Need | None = None
    heard_until: float | None = None
    work: float = 0.0
    counted: float = 0.0
    audio: float = 0.0
    stretch: float = 0.0
    company: float = 0.0
    since: float = 0.0
    busy: bool = False
    fresh: bool = False
    over: bool = False

    def hear(self, seconds: float) -> None:
        """So much audio was made."""
        self.audio += seconds
        self.stretch = seconds if self.fresh else self.stretch + seconds
        self.fresh = False

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
        threads: needs that are met side by side; see `runtime.interface.SovitsRunner`.
        told: called, on another thread, when one of these is met.
    """

    most: int | None = None
    clock: Callable[[], float] = time.monotonic
    threads: int = 1
    told: Callable[[], object] = lambda: None
    turns: list[Turn[Whom]] = field(default_factory=list)
    _unasked: deque[Turn[Whom]] = field(default_factory=deque)
    _ranked: Sequence[Turn[Whom]] = ()
    _under_way: tuple[Sequence[Turn[Whom]], Meeting] | None = None
    _beside: list[tuple[Turn[Whom], Future[Meeting]]] = field(default_factory=list)
    _longest: float = LONGEST
    _work: float = 0.0
    _audio: float = 0.0

    @property
    def cost(self) -> float:
        """Seconds of work for a second of audio, as measured on the latest texts and those under way."""
        work = self._work + sum(turn.counted for turn in self.turns)
        audio = self._audio + sum(turn.audio for turn in self.turns)
        return (FIRST_GUESS + work) / (1.0 + audio)

    @property
    def room(self) -> int:
        """How many more texts may begin."""
        most = max(1, int(LOAD / self.cost)) if self.most is None else self.most
        return most - len(self.turns)

    def add(self, turn: Turn[Whom]) -> None:
        """Begins a text."""
        turn.since = self.clock()
        self.turns.append(turn)

    def remove(self, turn: Turn[Whom]) -> None:
        """Ends a text, finished or not."""
        self.turns.remove(turn)
        turn.over, turn.need = True, None
        turn.units.close()
        self._work = MEMORY * self._work + turn.counted
        self._audio = MEMORY * self._audio + turn.audio

    def next(self) -> Turn[Whom] | None:
        """The text whose turn it is; None if none can do anything now, or until a thread has done what it is at.

        Texts that have not said yet what they need come first: that is no work, and others may need the same. Texts not
        heard yet wait for each other where they can go on together: a reading or a prefill of the next one comes before
        codes of the first one alone.
        """
        while True:
            self._gather()
            while self._unasked:
                turn = self._unasked.popleft()
                if turn.need is None and not turn.over and not turn.blocked():
                    return turn
            self._ranked = self._ready()
            self._unasked.extend(turn for turn in self._ranked if turn.need is None)
            if self._unasked:
                continue
            if self._ranked and self._under_way is None and len(self._beside) == self.threads:
                return None
            if self._ranked:
                return self._behind(self._ranked) or self._ranked[0]
            if self._under_way is None:
                return None
            ended, self._under_way = self._under_way, None
            self._end(*ended)

    def _gather(self) -> None:
        """Ends what other threads have done."""
        for each in list(self._beside):
            turn, begun = each
            if begun.done():
                self._beside.remove(each)
                meeting = begun.result()
                meeting.end()
                self._count([turn], meeting.took, self.threads)
                self._free([turn])

    def _behind(self, ready: Sequence[Turn[Whom]]) -> Turn[Whom] | None:
        """Of texts not heard yet that could go on together with the first one, one that has to catch up with it."""
        first = ready[0]
        if first.heard_until is not None or first.need is None:
            return None
        unheard = (turn for turn in ready[1 : first.need.most] if turn.heard_until is None)
        return next((turn for turn in unheard if turn.need is not None and turn.need.most == 1), None)

    def _ready(self) -> list[Turn[Whom]]:
        """Texts that can do something now, the most urgent first."""
        free = [turn for turn in self.turns if not (turn.over or turn.busy or turn.blocked())]
        limit = self._limit(free)

        def urgency(turn: Turn[Whom]) -> tuple[int, float]:
            if turn.heard_until is None:
                return 1, turn.since + PATIENCE
            return int(turn.heard_until > limit), turn.heard_until

        return sorted(free, key=urgency)

    def _limit(self, turns: Sequence[Turn[Whom]]) -> float:
        """Listeners come first who have heard all by then: what they all need next takes as long as there is left.

        Of that each has a thread to itself, on which it takes as many times its share as there are threads.
        """
        done, limit, cost = self.clock() + max(GUARD, PIECES * self._longest), -math.inf, self.cost
        heard = ((turn.heard_until, turn.stretch) for turn in turns if turn.heard_until is not None)
        for until, stretch in sorted(heard):
            share = min(STRETCH, GROWTH * stretch) * cost
            done += share
            if until < done + (self.threads - 1) * share:
                limit = until
        return limit

    def work(self, turn: Turn[Whom]) -> AudioChunk | None:
        """Meets a text's need, and those of others with it, or resumes it where it has none; the audio it gave.

        What a device does is waited for when the next such piece of work is on its way to it, or there is none. Raises
        what the text raises.
        """
        if turn.need is not None:
            if not self._begin_beside(turn, turn.need):
                self._begin(turn, turn.need)
            if turn.need is not None:
                return None
        began = self.clock()
        try:
            made = next(turn.units)
        except StopIteration:
            turn.over = True
            return None
        finally:
            self._count([turn], self.clock() - began, self.threads if self._beside else 1)
        if isinstance(made, Need):
            turn.need, made = made, None
        elif made is not None:
            turn.hear(len(made.samples) / made.sample_rate)
        return made

    def _begin_beside(self, turn: Turn[Whom], need: Need) -> bool:
        """Begins what a text needs on another thread, where others have something to do as well."""
        if self.threads == 1 or need.beside is None or (len(self._ranked) < 2 and not self._beside):
            return False
        do = need.beside()
        if do is None:
            return False
        turn.busy = True
        meeting = _THREADS.submit(Meeting, [need], do)
        self._beside.append((turn, meeting))
        meeting.add_done_callback(lambda _: self.told())
        return True

    def _begin(self, turn: Turn[Whom], need: Need) -> None:
        """Begins what a text needs, and others with it.

        A device is given it before what it did last is waited for; what is done at once waits for no device.
        """
        company, began = self._company(turn, need), self.clock()
        meeting = Meeting([each.need for each in company if each.need is not None])
        self._count(company, self.clock() - began)
        for each in company:
            each.busy = True
        ended: tuple[Sequence[Turn[Whom]], Meeting] | None = (company, meeting)
        if meeting.under_way:
            ended, self._under_way = self._under_way, ended
        if ended is not None:
            self._end(*ended)

    def _end(self, company: Sequence[Turn[Whom]], meeting: Meeting) -> None:
        """Waits for what is under way, whose texts can then be resumed."""
        began = self.clock()
        meeting.end()
        self._count(company, self.clock() - began)
        self._free(company)

    def _free(self, company: Sequence[Turn[Whom]]) -> None:
        """Lets texts go on whose need is met."""
        for each in company:
            each.busy, each.need, each.fresh = False, None, True
        self._unasked.extend(company)

    def _count(self, company: Sequence[Turn[Whom]], took: float, threads: int = 1) -> None:
        """So much time went into the work of some texts, that of one thread of so many."""
        self._longest = max(took, FADING * self._longest)
        share = took / len(company) / threads
        for each in company:
            each.work += share
            shared = threads < self.threads and each.need is not None and each.need.beside is not None
            each.counted += SHARED * share if shared else share
            each.company += share * len(self.turns)

    def _company(self, turn: Turn[Whom], need: Need) -> list[Turn[Whom]]:
        """The text and others whose needs can be met with its own, the most urgent of them."""
        ranked, self._ranked = self._ranked or self._ready(), ()
        if need.kind is None or need.most == 1:
            return [turn]
        alike = [each for each in ranked if each is not turn and each.need and each.need.kind == need.kind]
        return [turn, *alike[: need.most - 1]]
