"""How numbers come from a host's memory to where MLX runs, and back."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.transfers import Transfer, Transfers


def fill(place: np.ndarray, rows: Sequence[np.ndarray]) -> None:
    """Writes rows [T, ...] into `place` [B, most, ...], with zeros behind each."""
    for own, row in zip(place, rows, strict=True):
        own[: len(row)], own[len(row) :] = row, 0


class Underway(NamedTuple):
    """An array on its way to the host.

    Attributes:
        awaited: what has to be there.
        read: gives it then, float32, until its transfer ends.
    """

    awaited: mx.array
    read: Callable[[], np.ndarray]


class MlxTransfer(Transfer):
    """What one call of a network is given and what comes of it."""

    def __init__(self) -> None:
        super().__init__(mx)

    def given(self, rows: Sequence[np.ndarray], size: int) -> mx.array:
        """Rows [T, ...] of float32 filled up with zeros to `size`, as one array."""
        room = self.room((len(rows), size, *rows[0].shape[1:]))
        fill(room.place, rows)
        return room.array()

    def taken(self, array: mx.array) -> Underway:
        """An array that is to come to the host."""
        array = array.astype(mx.float32)
        return Underway(array, lambda: np.array(array))


class MlxTransfers(Transfers):
    """As MLX does it."""

    def __init__(self) -> None:
        super().__init__(mx)

    def begin(self) -> MlxTransfer:
        """See `runtime.transfers.Transfers`."""
        return MlxTransfer()
