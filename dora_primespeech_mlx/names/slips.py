"""Which name may be meant by one that is nearly right."""

from collections.abc import Sequence
from difflib import get_close_matches

ALIKE = 0.8
"""How like two names are, 0 to 1, for one to be taken for a slip of the other."""


def nearest(name: str, names: Sequence[str], alike: float = ALIKE) -> list[str]:
    """The one of `names` that `name` is a slip of, in a list; empty if it is of none."""
    return get_close_matches(name, names, 1, alike)
