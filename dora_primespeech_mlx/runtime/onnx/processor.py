"""What the processor says of itself, where Linux tells it."""

from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def said() -> frozenset[str]:
    """Words of /proc/cpuinfo: the maker, and the flags of what it computes in; none elsewhere."""
    with suppress(OSError):
        return frozenset(Path("/proc/cpuinfo").read_text("utf-8").split())
    return frozenset()
