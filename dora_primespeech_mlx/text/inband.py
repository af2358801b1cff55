"""Signs that markup leaves in a text for the cutter: pauses, cuts, and where a note of the writer begins and ends.

They are Unicode noncharacters, which are for use inside one program: a text that comes from outside loses them.
"""

from dora_primespeech_mlx.text.rules import regex

ITEM = "\ufdd0"
"""A short pause, as between the items of a list."""
END = "\ufdd1"
"""A long pause, as after a heading or a row."""
CUT = "\ufdd2"
"""A sentence ends here; the next request says why: a break, another speed, another language."""
OPEN = "\ufdd3"
"""What stands from here to `CLOSE` is said as the next request says."""
CLOSE = "\ufdd4"
CELL = "\ufdd5"
"""The border of two cells, within the markup's own work."""
KEPT = "\ufdd6"
"""Stands after a Han character whose reading is given, within the front end's own work."""
SIGNS = frozenset((ITEM, END, CUT, OPEN, CLOSE))
ALL = regex("[\ufdd0-\ufdef]")


def without_signs(text: str) -> str:
    """`text` without any of the signs."""
    return ALL.sub("", text)
