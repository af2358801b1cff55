"""The one clock of all measurements.

MLX is lazy: a function that returns an array has only described the work. A clock that stops before the array is
evaluated measures the describing, so `measure` evaluates whatever a function returns before it reads the time.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

LOW, HIGH = 10, 90
"""Percentiles that show the spread."""


@dataclass(frozen=True)
class Timed:
    """Seconds a call took: median, 10th and 90th percentile, and over how many calls."""

    median: float
    low: float
    high: float
    repeats: int


def finish(result: Any) -> Any:
    """Computes everything in a result and returns it; an iterator is run to its end and comes back as a list.

    Arrays of MLX are found in lists, tuples, mappings, dataclasses and the attributes of other objects, however deep.
    """
    result = _run_out(result)
    arrays = list(_arrays(result, set()))
    mx.eval(arrays)
    mx.synchronize()
    return result


def _run_out(value: Any) -> Any:
    return [_run_out(item) for item in value] if isinstance(value, Iterator) else value


def _arrays(value: Any, visited: set[int]) -> Iterator[mx.array]:
    if isinstance(value, mx.array):
        yield value
    if value is None or isinstance(value, mx.array | np.ndarray | str | bytes | int | float) or id(value) in visited:
        return
    visited.add(id(value))
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    else:
        parts = list(getattr(value, "__dict__", {}).values())
    for part in parts:
        yield from _arrays(part, visited)


def spread(seconds: list[float]) -> Timed:
    """Median and percentiles of single timings."""
    low, median, high = np.percentile(seconds, [LOW, 50, HIGH])
    return Timed(float(median), float(low), float(high), len(seconds))


def measure(function: Callable[[], Any], *, warm_up: int = 1, repeats: int = 5, budget: float | None = None) -> Timed:
    """Times a function.

    Args:
        function: called without arguments; what it returns is evaluated within the timed region.
        warm_up: calls before the first timed one.
        repeats: timed calls.
        budget: seconds after which no further call is started; at least one is timed.

    Raises:
        ValueError: for fewer than one repeat.
    """
    if repeats < 1:
        raise ValueError(f"{repeats} repeats measure nothing; give at least 1.")
    for _ in range(warm_up):
        finish(function())
    seconds: list[float] = []
    began = time.perf_counter()
    while len(seconds) < repeats and not (seconds and budget and time.perf_counter() - began > budget):
        start = time.perf_counter()
        finish(function())
        seconds.append(time.perf_counter() - start)
    return spread(seconds)
