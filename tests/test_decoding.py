from collections.abc import Iterator
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest

from dora_primespeech_mlx.commands.bench.workshop import Paced
from dora_primespeech_mlx.runtime.transfers import Transfers
from dora_primespeech_mlx.sampling import Sampling, draw, penalise, probabilities
from dora_primespeech_mlx.synthesis.decoding import Decoder, Guard, Row, generate, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable

END = 9
GREEDY = Sampling(top_k=1, repetition_penalty=1.0)


class Scripted:
    """A runner whose logits favour the codes of a script, in either array kind."""

    def __init__(self, script: list[int], xp=np, pipelined: bool = False, most: int = 8):
        self.config = SimpleNamespace(vocabulary=10, end=END)
        self.xp, self.pipelined, self.most = xp, pipelined, most
        self.script, self.steps, self.started = script, 0, 0

    def open(self) -> "ScriptedRows":
        return ScriptedRows(self)


class ScriptedRows:
    """Texts whose `bert`, if there is one, is a script of their own."""

    def __init__(self, runner: Scripted):
        self.runner, self.most = runner, runner.most
        self.places: list[int] = []
        self.scripts: list = []

    def join(self, text, prompt):
        self.runner.started += 1
        self.scripts.append(self.runner.script if text[1] is None else text[1])
        self.places.append(0)
        return self.scores([len(self.places) - 1])[0]

    def leave(self, row: int) -> None:
        del self.scripts[row], self.places[row]

    def scores(self, rows):
        scores = np.zeros((len(rows), 10), np.float32)
        for each, row in zip(scores, rows, strict=True):
            each[self.scripts[row][min(self.places[row], len(self.scripts[row]) - 1)]] = 5
        return self.runner.xp.array(scores)

    def step(self, rows, codes):
        assert len(rows) == len(codes) <= self.most
        self.runner.steps += 1
        for row in rows:
            self.places[row] += 1
        return self.scores(rows)

    def cached(self, text: int, layer: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((1, last - first, 1), np.float32), np.zeros((1, last - first, 1), np.float32)


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
    assert guard.fault(rng.integers(0, 1024, 200).tolist(), 80) == guard.end_fault([1] * 90, 80) == ""
    assert guard.fault([5] * 48, 20) == "the code 5 48 times in a row"
    assert guard.fault([1, 2, 3] * 40, 20) == "a loop of at most 8 codes"
    assert guard.fault(rng.integers(0, 1024, 300).tolist(), 20) == "300 codes for 20 phones"
    assert guard.end_fault([1] * 11, 80) == "only 11 codes for 80 phones"


def row(script: list[int], phones: int, guard: Guard | None = None, **how) -> Row:
    def noise(start: int, stop: int) -> np.ndarray:
        return np.ones((stop - start, 10), np.float32)

    return Row(np.zeros(0, np.int32), script, noise, phones, sampling=GREEDY, guard=guard, **how)  # type: ignore[arg-type]


def varied(length: int) -> list[int]:
    """Codes that no guard minds."""
    return np.random.default_rng(0).integers(0, 8, length).tolist()


@pytest.mark.parametrize("most", [8, 2, 1])
def test_a_row_that_collapses_ends_at_once_and_its_company_goes_on(most: int) -> None:
    runner = Scripted([END], most=most)
    rows = [row(script, 60, Guard()) for script in ([3], [*varied(200), END], [*varied(20), END])]
    steps = list(generate_many(runner, rows))
    assert runner.started == 3
    assert runner.steps == {8: 200, 2: 200 + 20, 1: 200 + 20 + 47}[most]
    assert (rows[0].codes, rows[0].fault) == ([3] * 47, "the code 3 48 times in a row")
    assert (rows[1].codes, rows[1].fault) == (varied(200), "")
    assert (rows[2].codes, rows[2].fault) == (varied(20), "only 20 codes for 60 phones")
    assert [[codes[index] for codes in steps if codes[index] is not None] for index in range(3)] == [
        each.codes for each in rows
    ]
    assert not any(each.running for each in rows)


def test_rows_that_all_collapse_make_no_more_steps() -> None:
    runner = Scripted([4])
    rows = [row([4], 60, Guard()), row([5], 60, Guard())]
    assert len(list(generate_many(runner, rows))) == 47
    assert runner.steps == 47


def test_a_text_cancelled_before_it_begins_pays_no_prefill() -> None:
    runner = Scripted([1])
    assert list(generate_many(runner, [row([1], 9, cancelled=lambda: True)])) == []
    assert runner.started == 0


def test_the_most_codes_a_row_may_have_are_a_fault_to_the_guard() -> None:
    for guard, fault in ((Guard(), "no end within 40 codes"), (None, "")):
        rows = [row(varied(90), 60, guard, limit=40)]
        list(generate_many(Scripted([1]), rows))
        assert (len(rows[0].codes), rows[0].fault) == (40, fault)


class Drawing(Scripted):
    """A runner that draws, from the script."""

    def open(self) -> "DrawingScript":
        return DrawingScript(self)


class DrawingScript(ScriptedRows):
    most_joins, transfers = 4, Transfers(np)

    def join(self, newcomers):
        for each in newcomers:
            super().join(each.text, each.prompt)

    def codes(self, rows, noise):
        drawn = np.empty((len(noise), len(rows)), int)
        for index in range(len(noise)):
            self.runner.steps += 1
            drawn[index] = np.argmax(np.array(self.scores(rows)), axis=-1)
            for row in rows:
                self.places[row] += 1
        return self.runner.xp.array(np.stack([drawn, drawn == END], axis=1))


@pytest.mark.parametrize("xp", [np, mx])
def test_a_session_that_draws_gives_the_codes_of_one_that_does_not(xp) -> None:
    for scripts in ([[*varied(29), END], [*varied(40), END]], [[3], [*varied(200), END], [*varied(20), END]]):
        rows, same = ([row(script, 60, Guard()) for script in scripts] for _ in range(2))
        assert list(generate_many(Drawing([END], xp), rows)) == list(generate_many(Scripted([END], xp), same))
        assert [(each.codes, each.fault) for each in rows] == [(each.codes, each.fault) for each in same]


def test_a_session_that_draws_is_asked_for_one_launch_ahead_and_for_no_code_beyond_the_limit() -> None:
    runner = Drawing([1], pipelined=True)
    assert codes(runner, limit=21) == [1] * 21
    assert runner.steps == 21
    runner = Drawing([*varied(11), END], pipelined=True)
    assert codes(runner) == varied(11)
    assert runner.steps == 25


def test_codes_made_ahead_of_a_cancel_are_dropped() -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 5

    runner = Drawing(varied(90), pipelined=True)
    assert codes(runner, cancelled=cancelled) == varied(90)[:5]
    assert runner.steps == 17


def test_a_benchmark_ends_texts_where_it_wants_to_whoever_draws() -> None:
    for kind in (Scripted, Drawing):
        rows = [row(varied(99), 9), row(varied(99), 20)]
        for each, phones in zip(rows, (9, 20), strict=True):
            each.phones = np.zeros(phones, np.int32)
        runner = Paced(kind([END]), 0)  # type: ignore[arg-type]
        list(generate_many(runner, rows))
        assert [len(each.codes) for each in rows] == [20, 44]


def test_what_is_made_at_a_time_ends_where_the_first_audio_begins() -> None:
    decoder = Decoder(Scripted(varied(40)))
    opened, other = row(varied(40), 60, opening=10), row(varied(40), 60)
    for each in (opened, other):
        decoder.join([each])
    assert [len(decoder.advance([opened])[0]) for _ in range(4)] == [2, 4, 4, 4]
    assert [len(decoder.advance([other])[0]) for _ in range(2)] == [4, 4]
