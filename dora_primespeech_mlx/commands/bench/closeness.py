"""How near the scores of several ways to run T2S are to those of an exact one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dora_primespeech_mlx.runtime.interface import T2SRunner


@dataclass(frozen=True)
class Closeness:
    """Scores of one runner against the exact ones, over a number of codes.

    Attributes:
        same: codes for which both find the same one likeliest.
        worst: largest absolute difference of a score.
        error: mean of the norm of the difference over the norm of the exact scores.
    """

    same: int
    worst: float
    error: float


def closeness(
    exact: T2SRunner, others: Mapping[str, T2SRunner], phones: np.ndarray, prompt: np.ndarray, count: int
) -> dict[str, Closeness]:
    """Compares runners by name over so many codes, all fed those that the exact one finds likeliest."""
    runners = [exact, *others.values()]
    sessions = [runner.start([(phones, None)], prompt) for runner in runners]
    rows = []
    for _ in range(count):
        rows.append([np.array(session.logits)[0] for session in sessions])
        code = rows[-1][0].argmax()
        for runner, session in zip(runners, sessions, strict=True):
            session.step(runner.xp.array([int(code)], runner.xp.uint32))
    scores = np.array(rows)  # [count, runners, vocabulary]
    found = {}
    for name, own in zip(others, scores[:, 1:].swapaxes(0, 1), strict=True):
        difference = own - scores[:, 0]
        norms = (np.linalg.norm(array, axis=-1) for array in (difference, scores[:, 0]))
        same = own.argmax(axis=-1) == scores[:, 0].argmax(axis=-1)
        found[name] = Closeness(int(same.sum()), float(np.abs(difference).max()), float(np.mean(np.divide(*norms))))
    return found
