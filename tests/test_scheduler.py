"""Whose turn it is: arithmetic with a clock that is handed in."""

from collections.abc import Generator

import numpy as np
import pytest

from dora_primespeech_mlx.runtime.later import Later
from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.needs import Need, alone
from dora_primespeech_mlx.synthesis.scheduler import (
    FIRST_GUESS,
    GUARD,
    LOAD,
    LONGEST,
    PATIENCE,
    PIECES,
    Scheduler,
    Turn,
)

RATE = 100


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def chunk(seconds: float) -> AudioChunk:
    return AudioChunk(np.zeros(round(seconds * RATE), np.float32), RATE, 0, False, 0, False, "", 0, 0)


def units(clock: Clock, *script: tuple[float, float]) -> Generator[AudioChunk | None, None, None]:
    """Work of so many seconds each, giving so many seconds of audio."""
    for took, audio in script:
        clock.now += took
        yield chunk(audio) if audio else None


def turn(clock: Clock, name: str, *script: tuple[float, float], **state) -> Turn[str]:
    return Turn(name, units(clock, *(script or ((0.01, 0.0),) * 100)), **state)


def scheduler(clock: Clock, *turns: Turn[str], most: int | None = None) -> Scheduler[str]:
    made = Scheduler[str](most, clock)
    for each in turns:
        made.add(each)
    return made


def whose(made: Scheduler[str]) -> str | None:
    found = made.next()
    return None if found is None else found.whom


def test_a_listener_who_would_soon_hear_nothing_comes_first() -> None:
    clock = Clock()
    made = scheduler(
        clock,
        turn(clock, "unheard"),
        turn(clock, "rich", heard_until=9.0),
        turn(clock, "poor", heard_until=GUARD - 0.05),
        turn(clock, "poorest", heard_until=GUARD - 0.1),
    )
    assert whose(made) == "poorest"
    made.turns.pop()
    assert whose(made) == "poor"
    made.turns.pop()
    assert whose(made) == "unheard"


def test_texts_not_heard_yet_come_in_their_order_and_then_those_that_run_out_first() -> None:
    clock = Clock()
    made = scheduler(
        clock,
        turn(clock, "late", heard_until=8.0),
        turn(clock, "early", heard_until=7.0),
        turn(clock, "a"),
        turn(clock, "b"),
    )
    for name in ("a", "b", "early", "late"):
        found = made.next()
        assert found is not None
        assert found.whom == name
        found.over = True
    assert made.next() is None


@pytest.mark.parametrize(
    ("left", "waited", "first"),
    [
        (PATIENCE + 0.2, 0.0, "new"),
        (PATIENCE + 0.2, 0.3, "new"),
        (PATIENCE + 0.01, 0.0, "new"),
        (max(GUARD, PIECES * LONGEST) - 0.01, 0.3, "heard"),
    ],
)
def test_a_listener_who_has_waited_long_enough_is_like_one_who_soon_hears_nothing(
    left: float, waited: float, first: str
) -> None:
    clock = Clock()
    made = scheduler(clock, turn(clock, "new"))
    clock.now = waited
    made.add(turn(clock, "heard", heard_until=waited + left))
    assert whose(made) == first


@pytest.mark.parametrize(("left", "first"), [(0.25, "new"), (0.23, "listener 0")])
def test_listeners_come_first_when_what_they_all_need_takes_as_long_as_there_is_left(left: float, first: str) -> None:
    clock = Clock()
    made = scheduler(clock, turn(clock, "new"))
    for number in range(4):
        made.add(turn(clock, f"listener {number}", heard_until=GUARD + left))
        made.turns[-1].hear(0.5)
    made._work, made._audio = 0.6, 7.0
    assert made.cost == pytest.approx(0.08)
    assert whose(made) == first  # each may need .75 s of audio next, all of them .24 s of work


def test_a_stretch_is_the_audio_that_came_of_one_need() -> None:
    clock = Clock()
    each = turn(clock, "one")
    for seconds, fresh in ((0.5, True), (0.25, False), (0.125, True)):
        each.fresh = fresh
        each.hear(seconds)
    assert (each.audio, each.stretch) == (0.875, 0.125)


def test_a_text_that_waits_is_passed_over() -> None:
    clock = Clock()
    made = scheduler(clock, turn(clock, "waits", blocked=lambda: True), turn(clock, "works"))
    assert whose(made) == "works"
    made.turns.pop()
    assert made.next() is None


def test_long_pieces_of_work_move_the_limit() -> None:
    clock = Clock()
    made = scheduler(clock, turn(clock, "unheard"), turn(clock, "heard", (0.5, 0.0), heard_until=1.3))
    assert whose(made) == "unheard"
    made.work(made.turns[1])
    assert whose(made) == "heard"  # .8 s are left, and two pieces of .5 s may lie between two looks


def test_work_audio_and_company_are_counted() -> None:
    clock = Clock()
    one, two = turn(clock, "one", (0.2, 1.0), (0.1, 0.5)), turn(clock, "two", (0.3, 0.0))
    made = scheduler(clock, one, two)
    assert made.work(one) is not None
    assert made.work(two) is None
    made.remove(two)
    made.work(one)
    assert (one.work, one.audio, one.active) == pytest.approx((0.3, 1.5, (0.2 * 2 + 0.1) / 0.3))
    assert not one.over
    assert made.work(one) is None
    assert one.over


def test_there_is_room_for_what_the_machine_carries() -> None:
    clock = Clock()
    made = scheduler(clock)
    assert made.room == int(LOAD / FIRST_GUESS)
    for _ in range(40):
        each = turn(clock, "slow", (0.4, 1.0))
        made.add(each)
        made.work(each)
        made.remove(each)
    assert made.cost == pytest.approx(0.4, abs=0.04)
    assert made.room == 2
    made.add(turn(clock, "one"))
    assert made.room == 1
    assert scheduler(clock, most=1).room == 1


def test_a_machine_that_cannot_keep_up_speaks_one_text_at_a_time() -> None:
    clock = Clock()
    made = scheduler(clock)
    each = turn(clock, "slow", (20.0, 10.0))
    made.add(each)
    made.work(each)
    made.remove(each)
    assert made.room == 1


def test_what_is_done_at_once_waits_for_no_device() -> None:
    done: list[str] = []

    def device(names: list[str]) -> Later[str]:
        return Later(lambda: done.append(f"waited for {names[0]}") or names, len(names))  # type: ignore[func-returns-value]

    def text(name: str) -> Generator[Need | None, None, None]:
        yield Need("sovits", device, name)
        yield alone("frontend", lambda: done.append(f"read {name}"))
        done.append(f"{name} goes on")
        yield None

    clock = Clock()
    made = scheduler(clock, *(Turn(name, text(name)) for name in ("a", "b")))  # type: ignore[arg-type]
    while len(done) < 6:
        found = made.next()
        assert found is not None
        made.work(found)
        clock.now += 0.01
    assert done == ["waited for a", "read a", "a goes on", "waited for b", "read b", "b goes on"]


def test_a_text_that_is_removed_is_closed() -> None:
    closed = []

    def work() -> Generator[AudioChunk | None, None, None]:
        try:
            yield None
            yield None
        finally:
            closed.append(True)

    made = scheduler(Clock())
    each: Turn[str] = Turn("x", work())
    made.add(each)
    made.work(each)
    made.remove(each)
    assert closed == [True]
    assert made.turns == []


def test_an_error_of_the_work_is_raised_and_its_time_counted() -> None:
    clock = Clock()

    def work() -> Generator[AudioChunk | None, None, None]:
        clock.now += 0.5
        raise RuntimeError("broken")
        yield None

    made = scheduler(clock)
    each: Turn[str] = Turn("x", work())
    made.add(each)
    with pytest.raises(RuntimeError):
        made.work(each)
    assert each.work == 0.5


STRETCHES = ((10, 6), (6, 11), (10, 19), (17, 35), (32, 32), (0, 31), (56, 38), (0, 37), (0, 38))
"""Codes and frames of a text of 5 s, as `streaming.Schedule` has them."""


def spoken(clock: Clock, slowness: float) -> Generator[AudioChunk | Need | None, None, None]:
    """A text that takes what one of a small voice takes on two cores, all of it so many times as long."""

    def work(seconds: float) -> Need:
        def done() -> None:
            clock.now += slowness * seconds

        return alone("sovits", done)

    yield work(0.0175)
    for codes, frames in STRETCHES:
        for _ in range(codes // 4):
            yield work(0.0042)
        if codes:
            yield work(0.004 + 0.0001 * codes)
        yield work(0.0045 + 0.0005 * frames)
        yield chunk(frames / 50)


def heard_at_once(slowness: float, count: int) -> tuple[list[float], list[float]]:
    """What so many listeners hear whose texts come together: seconds to the first audio of each, and all gaps."""
    clock = Clock()
    made = Scheduler[int](count, clock)
    made._work, made._audio = 1.6 * slowness, 20.0  # as after a few texts
    for number in range(count):
        made.add(Turn(number, spoken(clock, slowness)))
    for each in made.turns:
        each.blocked = lambda each=each: (each.heard_until or 0.0) - clock.now > 1.5  # type: ignore[misc]
    waits, gaps = [], []
    while made.turns:
        following = made.next()
        if following is None:
            clock.now += 0.001
        elif (audio := made.work(following)) is not None:
            until = following.heard_until
            if until is None:
                waits.append(clock.now)
            elif clock.now > until:
                gaps.append(clock.now - until)
            following.heard_until = max(clock.now, until or 0.0) + len(audio.samples) / RATE
        elif following.over:
            made.remove(following)
    return waits, gaps


@pytest.mark.parametrize(("slowness", "longest"), [(1.0, 0.7), (1.4, 2.0), (1.8, 4.0)])
def test_who_hears_something_has_no_gap_and_others_wait_when_eight_texts_come_at_once(
    slowness: float, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, gaps = heard_at_once(slowness, 8)
    assert len(waits) == 8 and waits[3] < 0.27 * slowness and waits[-1] < longest
    assert gaps == []
    monkeypatch.setattr("dora_primespeech_mlx.synthesis.scheduler.STRETCH", 0.0)
    assert bool(heard_at_once(slowness, 8)[1]) == (slowness > 1.5)
