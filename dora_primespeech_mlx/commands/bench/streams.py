"""Many sessions at once, without dora: simulated players in this process, and what each of them hears and when."""

import gc
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

import numpy as np

from dora_primespeech_mlx.commands.bench.figures import Figure, counted
from dora_primespeech_mlx.commands.bench.workshop import Workshop
from dora_primespeech_mlx.engine import TOGETHER, Engine
from dora_primespeech_mlx.runtime.factory import accelerated
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.synthesis.scheduler import Scheduler, Turn
from dora_primespeech_mlx.synthesis.streaming import render_lengths
from dora_primespeech_mlx.voices.library import Voice

TEXTS = (
    "Train # leaves at a quarter past nine, so we should be at the station by nine o'clock.",
    "Put # onions in first, and stir until they are soft and golden. Then add the garlic.",
    "Museum # opens at ten, and the small cafe next to it sells very good bread.",
    "I have read letter # twice. The second part is clear, but the first one puzzles me.",
    "我们明天早上八点在#号门口集合，请大家不要迟到。",
    "第#本书讲的是一个小镇的故事，作者写得很细，也很温暖。",
    "If the weather stays like this, we can walk along the river and come back by bus #.",
    "水开了以后再放面条，大约煮#分钟，最后加一点盐。",
)
"""What is spoken, with a number for # that makes each text its own."""
AHEAD = 1.5
"""Seconds of audio that may be made before they are played."""
SPREAD = 4.0
"""Seconds over which the sessions of an accelerator begin, about the length of a text."""
LATE = 0.01
"""Seconds; audio that comes later than this after a player has run dry is a gap."""


@dataclass(eq=False)
class Session:
    """One hearer, who has the next text spoken when the last one has been played.

    Attributes:
        texts: left to hear.
        asked: when the text that is spoken was sent.
        played_until: when what was made of it has been played; None before its first audio.
        first: seconds to the first audio of each text.
        gaps: how often each text ran dry.
        audio: seconds heard.
    """

    texts: list[str]
    asked: float = 0.0
    played_until: float | None = None
    first: list[float] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    audio: float = 0.0

    def hear(self, seconds: float, now: float) -> None:
        """So much audio has come."""
        if self.played_until is None:
            self.first.append(now - self.asked)
            self.gaps.append(0)
            self.played_until = now
        elif now > self.played_until + LATE:
            self.gaps[-1] += 1
            self.played_until = now
        self.played_until += seconds
        self.audio += seconds


def streams(shop: Workshop) -> Iterator[Figure]:
    """First audio, gaps and audio a second of more and more sessions that are spoken at the same time.

    On an accelerator a round of the same size comes before, which compiles for the numbers of rows that come together,
    and sessions begin one after the other, over `SPREAD` seconds.
    """
    on_device = shop.runtime == "mlx" and accelerated()
    for text in TEXTS:
        for _ in shop.engine.stream(text.replace("#", "1"), voice=shop.voice, seed=0):  # warms up
            pass
    if shop.voice.launch_bound:
        for rows in (1, *TOGETHER):
            render_lengths(cast(SovitsRunner, shop.voice.sovits), shop.voice.ge, rows)
    gc.collect()
    gc.freeze()  # as the node does
    for count in shop.lengths(*((8, 32, 64, 128, 216) if on_device else (1, 2, 4, 8, 12))):
        scheduler: Scheduler[Session] = Scheduler(count if on_device else None, threads=shop.engine.threads)
        spread = SPREAD if on_device else 0.0
        if on_device:
            converse(shop.engine, shop.voice, count, 1, spread, scheduler)
        sessions, took = converse(shop.engine, shop.voice, count, 1 if shop.quick else 4, spread, scheduler)
        first = np.array([seconds for session in sessions for seconds in session.first])
        gaps = np.array([gap for session in sessions for gap in session.gaps])
        at = {"sessions": count}
        for percent in (50, 90, 99):
            yield counted("streams", f"first audio, p{percent}", "ms", 1e3 * float(np.percentile(first, percent)), at)
        yield counted("streams", "texts without a gap", "%", 100 * float((gaps == 0).mean()), at)
        yield counted("streams", "audio a second", "s", sum(session.audio for session in sessions) / took, at)


def converse(
    engine: Engine,
    voice: Voice,
    count: int,
    texts: int,
    spread: float = 0.0,
    scheduler: Scheduler[Session] | None = None,
    wait: Callable[[float], object] = time.sleep,
) -> tuple[Sequence[Session], float]:
    """So many sessions, each hearing so many texts one after the other; and the seconds that all took.

    Args:
        engine: that speaks.
        voice: with which.
        count: sessions.
        texts: of each.
        spread: seconds over which the sessions begin.
        scheduler: one that knows already what the machine carries; None for a new one. Its clock counts.
        wait: lets so many seconds pass.
    """
    source = (TEXTS[number % len(TEXTS)].replace("#", str(number)) for number in itertools.count())
    sessions = [Session(list(islice(source, texts))) for _ in range(count)]
    scheduler = scheduler or Scheduler(threads=engine.threads)
    clock = scheduler.clock
    began = clock()
    hearing = [(began + spread * number / count, number) for number in range(count)]
    waiting: deque[Session] = deque()
    while waiting or scheduler.turns or hearing:
        while hearing and hearing[0][0] <= clock():
            asked, number = heapq.heappop(hearing)
            session = sessions[number]
            if session.texts:
                session.played_until, session.asked = None, asked
                waiting.append(session)
        while waiting and scheduler.room > 0:
            scheduler.add(_turn(engine, voice, waiting.popleft(), clock))
        turn = scheduler.next()
        if turn is None:
            wait(0.001)
            continue
        chunk = scheduler.work(turn)
        if chunk is not None:
            turn.whom.hear(len(chunk.samples) / chunk.sample_rate, clock())
            turn.heard_until = turn.whom.played_until
        elif turn.over:
            scheduler.remove(turn)
            session = turn.whom
            heapq.heappush(hearing, (session.played_until or clock(), sessions.index(session)))
    return sessions, clock() - began


def _turn(engine: Engine, voice: Voice, session: Session, clock: Callable[[], float]) -> Turn[Session]:
    text = session.texts.pop(0)
    units = engine.speak(text, engine.settle({"language": "auto", "seed": len(session.texts)}, voice), voice)

    def blocked() -> bool:
        return session.played_until is not None and session.played_until - clock() > AHEAD

    return Turn(session, units, blocked)
