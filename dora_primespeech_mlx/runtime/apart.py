"""Texts that are decoded one at a time, each in a session of its own."""

from collections.abc import Callable, Sequence

import numpy as np

from dora_primespeech_mlx.runtime.interface import Array, T2SSession, Text


class Apart:
    """For executors on which a text's scores depend on its company, or that gain nothing from it; see `T2SRows`.

    Args:
        start: makes a session of some texts, as `interface.T2SRunner`.
    """

    most = 1

    def __init__(self, start: Callable[[Sequence[Text], np.ndarray], T2SSession]):
        self._start = start
        self._sessions: list[T2SSession] = []

    def join(self, text: Text, prompt: np.ndarray) -> Array:
        """See `runtime.interface.T2SRows`."""
        self._sessions.append(self._start([text], prompt))
        return self._sessions[-1].logits[0]

    def leave(self, row: int) -> None:
        """See `runtime.interface.T2SRows`."""
        del self._sessions[row]

    def cached(self, row: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See `runtime.interface.T2SRows`."""
        return self._sessions[row].cached(0, layer, first, last)

    def step(self, rows: Sequence[int], codes: Array) -> Array:
        """See `runtime.interface.T2SRows`."""
        (row,) = rows
        return self._sessions[row].step(codes)
