"""Work that texts wait for: alone, together, and when it fails."""

from collections.abc import Generator

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, random_weights

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.later import Later
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner
from dora_primespeech_mlx.synthesis.needs import Need, alone, meet
from dora_primespeech_mlx.synthesis.scheduler import Scheduler, Turn


def halves(numbers: list[int]) -> list[int]:
    """Of even numbers; one that is odd spoils the call."""
    if any(number % 2 for number in numbers):
        raise ValueError("odd")
    return [number // 2 for number in numbers]


def test_a_need_that_nobody_meets_is_met_when_its_result_is_asked_for() -> None:
    need = Need("t2s", halves, 8)
    assert need.result == 4
    assert need.took > 0
    with pytest.raises(ValueError, match="odd"):
        _ = Need("t2s", halves, 7).result
    assert alone("frontend", lambda: "read").result == "read"


def test_one_that_fails_spoils_no_other() -> None:
    needs = [Need("t2s", halves, number, "half", 4) for number in (2, 3, 4)]
    meet(needs)
    assert (needs[0].result, needs[2].result) == (1, 2)
    with pytest.raises(ValueError, match="odd"):
        _ = needs[1].result


@pytest.mark.parametrize(
    ("most", "calls", "work"),
    [
        (8, [3, 1], [2.0, 2.0, 6.0, 2.0]),
        (2, [2, 1, 1], [3.0, 3.0, 6.0, 6.0]),
        (1, [1, 1, 1, 1], [6.0, 6.0, 6.0, 6.0]),
    ],
)
def test_needs_of_one_kind_are_met_at_once_and_the_time_is_shared(
    most: int, calls: list[int], work: list[float]
) -> None:
    made: list[int] = []
    now = [0.0]

    def do(numbers: list[int]) -> list[int]:
        made.append(len(numbers))
        now[0] += 6.0
        return numbers

    def units(kind: str) -> Generator:
        need = Need("t2s", do, 1, kind, most)
        yield need
        assert need.result == 1

    scheduler: Scheduler[str] = Scheduler(clock=lambda: now[0])
    for kind in ("a", "a", "b", "a"):
        scheduler.add(Turn(kind, units(kind)))
    while (turn := scheduler.next()) is not None:
        scheduler.work(turn)
    assert made == calls
    assert [turn.work for turn in scheduler.turns] == work


def test_texts_not_heard_yet_wait_for_each_other_where_they_can_go_on_together() -> None:
    order: list[str] = []

    def do(kind: str):
        return lambda names: [order.append(f"{kind} {' '.join(names)}") for _ in names[:1]] * len(names)

    def units(name: str, most: int) -> Generator:
        yield Need("t2s", do("prefill"), name)
        yield Need("t2s", do("codes"), name, "codes", most)

    for most, expected in (
        (8, ["prefill a", "prefill b", "prefill c", "codes a b c"]),
        (2, ["prefill a", "prefill b", "codes a b", "prefill c", "codes c"]),
        (1, ["prefill a", "codes a", "prefill b", "codes b", "prefill c", "codes c"]),
    ):
        order.clear()
        scheduler: Scheduler[str] = Scheduler()
        for name in "abc":
            scheduler.add(Turn(name, units(name, most)))
        while (turn := scheduler.next()) is not None:
            scheduler.work(turn)
        assert order == expected


def test_a_device_is_waited_for_when_the_next_work_is_on_its_way_to_it() -> None:
    order: list[str] = []

    def do(names: list[str]) -> Later[str]:
        order.append(f"begin {' '.join(names)}")

        def wait() -> list[str]:
            order.append(f"wait {' '.join(names)}")
            return names

        return Later(wait, len(names))

    def units(name: str, kind: str) -> Generator:
        need = Need("sovits", do, name, kind, 4)
        yield need
        order.append(f"{need.result} has it")

    scheduler: Scheduler[str] = Scheduler()
    for name, kind in (("a", "flow"), ("b", "vocode"), ("c", "flow")):
        scheduler.add(Turn(name, units(name, kind)))
    while (turn := scheduler.next()) is not None:
        scheduler.work(turn)
    assert order[:4] == ["begin a c", "begin b", "wait a c", "a has it"]
    assert order[4:] == ["c has it", "wait b", "b has it"]


def test_work_of_a_device_that_fails_spoils_no_other() -> None:
    needs = [Need("t2s", lambda names: Later(lambda: halves(names), len(names)), each, "half", 4) for each in (2, 3, 4)]
    meet(needs)
    assert (needs[0].result, needs[2].result) == (1, 2)
    with pytest.raises(ValueError, match="odd"):
        _ = needs[1].result


def test_rows_of_one_call_are_those_of_calls_of_their_own() -> None:
    mx.random.seed(4)
    runner = MlxSovitsRunner(random_weights(Sovits(SOVITS_CONFIG)), bucket=True)
    chance = np.random.default_rng(1)
    timbres = [chance.standard_normal(16).astype(np.float32) for _ in range(3)]
    phones = [chance.integers(0, 40, count, np.int32) for count in (70, 5, 33)]
    read = runner.read_rows(phones)
    for ours, ids in zip(read, phones, strict=True):
        assert ours.shape == (len(ids), SOVITS_CONFIG.hidden_channels)
        np.testing.assert_allclose(ours, runner.read(ids), atol=1e-5)
    texts = [
        (chance.integers(0, 64, codes, np.int32), text, ge, None)
        for codes, text, ge in zip((9, 40, 21), read, timbres, strict=True)
    ]
    for ours, text in zip(runner.encode_rows(texts), texts, strict=True):
        for part, expected in zip(ours, runner.encode(*text), strict=True):
            assert part.shape == expected.shape == (2 * len(text[0]), 8)
            np.testing.assert_allclose(part, expected, atol=1e-5)
    windows = [(chance.standard_normal((20, 8)).astype(np.float32), ge) for ge in timbres]
    ragged = [(latent[: 9 + 5 * at], ge) for at, (latent, ge) in enumerate(windows)]
    for each in (windows, ragged):
        for ours, window in zip(runner.flow_rows(each), each, strict=True):
            np.testing.assert_allclose(ours, runner.flow(*window), atol=1e-5)
    heard = [(latent, ge, start, start + 7) for start, (latent, ge) in enumerate(windows)]
    for ours, row in zip(runner.vocode_rows(heard), heard, strict=True):
        np.testing.assert_allclose(ours, runner.vocode(*row), atol=1e-5)
