"""How numbers come from a host's memory to where networks run."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np


class Room(NamedTuple):
    """Room for numbers.

    Attributes:
        place: where they are written, float32.
        array: what is written there, to the network.
    """

    place: np.ndarray
    array: Callable[[], Any]


class Transfer:
    """What one call of a network is given.

    Args:
        xp: namespace of the network's arrays.
    """

    def __init__(self, xp: ModuleType):
        self._xp = xp

    def room(self, shape: Sequence[int]) -> Room:
        """Room for numbers of this shape, which is there until the transfer ends."""
        place = np.empty(shape, np.float32)
        return Room(place, lambda: self._xp.array(place))

    def end(self) -> None:
        """The call is done, and what came of it has been read."""


class Transfers:
    """Transfers as a network's arrays have them; see `Transfer`."""

    def __init__(self, xp: ModuleType):
        self._xp = xp

    def begin(self) -> Transfer:
        """The transfers of a call."""
        return Transfer(self._xp)
