"""The token loop: a T2S runner and a text to semantic codes, one at a time, cancellable.

On a device that computes ahead, step n + 1 is submitted before code n is read, so that the device never waits for the
host; the end of the sequence is then seen one step late and the step too many is dropped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from dora_primespeech_mlx.nets.sovits import FRAME_RATE, FRAMES_PER_CODE
from dora_primespeech_mlx.runtime.interface import Array, T2SRunner
from dora_primespeech_mlx.sampling import Sampling, draw
from dora_primespeech_mlx.synthesis.noise import RowNoise

MINIMUM_CODES = 11
MAXIMUM_CODES = 1500
CODES_PER_SECOND = FRAME_RATE // FRAMES_PER_CODE
NOISE_BLOCK = 64


class CollapseError(Exception):
    """The model has lost the text: it repeats itself, or the number of codes does not fit the number of phones."""


@dataclass(frozen=True)
class Guard:
    """When a decoding counts as collapsed.

    Attributes:
        equal_run: codes in a row that are all the same.
        periodic_run: codes in a row that repeat with a period of at most ``longest_period``.
        longest_period: codes.
        most_per_phone: codes a phone may take on average, over ``slack`` codes for the whole text.
        least_per_phone: codes a phone must take on average when the sequence ends.
        slack: codes.
    """

    equal_run: int = 48
    periodic_run: int = 64
    longest_period: int = 8
    most_per_phone: float = 8.0
    least_per_phone: float = 1.0
    slack: int = 60

    def check(self, codes: list[int], phones: int) -> None:
        """Raises `CollapseError` when codes so far show it."""
        if len(codes) > self.most_per_phone * phones + self.slack:
            raise CollapseError(f"{len(codes)} codes for {phones} phones")
        tail = codes[-self.equal_run :]
        if len(tail) == self.equal_run and len(set(tail)) == 1:
            raise CollapseError(f"the code {tail[0]} {self.equal_run} times in a row")
        tail = codes[-self.periodic_run :]
        if len(tail) == self.periodic_run and any(
            tail[period:] == tail[:-period] for period in range(2, self.longest_period + 1)
        ):
            raise CollapseError(f"a loop of at most {self.longest_period} codes")

    def check_end(self, codes: list[int], phones: int) -> None:
        """Raises `CollapseError` when a finished sequence is too short for its text."""
        if len(codes) < self.least_per_phone * phones:
            raise CollapseError(f"only {len(codes)} codes for {phones} phones")


@dataclass(frozen=True)
class Row:
    """What one sentence is decoded from.

    Attributes:
        phones: ids of the prompt's phones and then the text's, int32 [n].
        bert: features of the same phones, float32 [n, 1024], or None for zeros.
        noise: exponential noise, a row of ``vocabulary`` for each step.
    """

    phones: np.ndarray
    bert: np.ndarray | None
    noise: RowNoise


def _noise_rows(xp: ModuleType, texts: Sequence[Row], limit: int) -> Iterator[Array]:
    """Noise of each step [B, vocabulary], brought to the device in blocks: a transfer costs more than its numbers."""
    for start in range(0, limit, NOISE_BLOCK):
        stop = min(limit, start + NOISE_BLOCK)
        block = xp.array(np.stack([text.noise(start, stop) for text in texts], axis=1))
        yield from (block[row] for row in range(len(block)))


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
    """Semantic codes of one text, without the prompt's. Arguments as `generate_many`."""
    texts = [Row(phones, bert, noise)]
    for (code,) in generate_many(runner, texts, prompt, sampling=sampling, limit=limit, cancelled=cancelled):
        if code is not None:
            yield code


def generate_many(
    runner: T2SRunner,
    texts: Sequence[Row],
    prompt: np.ndarray,
    *,
    sampling: Sampling,
    limit: int = MAXIMUM_CODES,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[int | None]]:
    """Semantic codes of several texts, decoded together. A text's codes do not depend on its company.

    Args:
        runner: the T2S network.
        texts: what to decode.
        prompt: prompt codes, int32 [m], m may be 0; the same for all.
        sampling: how codes are drawn.
        limit: most codes to make for a text.
        cancelled: asked before each step; true ends all.

    Yields:
        the next code of each text, None for one that has ended.
    """
    xp, end = runner.xp, runner.config.end
    vocabulary = xp.arange(runner.config.vocabulary)
    already = np.zeros((len(texts), runner.config.vocabulary), dtype=bool)
    already[:, prompt] = True
    seen, is_end = xp.array(already), vocabulary == end
    session = runner.start([(text.phones, text.bert) for text in texts], prompt)
    logits, running = session.logits, [True] * len(texts)

    def choose(logits: Array, seen: Array, noise: Array) -> tuple[Array, Array]:
        # Codes and ends travel together, so that one read brings both to the host.
        drawn = xp.stack(draw(xp, logits, seen, noise, end, sampling))
        return drawn, xp.logical_or(seen, vocabulary == drawn[0][:, None])

    if runner.pipelined:
        choose = xp.compile(choose)
    for index, noise in enumerate(_noise_rows(xp, texts, limit)):
        if cancelled():
            return
        if index < MINIMUM_CODES:
            logits = xp.where(is_end, -xp.inf, logits)
        drawn, seen = choose(logits, seen, noise)
        more = index + 1 < limit
        if runner.pipelined and more:
            logits = session.step(drawn[0])
        codes, ends = drawn.tolist()
        running = [runs and not ended for runs, ended in zip(running, ends, strict=True)]
        if not any(running):
            return
        yield [code if runs else None for code, runs in zip(codes, running, strict=True)]
        if not runner.pipelined and more:
            logits = session.step(drawn[0])
