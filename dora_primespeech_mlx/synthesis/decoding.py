"""The token loop: a T2S runner and sentences to semantic codes; sentences come and go, each cancellable.

On a device that computes ahead, a launch is submitted before the one before it is read, so that the device never waits
for the host; the end of a sentence is then seen one launch late and what is too much is dropped. An executor that draws
for itself makes several codes a launch, and those after the end are dropped too.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import zip_longest
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from dora_primespeech_mlx.nets.dimensions.sovits import FRAME_RATE, FRAMES_PER_CODE
from dora_primespeech_mlx.runtime.alignment import Rows
from dora_primespeech_mlx.runtime.apart import Apart
from dora_primespeech_mlx.runtime.interface import Array, DrawingRows, Newcomer, T2SRows, T2SRunner
from dora_primespeech_mlx.runtime.later import Later
from dora_primespeech_mlx.runtime.transfers import Transfer, Transfers
from dora_primespeech_mlx.sampling import Sampling, draw
from dora_primespeech_mlx.synthesis.needs import Work
from dora_primespeech_mlx.synthesis.noise import RowNoise

MINIMUM_CODES = 11
MAXIMUM_CODES = 1500
CODES_PER_SECOND = FRAME_RATE // FRAMES_PER_CODE
CODES_AT_A_TIME = 4
"""Codes of a sentence that are made between two looks at what else there is to do, and at what can be heard."""
CODES_A_LAUNCH = 8
"""The same where an executor draws for itself, which costs a launch."""
EAGER_CODES = 32
"""Codes of a sentence after which its first audio waits for no more, so that launches make twice as many."""
NOISE_BLOCK = 64
"""Steps whose noise goes to the device at once."""
HOST_BLOCK = 16
"""Steps whose noise is made at once where there is no device: the first code waits for it."""
ROWS_A_THREAD = 8
"""Rows whose noise one thread makes."""


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
        last = codes[-self.longest_period - 1 :]
        if last[-1] not in last[:-1]:  # as almost always
            return ""
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


@dataclass(eq=False)
class Row:
    """A sentence that is decoded, alone or with others: what from and how, and what has come of it.

    Attributes:
        phones: ids of the prompt's phones and then the sentence's, int32 [n].
        bert: features of the same phones, float32 [n, 1024], or None for zeros.
        noise: exponential noise, a row of `vocabulary` for each step.
        own_phones: how many of the phones are the sentence's own, which the guard counts.
        prompt: prompt codes, int32 [m], m may be 0.
        sampling: how codes are drawn.
        guard: ends a row that has lost its text; None for none.
        limit: most codes to make.
        opening: codes that its first audio waits for; what is made at a time ends with them.
        cancelled: asked before the first work and before each further code; true ends the row.
        codes: made so far, without the prompt's.
        running: whether more will come.
        fault: why the guard ended it; empty if it did not.
        launched: codes asked of the executor.
        cached: while it is being decoded, its rows of the executor's cache; see `runtime.alignment`.
    """

    phones: np.ndarray
    bert: np.ndarray | None
    noise: RowNoise
    own_phones: int = 0
    prompt: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    sampling: Sampling = field(default_factory=Sampling)
    guard: Guard | None = None
    limit: int = MAXIMUM_CODES
    opening: int = 0
    cancelled: Callable[[], bool] = lambda: False
    codes: list[int] = field(default_factory=list)
    running: bool = True
    fault: str = ""
    launched: int = 0
    cached: Rows | None = None

    @property
    def due(self) -> int:
        """Codes to make before there is another look at what else there is to do."""
        return max(0, self.opening - len(self.codes)) % CODES_AT_A_TIME or CODES_AT_A_TIME

    def take(self, code: int, ends: bool) -> bool:
        """Takes the next code, if the row goes on with it; it does not once it has ended, or is ended by its guard."""
        if not self.running:
            return False
        if self.codes and self.cancelled():
            self.running = False
            return False
        if ends:
            self.fault = self.guard.end_fault(self.codes, self.own_phones) if self.guard else ""
        else:
            self.codes.append(code)
            self.fault = self.guard.fault(self.codes, self.own_phones) if self.guard else ""
            if self.fault:
                self.codes.pop()
        self.running = not (ends or self.fault)
        if not self.running:
            return False
        if len(self.codes) == self.limit:
            self.running = False
            self.fault = f"no end within {self.limit} codes" if self.guard else ""
        return True


@dataclass
class _Launch:
    """Codes on their way: [n, 2, B] of some rows, and what the host has read of them."""

    rows: Sequence[Row]
    drawn: Array
    transfer: Transfer | None = None
    read: list[Any] | None = None

    def of(self, row: Row) -> Iterator[tuple[int, bool]]:
        """The row's codes and whether they end it."""
        if self.read is None:
            self.read = self.drawn.tolist()
            if self.transfer is not None:
                self.transfer.end()
        index = self.rows.index(row)
        return ((int(codes[index]), bool(ends[index])) for codes, ends in self.read)


class Decoder:
    """The rows that are being decoded on one executor, whoever they belong to. A row has the codes it has alone.

    Args:
        runner: the network.
        apart: each row is decoded by itself; else as the executor does best.
    """

    def __init__(self, runner: T2SRunner, apart: bool = False):
        self.runner = runner
        self.rows: list[Row] = []
        self._apart = apart
        self._decode_on(Apart(runner.start) if apart else runner.open())
        self._under_way: dict[int, deque[_Launch]] = {}
        self._block: tuple[Row | None, int, Array] = (None, 0, None)
        self._at_work = Lock()

    def _decode_on(self, executor: T2SRows | DrawingRows) -> None:
        self._executor = executor
        self._draws = isinstance(executor, DrawingRows)
        self._drawing = executor if isinstance(executor, DrawingRows) else _Drawn(self.runner, executor)
        self._transfers = self._drawing.transfers

    @property
    def most(self) -> int:
        """How many rows are decoded at once."""
        return self._executor.most

    @property
    def most_joins(self) -> int:
        """How many rows are prefilled at once."""
        return self._drawing.most_joins

    def join(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Prefills more rows, but for those that are cancelled; returns them."""
        for row in rows:
            row.running = row.running and not row.cancelled()
        joining = [row for row in rows if row.running]
        end = self.runner.config.end
        if joining:
            self._drawing.join(
                [Newcomer((row.phones, row.bert), row.prompt, row.sampling, end, MINIMUM_CODES) for row in joining]
            )
        for row in joining:
            self.rows.append(row)
            row.cached = partial(self._cached, row)
            self._under_way[id(row)] = deque()
        if self._ahead and len(joining) == len(self.rows) == 1:
            # What else a lone sentence begins with is then submitted while its first codes are made.
            self._launch(joining)
            self._launch(joining)
        return rows

    @property
    def _ahead(self) -> bool:
        """Whether codes are asked for before those before them are read."""
        return self._draws and self.runner.pipelined

    def _cached(self, row: Row, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        return self._drawing.cached(self.rows.index(row), layer, first, last)

    def leave(self, row: Row) -> None:
        """Forgets a row, if it has joined; waits for what is made of it beside."""
        with self._at_work:
            self._leave(row)

    def _leave(self, row: Row) -> None:
        row.cached = None
        if row in self.rows:
            self._drawing.leave(self.rows.index(row))
            self.rows.remove(row)
            self._block = (None, 0, None) if self._block[0] is row else self._block
            del self._under_way[id(row)]

    def beside(self, do: Work[Any]) -> Callable[[], Work[Any]] | None:
        """What gives `join` or `begin` for a thread beside others, where rows are decoded apart, so here one text's."""
        return partial(self._aside, do) if self._apart else None

    def _aside(self, do: Work[Any]) -> Work[Any]:
        if not self.rows and (other := self.runner.beside()):
            self._decode_on(Apart(other.start))
        return partial(self._alone, do)

    def _alone(self, do: Work[Any], rows: Sequence[Row]) -> Sequence[Any]:
        with self._at_work:
            return do(rows)

    def begin(self, rows: Sequence[Row]) -> Sequence[list[int]]:
        """`advance`, but a device that draws is not waited for: see `later.Later`.

        With several rows there is other work for the device meanwhile, so no launch is made ahead.
        """
        if len(rows) == 1 or not self._ahead:
            return self.advance(rows)
        before = [len(row.codes) for row in rows]
        return Later(partial(self._read, self._begun(set(map(id, rows))), rows, before), len(rows))

    def advance(self, rows: Sequence[Row], codes: int | None = None) -> list[list[int]]:
        """Makes about so many more codes of some rows, or those that are due to all of them.

        Returns those of each, fewer or none where it ends.
        """
        codes = codes or min(row.due for row in rows)
        before, asked = [len(row.codes) for row in rows], set(map(id, rows))
        launches = max(1, codes // CODES_A_LAUNCH) if self._draws else codes
        for _ in range(launches):
            running = [row for row in self.rows if id(row) in asked and row.running]
            for at in range(0, len(running), self.most):
                self._launch_and_read(running[at : at + self.most])
        return [row.codes[count:] for row, count in zip(rows, before, strict=True)]

    def _begun(self, asked: set[int]) -> list[tuple[Row, list[_Launch]]]:
        """The launches of some rows that are to be read, made where none is under way."""
        running = [row for row in self.rows if id(row) in asked and row.running]
        waiting = [row for row in running if not self._under_way[id(row)]]
        self._launch([row for row in waiting if not row.launched])
        self._launch(waiting, together=True)
        begun = [(row, list(self._under_way[id(row)])) for row in running]
        for row in running:
            self._under_way[id(row)].clear()
        return begun

    def _read(
        self, begun: Sequence[tuple[Row, list[_Launch]]], rows: Sequence[Row], before: Sequence[int]
    ) -> list[list[int]]:
        """Reads what was launched; the codes that some rows have more than before."""
        for row, launches in begun:
            for launch in launches:
                for code, ends in launch.of(row):
                    row.take(code, ends)
        return [row.codes[count:] for row, count in zip(rows, before, strict=True)]

    def _launch_and_read(self, rows: Sequence[Row]) -> None:
        """One launch of each row is read; where the device computes ahead the next one is under way by then.

        The first launch of a row that is drawn by the executor makes one code, so it is a launch of its own.
        """
        if self._draws:
            self._launch([row for row in rows if not row.launched])
        self._launch([row for row in rows if not self._under_way[id(row)]])
        if self.runner.pipelined:
            self._launch([row for row in rows if len(self._under_way[id(row)]) < 2])
        for row in rows:
            for code, ends in self._under_way[id(row)].popleft().of(row):
                row.take(code, ends)

    def _launch(self, rows: Sequence[Row], together: bool = False) -> None:
        rows = [row for row in rows if row.launched < row.limit]
        if not rows:
            return
        most = CODES_A_LAUNCH if self._draws and all(row.launched for row in rows) else 1
        if most > 1 and (together or all(row.launched > EAGER_CODES for row in rows)):
            most = 2 * CODES_A_LAUNCH
        count = min(most, max(row.limit - row.launched for row in rows))
        places = {id(row): place for place, row in enumerate(self.rows)}
        noise, transfer = self._noise(rows, count)
        launch = _Launch(rows, self._drawing.codes([places[id(row)] for row in rows], noise), transfer)
        for row in rows:
            row.launched += count
            self._under_way[id(row)].append(launch)

    def _noise(self, rows: Sequence[Row], count: int) -> tuple[Array, Transfer | None]:
        """Noise of the next steps [count, B, vocabulary], and its transfer.

        That of a single row is made for more steps, since transfers cost most, and has none.
        """
        if len(rows) > 1:
            transfer = self._transfers.begin()
            noise, array = transfer.room((count, len(rows), self.runner.config.vocabulary))

            def fill(places: range) -> None:
                for place in places:
                    noise[:, place] = rows[place].noise(rows[place].launched, rows[place].launched + count)

            parts = [range(at, min(at + ROWS_A_THREAD, len(rows))) for at in range(0, len(rows), ROWS_A_THREAD)]
            list(_makers().map(fill, parts) if len(parts) > 1 else map(fill, parts))
            return array(), transfer
        (row,) = rows
        owner, first, block = self._block
        size = HOST_BLOCK if self.runner.xp is np else NOISE_BLOCK
        if owner is not row or row.launched + count > first + size:
            first, block = row.launched, self.runner.xp.array(row.noise(row.launched, row.launched + size))
            self._block = row, first, block
        return block[row.launched - first :][:count, None], None


class Decoders:
    """The decoders of the networks in use: of each one, or of each text where those are decoded by themselves."""

    def __init__(self) -> None:
        self._known: dict[int, Decoder] = {}

    def of(self, runner: T2SRunner) -> Decoder:
        """The decoder of a network; those that decode nothing are forgotten, with their memory."""
        if runner.apart:
            return Decoder(runner, apart=True)
        self._known = {key: each for key, each in self._known.items() if each.rows or each.runner is runner}
        if id(runner) not in self._known:
            self._known[id(runner)] = Decoder(runner)
        return self._known[id(runner)]


class _Drawn:
    """Draws here, from the scores of an executor that does not draw; see `runtime.interface.DrawingRows`.

    A code is appended when the next is asked for, so no step is made for codes that nobody takes.
    """

    most_joins = 1

    def __init__(self, runner: T2SRunner, executor: T2SRows):
        self.most, self.transfers = executor.most, Transfers(runner.xp)
        self._xp, self._pipelined, self._executor = runner.xp, runner.pipelined, executor
        self._vocabulary = runner.xp.arange(runner.config.vocabulary)
        self._how: list[_How] = []
        self._made: list[int] = []
        self._scores: Array = None
        self._seen: Array = None
        self._codes: Array = None

    def join(self, newcomers: Sequence[Newcomer]) -> None:
        """See `runtime.interface.DrawingRows`."""
        for newcomer in newcomers:
            self._add(newcomer)

    def _add(self, newcomer: Newcomer) -> None:
        text, prompt, sampling, end, minimum = newcomer
        xp, first = self._xp, not self._how
        seen = np.zeros((1, len(self._vocabulary)), dtype=bool)
        seen[:, prompt] = True
        fresh = self._executor.join(text, prompt)[None], xp.array(seen), xp.zeros((1,), xp.uint32)
        old = self._scores, self._seen, self._codes
        self._scores, self._seen, self._codes = (
            fresh if first else [xp.concatenate(both) for both in zip(old, fresh, strict=True)]
        )
        self._how.append((sampling, end, minimum))
        self._made.append(0)

    def leave(self, row: int) -> None:
        """See `runtime.interface.DrawingRows`."""
        self._executor.leave(row)
        del self._how[row], self._made[row]
        rest = self._xp.array(np.delete(np.arange(len(self._how) + 1), row))
        self._scores, self._seen, self._codes = self._scores[rest], self._seen[rest], self._codes[rest]

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        return self._executor.cached(row, layer, first, last)

    def codes(self, rows: Sequence[int], noise: Array) -> Array:
        """See `runtime.interface.DrawingRows`; makes one code."""
        xp, chosen = self._xp, self._index(rows)
        begun = [row for row in rows if self._made[row]]
        if begun:
            which = self._index(begun)
            scores = self._executor.step(begun, self._codes[which])
            self._scores = self._changed(self._scores, which, scores)
        scores, seen, noise = self._scores[chosen], self._seen[chosen], noise[0]
        ways = [self._how[row] for row in rows]
        banned = [end if self._made[row] < minimum else -1 for row, (_, end, minimum) in zip(rows, ways, strict=True)]
        if max(banned) >= 0:
            scores = xp.where(self._vocabulary == xp.array(np.array(banned)[:, None]), -xp.inf, scores)
        drawn, seen = self._choose(ways, scores, seen, noise)
        self._codes = self._changed(self._codes, chosen, drawn[0])
        self._seen = self._changed(self._seen, chosen, seen)
        for row in rows:
            self._made[row] += 1
        return drawn[None]

    def _index(self, rows: Sequence[int]) -> Any:
        """How to take some rows of an array; all of them as they are."""
        return slice(None) if len(rows) == len(self._how) else self._xp.array(np.array(rows))

    def _changed(self, array: Array, which: Any, part: Array) -> Array:
        """The array with some rows in place of its own."""
        if isinstance(which, slice):
            return part
        array[which] = part.astype(array.dtype)
        return array

    def _choose(self, ways: Sequence["_How"], scores: Array, seen: Array, noise: Array) -> tuple[Array, Array]:
        """Codes and whether they end their text, [2, B], and what has been seen with them; by each row's own way."""
        if ways.count(ways[0]) == len(ways):
            return self._choice(ways[0])(scores, seen, noise)
        groups = {way: [index for index, each in enumerate(ways) if each == way] for way in dict.fromkeys(ways)}
        xp, parts = self._xp, []
        for way, rows in groups.items():
            which = xp.array(np.array(rows))
            parts.append(self._choice(way)(scores[which], seen[which], noise[which]))
        order = xp.array(np.argsort([row for rows in groups.values() for row in rows]))
        drawn, seen = zip(*parts, strict=True)
        return xp.concatenate(drawn, axis=1)[:, order], xp.concatenate(seen)[order]

    def _choice(self, way: "_How") -> Callable[..., tuple[Array, Array]]:
        sampling, end, _ = way
        return _chooser(self._xp, end, sampling, self._pipelined)


_How = tuple[Sampling, int, int]
"""How a row's codes are drawn, the code that ends it, and the codes before which it may not end."""


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
    """Semantic codes of one sentence, without the prompt's and without a guard. Arguments as `Row`."""
    row = Row(phones, bert, noise, prompt=prompt, sampling=sampling, limit=limit, cancelled=cancelled)
    return (code for (code,) in generate_many(runner, [row]) if code is not None)


def generate_many(
    runner: T2SRunner, rows: Sequence[Row], leaving: Callable[[Row], object] = lambda row: None
) -> Iterator[list[int | None]]:
    """Semantic codes of several sentences, step by step. A row has the codes that it has alone.

    Args:
        runner: the T2S network.
        rows: what to decode; each keeps its codes, and why its guard ended it.
        leaving: is told of each row that has all its codes, while its part of the cache is there.

    Yields:
        the next code of each row, None for one that has ended.
    """
    decoder = Decoder(runner)
    try:
        for at in range(0, len(rows), decoder.most_joins):
            decoder.join(rows[at : at + decoder.most_joins])
        while any(row.running for row in rows):
            yield from map(list, zip_longest(*decoder.advance(rows, 1)))
        for row in rows:
            leaving(row)
    finally:
        # Rows and decoder know each other: not taken apart, they keep a device's memory until Python looks for it.
        for row in rows:
            decoder.leave(row)


@lru_cache
def _makers() -> ThreadPoolExecutor:
    """Threads that make noise, which NumPy does without holding up others."""
    return ThreadPoolExecutor(thread_name_prefix="noise")


@lru_cache(maxsize=32)
def _chooser(xp: ModuleType, end: int, sampling: Sampling, compiled: bool) -> Callable[..., tuple[Array, Array]]:
    """Scores, codes seen and noise, [B, vocabulary] each, to what is drawn and what has then been seen.

    Built once for all sentences, so that it is compiled once for each number of them.
    """

    def choose(scores: Array, seen: Array, noise: Array) -> tuple[Array, Array]:
        # Codes and ends travel together, so that one read brings both to the host.
        drawn = xp.concatenate([each[None] for each in draw(xp, scores, seen, noise, end, sampling)])
        return drawn, xp.logical_or(seen, xp.arange(seen.shape[-1]) == drawn[0][:, None])

    return xp.compile(choose) if compiled else choose
