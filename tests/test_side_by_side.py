"""Texts whose work is done side by side, on a thread each: when, how it is counted, and that nobody hears it."""

import random
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_decoding import Scripted

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.decoding import Decoder, Row
from dora_primespeech_mlx.synthesis.needs import Meeting, Need, Work
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.scheduler import FIRST_GUESS, SHARED, Scheduler, Turn

TEXTS = (
    "Hello world, this is a test.",
    "I bought three books for you! They are red.",
    "Where is it?",
    "The kettle is on, and the window is open.",
)


def speak_all(engine: Engine, texts: Sequence[str], threads: int) -> list[np.ndarray]:
    """Samples of texts that are spoken at the same time, of which one joins after every six pieces of work.

    Beside them others begin and are taken away, some of them while a thread is at their work.
    """
    told = threading.Event()
    scheduler: Scheduler[int] = Scheduler(len(texts), threads=threads, told=told.set)
    samples: list[list[np.ndarray]] = [[] for _ in texts]
    waiting, works, dice = list(range(len(texts))), 0, random.Random(1)
    passing: list[Turn[int]] = []
    while waiting or len(scheduler.turns) > len(passing):
        if dice.random() < 0.1 and len(passing) < 2:
            passing.append(Turn(-1, engine.speak(dice.choice(texts), engine.settle({"seed": works}))))
            scheduler.add(passing[-1])
        elif passing and dice.random() < 0.1:
            scheduler.remove(passing.pop(0))
        if waiting and works >= 6 * waiting[0]:
            seed = waiting.pop(0)
            scheduler.add(Turn(seed, engine.speak(texts[seed], engine.settle({"seed": seed}))))
        told.clear()
        turn = scheduler.next()
        if turn is None:
            told.wait(0.05)
            continue
        chunk, works = scheduler.work(turn), works + 1
        if turn.over:
            scheduler.remove(turn)
            passing = [each for each in passing if each is not turn]
        elif chunk is not None and turn not in passing:
            samples[turn.whom].append(chunk.samples)
    return [np.concatenate(each) for each in samples]


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_a_text_sounds_as_alone_beside_others_that_come_and_go(tiny_voices: Path, precision: str) -> None:
    settings = Settings(voices=tiny_voices, runtime="onnx", precision=precision, threads=2)
    engine = Engine.from_config(tiny_voices, replace(settings, language="en"))
    assert engine.threads == 2
    sovits, t2s = engine.load_voice().sovits, engine.load_voice().t2s
    while sovits.beside() is None or t2s.beside() is None:  # their sessions are being made
        pass
    prefilled, prefill = [], t2s.beside().prefill
    t2s.beside().prefill = lambda *text: (prefilled.append(threading.current_thread().name), prefill(*text))[1]
    made: list[str] = []
    beside = sovits.beside()
    whole = beside.vocode
    beside.vocode = lambda *row: (made.append(threading.current_thread().name), whole(*row))[1]
    together = speak_all(engine, TEXTS, 2)
    assert len(made) > 4 and all(name.startswith("beside") for name in made)
    assert len(prefilled) > 1 and all(name.startswith("beside") for name in prefilled)
    count = len(made), len(prefilled)
    for seed, text in enumerate(TEXTS):
        alone = [chunk.samples for chunk in engine.stream(text, seed=seed)]
        np.testing.assert_allclose(together[seed], np.concatenate(alone), atol=1e-6)
    assert (len(made), len(prefilled)) == count


def units(name: str, do: Work[str], beside: Work[str] | None, count: int = 1) -> Generator[Need, None, None]:
    for _ in range(count):
        need = Need("sovits", do, name, beside=None if beside is None else lambda: beside)
        yield need
        assert need.result == name


def run(scheduler: Scheduler[str], told: threading.Event) -> None:
    while scheduler.turns:
        told.clear()
        turn = scheduler.next()
        if turn is None:
            assert told.wait(10)
            continue
        scheduler.work(turn)
        if turn.over:
            scheduler.remove(turn)


def test_two_texts_are_worked_on_at_the_same_time_and_a_third_waits() -> None:
    both, told, at_work = threading.Barrier(2, timeout=10), threading.Event(), []

    def beside(names: Sequence[str]) -> Sequence[str]:
        at_work.append((names[0], threading.current_thread() is not threading.main_thread()))
        both.wait()
        return names

    scheduler: Scheduler[str] = Scheduler(threads=2, told=told.set)
    turns = [Turn(name, units(name, beside, beside)) for name in "abcd"]
    for turn in turns:
        scheduler.add(turn)
    run(scheduler, told)
    assert sorted(at_work[:2]) == [("a", True), ("b", True)] and sorted(at_work[2:]) == [("c", True), ("d", True)]
    assert all(turn.over and turn.work > 0 for turn in turns)


def test_a_lone_text_is_worked_on_here_and_so_is_what_cannot_be_done_beside() -> None:
    here: list[str] = []

    def do(names: Sequence[str]) -> Sequence[str]:
        assert threading.current_thread() is threading.main_thread()
        here.extend(names)
        return names

    def never(names: Sequence[str]) -> Sequence[str]:
        raise AssertionError(names)

    for names, beside, threads in (("a", never, 2), ("ab", None, 2), ("ab", never, 1)):
        here.clear()
        scheduler: Scheduler[str] = Scheduler(threads=threads)
        for name in names:
            scheduler.add(Turn(name, units(name, do, beside)))
        run(scheduler, threading.Event())
        assert here == list(names)


def test_work_beside_counts_by_its_share_of_the_threads_and_an_error_is_its_text_s_own() -> None:
    told = threading.Event()
    both = threading.Barrier(2, timeout=10)

    def beside(names: Sequence[str]) -> Sequence[str]:
        both.wait()
        if names[0] == "b":
            raise ValueError("b cannot be spoken")
        return names

    scheduler: Scheduler[str] = Scheduler(threads=2, told=told.set)
    first, second = Turn("a", units("a", beside, beside)), Turn("b", units("b", beside, beside))
    scheduler.add(first)
    scheduler.add(second)
    needs = []
    while len(needs) < 2:
        turn = scheduler.next()
        assert turn is not None
        scheduler.work(turn)
        needs += [turn.need] if turn.busy else []
    while first.busy or second.busy:
        told.wait(0.05)
        if (turn := scheduler.next()) is not None and turn.whom == "b":
            with pytest.raises(ValueError, match="b cannot be spoken"):
                scheduler.work(turn)
            turn.over = True
        elif turn is not None:
            scheduler.work(turn)
    assert 0 < first.work < needs[0].took and first.over


def test_a_row_that_leaves_waits_for_what_is_made_of_it() -> None:
    runner = Scripted([9], pipelined=False, xp=np)
    runner.start = lambda texts, prompt: SimpleNamespace(logits=np.zeros((1, 10), np.float32))
    runner.beside = lambda: None
    decoder, begun, go = Decoder(runner, apart=True), threading.Event(), threading.Event()
    row = Row(np.array([1, 2, 9], np.int32), None, NoiseTable("exponential", 10, (0,)), limit=5)
    decoder.join([row])

    def slow(rows: Sequence[Row]) -> list[list[int]]:
        begun.set()
        assert go.wait(10) and row in decoder.rows
        return [[] for _ in rows]

    beside = decoder.beside(slow)
    assert beside is not None
    thread = threading.Thread(target=beside(), args=([row],))
    thread.start()
    assert begun.wait(10)
    leaving = threading.Thread(target=decoder.leave, args=(row,))
    leaving.start()
    leaving.join(0.05)
    assert leaving.is_alive()
    go.set()
    leaving.join(10)
    thread.join(10)
    assert not decoder.rows and not leaving.is_alive()


def test_what_all_threads_share_counts_less_towards_the_cost_if_it_can_be_done_beside() -> None:
    now = [0.0]

    def do(names: Sequence[str]) -> Sequence[str]:
        now[0] += 2.0
        return names

    for beside, threads, counted in ((do, 2, 2.0 * SHARED), (None, 2, 2.0), (do, 1, 2.0)):
        scheduler: Scheduler[str] = Scheduler(clock=lambda: now[0], threads=threads)
        turn = Turn("a", units("a", do, beside))
        scheduler.add(turn)
        while scheduler.next() is not None:
            scheduler.work(turn)
        assert (turn.work, turn.counted) == (2.0, counted)
        assert scheduler.cost == FIRST_GUESS + counted


def test_what_is_done_between_two_looks_is_seen_at_the_next() -> None:
    class Begun(Future):
        looks = 0

        def done(self) -> bool:
            self.looks += 1
            return self.looks > 1

    scheduler: Scheduler[str] = Scheduler(threads=2)
    need, begun = Need("sovits", list, "a"), Begun()
    begun.set_result(Meeting([need]))
    turn = Turn("a", units("a", list, None), need=need, busy=True)
    scheduler.add(turn)
    scheduler._beside.append((turn, begun))
    assert scheduler.next() is None
    assert scheduler.next() is turn and not turn.busy


def test_a_listener_comes_first_in_time_for_work_that_takes_longer_on_one_thread() -> None:
    for threads, first in ((1, "new"), (2, "heard")):
        scheduler: Scheduler[str] = Scheduler(clock=lambda: 0.0, threads=threads)
        scheduler._work, scheduler._audio = 10.0, 50.0
        heard, new = (Turn(name, units(name, list, None), since=-1.0) for name in ("heard", "new"))
        heard.heard_until, heard.stretch = 0.35, 1.0
        scheduler.add(new)
        scheduler.add(heard)
        heard.need = new.need = Need("sovits", list, "x")
        turn = scheduler.next()
        assert turn is not None and turn.whom == first


class TwoThreads:
    """Two threads in virtual time: work lasts what its argument says, on one thread of two or on both."""

    def __init__(self) -> None:
        self.now, self.ends = 0.0, [0.0]

    def both(self, lasts: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
        self.now += lasts[0][0]
        return lasts

    def submit(self, meeting: type[Meeting], needs: Sequence[Need], do: Work) -> Future[Meeting]:
        begun, until = meeting(needs, do), self.now + needs[0].kind[1]  # type: ignore[index]
        begun.took = needs[0].kind[1]  # type: ignore[index]
        self.ends.append(until)
        future: Future[Meeting] = Future()
        future.set_result(begun)
        future.done = lambda: self.now >= until  # type: ignore[method-assign]
        return future

    def speak(self) -> Generator[Need | AudioChunk, None, None]:
        """A text of 6 s, of which the voice that ships takes so many ms on both threads and on one, with AVX-512."""
        for codes, frames in ((17, 18), (10, 19), (17, 35), (32, 32), (0, 31), (56, 38), (0, 37), (0, 38)):
            steps = [(4.2, 4.6)] * (codes // 4) + [(7.5, 9.0)] * (codes > 0) + [(7.5 + 1.18 * frames, 8 + 2.1 * frames)]
            for ms in [(18.6, 27.0)] * (codes == 17 and frames == 18) + steps:
                lasts = (1e-3 * ms[0], 1e-3 * ms[1])
                yield Need("sovits", self.both, lasts, lasts, beside=lambda: list)
            yield AudioChunk(np.zeros(2 * frames, np.float32), 100, 0, False, 0, False, "", 0, 0)

    def burst(self, count: int, threads: int) -> tuple[list[float], list[float]]:
        """What listeners hear whose texts come together: seconds to the first audio of each, and all gaps."""
        scheduler: Scheduler[int] = Scheduler(count, lambda: self.now, threads)
        scheduler._work, scheduler._audio = 1.6, 16.0  # as after a few texts
        for number in range(count):
            turn = Turn(number, self.speak())
            turn.blocked = lambda turn=turn: (turn.heard_until or 0.0) - self.now > 1.5  # type: ignore[misc]
            scheduler.add(turn)
        waits, gaps = [], []
        while scheduler.turns:
            turn = scheduler.next()
            if turn is None:
                self.now = min([self.now + 0.001, *(end for end in self.ends if end > self.now)])
            elif (audio := scheduler.work(turn)) is not None:
                until = turn.heard_until
                if until is None:
                    waits.append(self.now)
                elif self.now > until:
                    gaps.append(self.now - until)
                turn.heard_until = max(self.now, until or 0.0) + len(audio.samples) / 100
            elif turn.over:
                scheduler.remove(turn)
        return waits, gaps


def test_of_eight_that_come_at_once_the_last_hear_sooner_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    for threads in (1, 2):
        machine = TwoThreads()
        monkeypatch.setattr("dora_primespeech_mlx.synthesis.scheduler._THREADS", machine)
        waits, gaps = machine.burst(8, threads)
        assert len(waits) == 8 and gaps == []
        heard.append(waits)
    shared, beside = heard
    assert beside[3] < 0.21 and beside[5] < 0.8 * shared[5] and beside[7] < 0.6 * shared[7]
