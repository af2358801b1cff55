"""The phone inventories of the official checkpoints: v1 (322 phones) and v2 (732, of which v1 is the beginning)."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from dora_primespeech_mlx.text.tables import lines

SIZES = {"v1": 322, "v2": 732}
MARKS = "!?…,.-"
PAD = "_"
UNKNOWN = "UNK"


class SymbolTable:
    """Phone name <-> id of one inventory."""

    def __init__(self, version: str | tuple[str, ...]) -> None:
        """Read the inventory `version`, "v1" or "v2", or take the names of another; ValueError for any other word."""
        if isinstance(version, str) and version not in SIZES:
            raise ValueError(f"no phone inventory is called {version!r}: choose one of {', '.join(sorted(SIZES))}")
        self.version = version if isinstance(version, str) else "own"
        self.names = lines("symbols.txt")[: SIZES[version]] if isinstance(version, str) else version
        self._ids = {name: index for index, name in enumerate(self.names)}

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def __len__(self) -> int:
        return len(self.names)

    def ids(self, names: Sequence[str]) -> np.ndarray:
        """Ids of the phones `names`, int32 [n]; a name that is not in the inventory becomes UNK (or the pad)."""
        unknown = self._ids.get(UNKNOWN, self._ids.get(PAD, 0))
        return np.array([self._ids.get(name, unknown) for name in names], dtype=np.int32)


@cache
def symbol_table(version: str | tuple[str, ...]) -> SymbolTable:
    """The inventory `version`, or the one of these names, read once."""
    return SymbolTable(version)
