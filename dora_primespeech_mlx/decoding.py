"""The token loop: a T2S runner and a text to semantic codes, one at a time, cancellable.

On a device that computes ahead, step n + 1 is submitted before code n is read, so that the device never waits for the
host; the end of the sequence is then seen one step late and the step too many is dropped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dora_primespeech_mlx.noise import RowNoise
from dora_primespeech_mlx.runtime.interface import T2SRunner
from dora_primespeech_mlx.sampling import Sampling, draw

MINIMUM_CODES = 11
MAXIMUM_CODES = 1500
CODES_PER_SECOND = 25


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
    least_per_phone: float = 0.5
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
    """Semantic codes of a text, without the prompt's.

    Args:
        runner: the T2S network.
        phones: ids of the prompt's phones and then the text's, int32 [n].
        bert: features of the same phones, float32 [n, 1024], or None for zeros.
        prompt: prompt codes, int32 [m], m may be 0.
        sampling: how codes are drawn.
        noise: exponential noise, a row of ``vocabulary`` for each step.
        limit: most codes to make.
        cancelled: asked before each step; true ends the sequence.

    Yields:
        codes as Python ints.
    """
    xp, end = runner.xp, runner.config.end
    vocabulary = xp.arange(runner.config.vocabulary)
    already = np.zeros(runner.config.vocabulary, dtype=bool)
    already[prompt] = True
    seen, is_end = xp.array(already), vocabulary == end
    session = runner.start(phones, bert, prompt)
    logits = session.logits
    for index in range(limit):
        if cancelled():
            return
        if index < MINIMUM_CODES:
            logits = xp.where(is_end, -xp.inf, logits)
        code, ended = draw(xp, logits, seen, xp.array(noise(index, index + 1)[0]), end, sampling)
        seen = xp.logical_or(seen, vocabulary == code)
        more = index + 1 < limit
        if runner.pipelined and more:
            logits = session.step(code)
        if bool(ended):
            return
        yield int(code)
        if not runner.pipelined and more:
            logits = session.step(code)
