"""Progress of long work, on a terminal only: in a pipe, a log or a service nothing is written."""

import shutil
import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class Progress:
    """A bar on standard error while standard error is a terminal.

    Args:
        title: what is going on.
        total: steps until it is done.
        unit: what a step is.
    """

    def __init__(self, title: str, total: int, unit: str = "step"):
        self._named = 0
        width, height = shutil.get_terminal_size()
        self._bar: Any = tqdm(
            desc=title,
            total=total,
            unit=unit,
            file=sys.stderr,
            disable=sys.stderr is None or not sys.stderr.isatty(),
            ncols=min(100, width),
            nrows=height,
        )

    def say(self, what: str) -> None:
        """Names what is being done."""
        self._bar.set_postfix_str(what)

    def next(self, what: str) -> None:
        """Names what is done next; what was named before it is a step done."""
        self.step(self._named)
        self._named = 1
        self.say(what)

    def step(self, count: int = 1) -> None:
        """So many steps are done."""
        self._bar.update(count)

    def reach(self, count: int) -> None:
        """So many steps are done in all."""
        self._bar.update(count - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
