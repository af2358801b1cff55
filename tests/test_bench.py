"""Measurements evaluate what they time."""

from dataclasses import dataclass

import mlx.core as mx
import pytest

from dora_primespeech_mlx.bench.timing import finish, measure, spread


@dataclass(frozen=True)
class Holder:
    array: mx.array


class Plain:
    def __init__(self, array: mx.array):
        self.hidden = {"deep": [array]}


class Watched:
    """Whether a lazily made array has been computed, seen through the memory that it takes."""

    def __init__(self) -> None:
        self.array = mx.random.normal((512, 1024)) + 1

    def computed(self) -> bool:
        before = mx.get_active_memory()
        mx.eval(self.array)
        return mx.get_active_memory() == before


@pytest.mark.parametrize(
    "wrap",
    [
        lambda a: a,
        lambda a: [a],
        lambda a: ({"x": (a, None)}, "text", 3),
        Holder,
        Plain,
        lambda a: (item for item in [a]),
        lambda a: iter([[Holder(a)]]),
    ],
)
def test_everything_in_a_result_is_computed(wrap):
    watched = Watched()
    finish(wrap(watched.array))
    assert watched.computed()


def test_an_array_is_lazy_before_it_is_finished():
    assert not Watched().computed()


def test_a_lazy_function_is_caught_since_its_time_grows_with_its_work():
    matrix = mx.random.normal((160, 160))
    mx.eval(matrix)

    def lazy(products: int) -> mx.array:
        x = matrix
        for _ in range(products):
            x = mx.matmul(x, matrix) * 1e-2
        return x

    short, long = (measure(lambda n=n: lazy(n), repeats=3).low for n in (2, 60))
    assert long > 5 * short


def test_results_that_hold_themselves_are_finished():
    loop: list = [mx.ones(3) * 2]
    loop.append(loop)
    assert finish(loop) is loop


def test_spread_is_median_and_percentiles():
    timed = spread([float(i) for i in range(101)])
    assert (timed.low, timed.median, timed.high, timed.repeats) == (10, 50, 90, 101)


def test_a_budget_stops_after_the_call_that_passes_it():
    calls = []
    assert measure(lambda: calls.append(1), warm_up=2, repeats=10, budget=1e-9).repeats == 1
    assert len(calls) == 3
    with pytest.raises(ValueError, match="at least 1"):
        measure(lambda: None, repeats=0)
