"""Results of what a device does, which need not be waited for at once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")


class Later(Sequence[Result]):
    """Results of work that a device does, which are waited for when they are looked at.

    Args:
        wait: gives them.
        count: how many there are.
    """

    def __init__(self, wait: Callable[[], Sequence[Result]], count: int):
        self._wait, self._count = wait, count
        self._found: Sequence[Result] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if self._found is None:
            self._found = self._wait()
        return self._found[index]
