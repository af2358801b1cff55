"""Heavy work as a value: what a text waits for, so that several texts that want the same can have it done at once.

The generator of a text yields a need instead of working. Whoever drives it may meet the need, together with others of
the same kind; where nobody does, the need is met when its result is asked for. So a lone text takes the same way.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from dora_primespeech_mlx.runtime.later import Later

Result = TypeVar("Result")

Work = Callable[[Sequence[Any]], Sequence[Result]]
"""Does several pieces of work at once: their arguments to their results."""


class Need(Generic[Result]):
    """A piece of work, and once it is met its result.

    Args:
        stage: of `speech.Timing`, which the work belongs to.
        do: does several such pieces at once: their arguments to their results.
        what: the argument of this one.
        kind: equal for what may be done at once; None for what is done alone.
        most: how many may be done at once.
        beside: gives what does this one on a thread beside other work, or None as long as that is being made; None for
            what is never done there.
    """

    def __init__(
        self,
        stage: str,
        do: Work[Result],
        what: Any,
        kind: Hashable | None = None,
        most: int = 1,
        beside: Callable[[], Work[Result] | None] | None = None,
    ):
        self.stage, self.kind, self.most, self.beside = stage, kind, most, beside
        self._do, self._what = do, what
        self._met = False
        self._took = 0.0
        self._result: Result | None = None
        self._error: Exception | None = None

    @property
    def took(self) -> float:
        """Seconds of work, its share if others were met with it."""
        if not self._met:
            meet([self])
        return self._took

    @property
    def result(self) -> Result:
        """What the work gave; raises what it raised."""
        if not self._met:
            meet([self])
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def _keep(self, took: float, result: Result | None = None, error: Exception | None = None) -> None:
        self._met, self._took, self._result, self._error = True, took, result, error


def alone(stage: str, function: Callable[[], Result]) -> Need[Result]:
    """A call as a need that is met by itself."""
    return Need(stage, lambda _: [function()], None)


class Meeting:
    """Work of needs of one kind that is done at once; if that fails each by itself, so that one spoils no other.

    Args:
        needs: of one kind.
        do: does them; None for the way of the first.

    Attributes:
        took: seconds of work so far.
        under_way: whether a device is at it, so that something else can be done meanwhile.
    """

    def __init__(self, needs: Sequence[Need], do: Work[Any] | None = None):
        self._needs = needs
        began = time.perf_counter()
        self._error: Exception | None = None
        self._results: Sequence[Any] = ()
        try:
            self._results = (do or needs[0]._do)([need._what for need in needs])
        except Exception as error:  # noqa: BLE001 - it is kept, and raised where the need is taken
            self._error = error
        self.took = time.perf_counter() - began
        self.under_way = isinstance(self._results, Later)

    def end(self) -> None:
        """Waits for the work, and gives each need its result."""
        began, needs = time.perf_counter(), self._needs
        try:
            if self._error is not None:
                raise self._error
            results = list(self._results)
        except Exception as error:  # noqa: BLE001 - likewise
            if len(needs) == 1:
                needs[0]._keep(self.took + time.perf_counter() - began, error=error)
            else:
                for need in needs:
                    meet([need])
            return
        took = (self.took + time.perf_counter() - began) / len(needs)
        for need, result in zip(needs, results, strict=True):
            need._keep(took, result)


def meet(needs: Sequence[Need]) -> None:
    """Does the work of needs of one kind, and waits for it."""
    Meeting(needs).end()
