"""The token loop: a T2S runner and sentences to semantic codes, one at a time, cancellable.

On a device that computes ahead, step n + 1 is submitted before code n is read, so that the device never waits for the
host; the end of the sequence is then seen one step late and the step too many is dropped. A session that draws for
itself makes several codes at once, and those after the end are dropped too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import ModuleType

import numpy as np

from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE, FRAMES_PER_CODE
from dora_primespeech_mlx.runtime.alignment import Rows
from dora_primespeech_mlx.runtime.interface import Array, DrawingSession, T2SRunner, T2SSession
from dora_primespeech_mlx.sampling import Sampling, draw
from dora_primespeech_mlx.synthesis.noise import RowNoise

MINIMUM_CODES = 11
MAXIMUM_CODES = 1500
CODES_PER_SECOND = FRAME_RATE // FRAMES_PER_CODE
NOISE_BLOCK = 64
CODES_A_LAUNCH = 8
"""Codes asked of a session that draws for itself at a time; a divisor of `NOISE_BLOCK`."""


@dataclass(frozen=True)
class Guard:
    """When a decoding counts as collapsed: the model has lost the text.

    Attributes:
        equal_run: codes in a row that are all the same.
        periodic_run: codes in a row that repeat with a period of at most `longest_period`.
        longest_period: codes.
        most_per_phone: codes a phone may take on average, over `slack` codes for the whole text.
        least_per_phone: codes a phone must take on average when the sequence ends.
        slack: codes.
    """

    equal_run: int = 48
    periodic_run: int = 64
    longest_period: int = 8
    most_per_phone: float = 8.0
    least_per_phone: float = 1.0
    slack: int = 60

    def fault(self, codes: list[int], phones: int) -> str:
        """What is wrong with the codes so far, for a text of so many phones; empty if nothing is."""
        if len(codes) > self.most_per_phone * phones + self.slack:
            return f"{len(codes)} codes for {phones} phones"
        tail = codes[-self.equal_run :]
        if len(tail) == self.equal_run and len(set(tail)) == 1:
            return f"the code {tail[0]} {self.equal_run} times in a row"
        tail = codes[-self.periodic_run :]
        periods = range(2, self.longest_period + 1)
        if len(tail) == self.periodic_run and any(tail[period:] == tail[:-period] for period in periods):
            return f"a loop of at most {self.longest_period} codes"
        return ""

    def end_fault(self, codes: list[int], phones: int) -> str:
        """What is wrong with a finished sequence: it is too short for its text; empty if nothing is."""
        return f"only {len(codes)} codes for {phones} phones" if len(codes) < self.least_per_phone * phones else ""


@dataclass
class Row:
    """A sentence that is decoded, alone or with others: what from, and what has come of it.

    Attributes:
        phones: ids of the prompt's phones and then the sentence's, int32 [n].
        bert: features of the same phones, float32 [n, 1024], or None for zeros.
        noise: exponential noise, a row of `vocabulary` for each step.
        own_phones: how many of the phones are the sentence's own, which the guard counts.
        codes: made so far, without the prompt's.
        running: whether more will come.
        fault: why the guard ended it; empty if it did not.
        cached: once it is being decoded, its rows of the executor's cache; see `runtime.alignment`.
    """

    phones: np.ndarray
    bert: np.ndarray | None
    noise: RowNoise
    own_phones: int = 0
    codes: list[int] = field(default_factory=list)
    running: bool = True
    fault: str = ""
    cached: Rows | None = None

    def take(self, code: int, ends: bool, guard: Guard | None) -> int | None:
        """The code, if the row goes on with it; None once it has ended, by itself or by `guard`."""
        if not self.running:
            return None
        if ends:
            self.fault = guard.end_fault(self.codes, self.own_phones) if guard else ""
        else:
            self.codes.append(code)
            self.fault = guard.fault(self.codes, self.own_phones) if guard else ""
            if self.fault:
                self.codes.pop()
        self.running = not (ends or self.fault)
        return code if self.running else None

    def stop(self, limit: int, guard: Guard | None) -> None:
        """Ends the row at the most codes it may have, which to `guard` is a fault."""
        if self.running:
            self.running = False
            self.fault = f"no end within {limit} codes" if guard else ""


def generate(
    runner: T2SRunner,
    phones: np.ndarray,
    bert: np.ndarray | None,
    prompt: np.ndarray,
    *,
    sampling: Sampling,
    noise: RowNoise,
    limit: int = MAXIMUM_CODES,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Semantic codes of one sentence, without the prompt's and without a guard. Arguments as `Row`, `generate_many`."""
    rows = [Row(phones, bert, noise)]
    for (code,) in generate_many(runner, rows, prompt, sampling=sampling, limit=limit, cancelled=cancelled):
        if code is not None:
            yield code


def generate_many(
    runner: T2SRunner,
    rows: Sequence[Row],
    prompt: np.ndarray,
    *,
    sampling: Sampling,
    guard: Guard | None = None,
    limit: int = MAXIMUM_CODES,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[int | None]]:
    """Semantic codes of several sentences, step by step. A row has the codes that it has alone.

    Rows are computed together where the runner's scores do not depend on that (`T2SRunner.exact_batches`), else in
    turn.

    Args:
        runner: the T2S network.
        rows: what to decode; each keeps its codes, and why `guard` ended it.
        prompt: prompt codes, int32 [m], m may be 0; the same for all.
        sampling: how codes are drawn.
        guard: ends a row that has lost its text; None for none.
        limit: most codes to make for a row.
        cancelled: asked before each step, and before the first work; true ends all.

    Yields:
        the next code of each row, None for one that has ended.
    """
    groups = [rows] if runner.exact_batches else [[row] for row in rows]
    loops = [_decode(runner, group, prompt, sampling, guard, limit, cancelled) for group in groups]
    while True:
        steps = [next(loop, None) for loop in loops]
        if not any(steps):
            return
        yield [code for step, group in zip(steps, groups, strict=True) for code in step or [None] * len(group)]


def _noise_blocks(xp: ModuleType, rows: Sequence[Row], limit: int) -> Iterator[Array]:
    """Noise of several steps each [n, B, vocabulary]: a transfer to the device costs more than its numbers."""
    for start in range(0, limit, NOISE_BLOCK):
        stop = min(limit, start + NOISE_BLOCK)
        yield xp.array(np.stack([row.noise(start, stop) for row in rows], axis=1))


def _decode(
    runner: T2SRunner,
    rows: Sequence[Row],
    prompt: np.ndarray,
    sampling: Sampling,
    guard: Guard | None,
    limit: int,
    cancelled: Callable[[], bool],
) -> Iterator[list[int | None]]:
    """Codes of rows that are computed together; see `generate_many`."""
    if cancelled():
        return
    session = runner.start([(row.phones, row.bert) for row in rows], prompt)
    for index, row in enumerate(rows):
        row.cached = partial(session.cached, index)
    if isinstance(session, DrawingSession):
        steps = _drawn_by_session(runner, session, rows, sampling, limit)
    else:
        steps = _drawn_here(runner, session, rows, prompt, sampling, limit)
    for index, (codes, ends) in enumerate(steps):
        taken = [row.take(int(code), bool(ended), guard) for row, code, ended in zip(rows, codes, ends, strict=True)]
        if not any(row.running for row in rows):
            return
        yield taken
        if index + 1 < limit and cancelled():
            return
    for row in rows:
        row.stop(limit, guard)


def _drawn_by_session(
    runner: T2SRunner, session: DrawingSession, rows: Sequence[Row], sampling: Sampling, limit: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Codes and ends of each step. The next launch is submitted before one is read, as steps are."""
    ahead: Array | None = None
    for block in _noise_blocks(runner.xp, rows, limit):
        for start in range(0, len(block), CODES_A_LAUNCH):
            noise = block[start : start + CODES_A_LAUNCH]
            before, ahead = ahead, session.codes(noise, sampling, runner.config.end, MINIMUM_CODES)
            if before is not None:
                yield from before.tolist()
    if ahead is not None:
        yield from ahead.tolist()


def _drawn_here(
    runner: T2SRunner, session: T2SSession, rows: Sequence[Row], prompt: np.ndarray, sampling: Sampling, limit: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Codes and ends of each step, drawn from the session's scores."""
    xp, config = runner.xp, runner.config
    already = np.zeros((len(rows), config.vocabulary), dtype=bool)
    already[:, prompt] = True
    seen, is_end = xp.array(already), xp.arange(config.vocabulary) == config.end
    choose, logits = _chooser(xp, config.end, sampling, runner.pipelined), session.logits
    noises = (noise for block in _noise_blocks(xp, rows, limit) for noise in block)
    for index, noise in enumerate(noises):
        if index < MINIMUM_CODES:
            logits = xp.where(is_end, -xp.inf, logits)
        drawn, seen = choose(logits, seen, noise)
        more = index + 1 < limit
        if runner.pipelined and more:
            logits = session.step(drawn[0])
        yield drawn.tolist()
        if not runner.pipelined and more:
            logits = session.step(drawn[0])


@lru_cache(maxsize=32)
def _chooser(xp: ModuleType, end: int, sampling: Sampling, compiled: bool) -> Callable[..., tuple[Array, Array]]:
    """Scores, codes seen and noise, [B, vocabulary] each, to what is drawn and what has then been seen.

    Built once for all sentences, so that it is compiled once for each number of them.
    """

    def choose(logits: Array, seen: Array, noise: Array) -> tuple[Array, Array]:
        # Codes and ends travel together, so that one read brings both to the host.
        drawn = xp.stack(draw(xp, logits, seen, noise, end, sampling))
        return drawn, xp.logical_or(seen, xp.arange(seen.shape[-1]) == drawn[0][:, None])

    return xp.compile(choose) if compiled else choose
