from collections.abc import Iterator
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest

from dora_primespeech_mlx.sampling import Sampling, draw, penalise, probabilities
from dora_primespeech_mlx.synthesis.decoding import CollapseError, Guard, generate
from dora_primespeech_mlx.synthesis.noise import NoiseTable

END = 9
GREEDY = Sampling(top_k=1, repetition_penalty=1.0)


class Scripted:
    """A runner whose logits favour the codes of a script, in either array kind."""

    def __init__(self, script: list[int], xp=np, pipelined: bool = False):
        self.config = SimpleNamespace(vocabulary=10, end=END)
        self.xp, self.pipelined = xp, pipelined
        self.script, self.steps = script, 0

    def start(self, texts: list, prompt: np.ndarray) -> "Scripted":
        return self

    @property
    def logits(self):
        row = np.zeros(10, np.float32)
        row[self.script[min(self.steps, len(self.script) - 1)]] = 5
        return self.xp.array(row[None])

    def step(self, codes):
        self.steps += 1
        return self.logits


def codes(runner: Scripted, **options) -> list[int]:
    noise = NoiseTable("exponential", 10, (0,))
    none = np.zeros(0, np.int32)
    return list(generate(runner, none, None, none, sampling=GREEDY, noise=lambda a, b: noise(a, b) * 0 + 1, **options))


@pytest.mark.parametrize(("xp", "pipelined"), [(np, False), (mx, False), (mx, True)])
def test_codes_come_until_the_end_without_it(xp, pipelined: bool) -> None:
    script = [i % 8 for i in range(20)] + [END]
    assert codes(Scripted(script, xp, pipelined)) == script[:-1]


def test_end_is_not_allowed_in_the_first_eleven_steps() -> None:
    assert len(codes(Scripted([END]))) == 11
    assert END not in codes(Scripted([END]))


def test_limit_and_cancel_stop() -> None:
    assert len(codes(Scripted([1]), limit=17)) == 17
    seen: list[bool] = []

    def cancelled() -> bool:
        seen.append(True)
        return len(seen) > 5

    assert len(codes(Scripted([1]), cancelled=cancelled)) == 5


def test_no_step_is_made_for_codes_nobody_takes() -> None:
    runner = Scripted([1])
    stream: Iterator[int] = generate(
        runner, np.zeros(0, np.int32), None, np.zeros(0, np.int32), sampling=GREEDY, noise=lambda a, b: np.ones((1, 10))
    )
    next(stream)
    assert runner.steps == 0


@pytest.mark.parametrize("xp", [np, mx])
def test_sampling_follows_its_probabilities(xp) -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.04, 0.01], np.float32))
    noise = NoiseTable("exponential", 5, (7,))
    unseen = xp.array(np.zeros((1, 5), bool))
    counts = np.zeros(5)
    for i in range(400):
        code, _ = draw(xp, xp.array(logits[None]), unseen, xp.array(noise(i, i + 1)), 4, Sampling(top_k=3))
        counts[int(code[0])] += 1
    np.testing.assert_allclose(counts / 400, [0.526, 0.316, 0.158, 0, 0], atol=0.08)
    assert counts[3:].sum() == 0


def test_top_p_drops_the_code_that_crosses_and_keeps_the_first() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    np.testing.assert_allclose(probabilities(np, logits, Sampling(top_k=3, top_p=0.7)), [1, 0, 0])
    np.testing.assert_allclose(probabilities(np, logits, Sampling(top_k=3, top_p=0.85)), [0.625, 0.375, 0], atol=1e-6)
    np.testing.assert_allclose(probabilities(np, logits, Sampling(top_k=3, top_p=0.1)), [1, 0, 0])


def test_penalty_lowers_positive_and_negative_scores() -> None:
    logits = np.array([2.0, -2.0, 2.0], np.float32)
    np.testing.assert_allclose(penalise(np, logits, np.array([True, True, False]), 2.0), [1, -4, 2])


@pytest.mark.parametrize("values", [{"top_k": 0}, {"top_p": 0}, {"top_p": 1.1}, {"temperature": 0}])
def test_impossible_sampling_is_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Sampling(**values)


def test_guard_sees_runs_loops_and_lengths() -> None:
    guard = Guard()
    rng = np.random.default_rng(0)
    guard.check(rng.integers(0, 1024, 200).tolist(), 80)
    guard.check_end([1] * 90, 80)
    for bad in ([5] * 48, [1, 2, 3] * 40, rng.integers(0, 1024, 300).tolist()):
        with pytest.raises(CollapseError):
            guard.check(bad, 20)
    with pytest.raises(CollapseError, match="only 11 codes for 80 phones"):
        guard.check_end([1] * 11, 80)
