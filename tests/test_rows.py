"""Texts that come and go while others are decoded: each has the codes that it has alone."""

import gc
import random
import weakref
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
from test_decoding import Drawing, Scripted, row
from tiny_networks import T2S_CONFIG, random_weights

from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.factory import t2s_runner
from dora_primespeech_mlx.runtime.interface import T2SRunner
from dora_primespeech_mlx.runtime.mlx.cuda.clusters import prefilled_rows
from dora_primespeech_mlx.runtime.mlx.rows import MlxT2SRows
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import Decoder, Decoders, Guard, Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable

SAMPLINGS = (Sampling(), Sampling(top_k=5, temperature=0.7), Sampling(top_k=64, top_p=0.8, repetition_penalty=1.0))


@pytest.fixture(scope="module")
def network() -> T2S:
    mx.random.seed(3)
    return random_weights(T2S(T2S_CONFIG))


def sentence(number: int, limit: int = 30) -> Row:
    chance = np.random.default_rng(number)
    return Row(
        chance.integers(0, 40, 5 + 6 * number % 31).astype(np.int32),
        None if number % 3 else chance.standard_normal((5 + 6 * number % 31, 1024)).astype(np.float32),
        NoiseTable("exponential", T2S_CONFIG.vocabulary, (number,)),
        prompt=chance.integers(0, 60, number % 4).astype(np.int32),
        sampling=SAMPLINGS[number % len(SAMPLINGS)],
        limit=limit - number,
    )


def come_and_go(runner: T2SRunner, rows: list[Row], seed: int) -> None:
    """Decodes rows that join and are advanced at random, at most 8 at a time, beside others that leave too early."""
    chance, decoder, waiting = random.Random(seed), Decoder(runner), list(rows)
    passers: list[Row] = []
    while waiting or any(each.running for each in rows):
        if waiting and chance.random() < 0.5 and len(decoder.rows) < 8:
            decoder.join([waiting.pop(0)])
        if chance.random() < 0.2 and len(decoder.rows) < 8:
            passers += decoder.join([sentence(20 + len(passers) % 4)])
        if passers and chance.random() < 0.2:
            decoder.leave(passers.pop(chance.randrange(len(passers))))
        advanced = [each for each in decoder.rows if chance.random() < 0.7]
        decoder.advance(advanced, chance.randrange(1, 9))
        for each in [each for each in decoder.rows if each in rows and not each.running]:
            decoder.leave(each)


def alone(runner: T2SRunner, rows: list[Row]) -> list[list[int]]:
    for each in rows:
        list(generate_many(runner, [each]))
    return [each.codes for each in rows]


def test_what_was_decoded_keeps_no_memory_until_python_looks_for_it(
    network: T2S, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[weakref.ref] = []
    told: list[int] = []

    def open_rows(self: MlxT2SRunner) -> MlxT2SRows:
        rows = MlxT2SRows(network, self.start)
        opened.append(weakref.ref(rows))
        return rows

    monkeypatch.setattr(MlxT2SRunner, "open", open_rows)
    gc.disable()
    try:
        rows = [sentence(1), sentence(2)]
        runner = MlxT2SRunner(network, accelerated=False)
        for _ in generate_many(runner, rows, lambda row: told.append(len(row.codes)) if row.cached else None):
            pass
        next(generate_many(runner, [sentence(3)]))
        assert [each() for each in opened] == [None, None]
    finally:
        gc.enable()
    assert told == [len(row.codes) for row in rows]


@pytest.mark.parametrize("kind", ["mlx", "mlx ahead", "fp32", "int8"])
def test_a_text_has_the_codes_it_has_alone_whoever_comes_and_goes(
    network: T2S, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mx, "compile", lambda function: function)
    if kind.startswith("mlx"):
        runner: T2SRunner = MlxT2SRunner(network, accelerated=kind == "mlx ahead")
    else:
        runner = t2s_runner(network, "onnx", kind, threads=1)
    rows = [sentence(number) for number in range(8)]
    come_and_go(runner, rows, seed=1)
    assert [each.codes for each in rows] == alone(runner, [sentence(number) for number in range(8)])
    assert {len(each.codes) for each in rows} != {0}


def test_several_prefills_are_those_of_each_alone(network: T2S) -> None:
    rows = [sentence(number) for number in (1, 3, 6)]
    scores, caches = prefilled_rows(
        network, [(each.phones, each.bert) for each in rows], [each.prompt for each in rows]
    )
    for at, each in enumerate(rows):
        alone, (cache,) = prefilled_rows(network, [(each.phones, each.bert)], [each.prompt])
        assert caches[at].shape == cache.shape
        np.testing.assert_allclose(np.array(scores[at]), np.array(alone[0]), atol=1e-5)
        np.testing.assert_allclose(np.array(caches[at]), np.array(cache), atol=2e-3)


def test_scores_of_rows_that_wait_are_not_touched(network: T2S) -> None:
    rows = MlxT2SRunner(network, accelerated=False).open()
    lone = MlxT2SRunner(network, accelerated=False)
    texts = [(sentence(number).phones, None) for number in (1, 4, 5)]
    sessions = [lone.start([text], np.arange(3)) for text in texts]
    for text in texts:
        rows.join(text, np.arange(3))
    for which in ([0, 1, 2], [1], [0, 2], [1, 2], [0, 1, 2]):
        scores = rows.step(which, mx.array([7 + row for row in which]))
        expected = [sessions[row].step(mx.array([7 + row]))[0] for row in which]
        np.testing.assert_allclose(np.array(scores), np.array(mx.stack(expected)), atol=1e-5)


@pytest.mark.parametrize("kind", [Scripted, Drawing])
def test_a_thousand_that_join_leave_and_are_cancelled_end_once_each(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mx, "compile", lambda function: function)
    chance = random.Random(1)
    runner = kind([9], pipelined=True, xp=mx) if kind is Scripted else kind([9], pipelined=True)
    decoder, ended, playing = Decoder(runner), [], []
    for number in range(1000):
        script = [chance.randrange(8) for _ in range(12 + number % 20)]
        state = SimpleNamespace(cancelled=False)
        each = row([*script, 9], 60, Guard(least_per_phone=0.0), cancelled=lambda state=state: state.cancelled)
        playing.append((*decoder.join([each]), script, state))
        if chance.random() < 0.3:
            chance.choice(playing)[2].cancelled = True
        if chance.random() < 0.1:
            decoder.leave(playing.pop(chance.randrange(len(playing)))[0])
        while len(playing) >= 8 or (number == 999 and playing):
            some = [each for each, _, _ in chance.sample(playing, min(5, len(playing)))]
            list(decoder.begin(some) if number % 2 else decoder.advance(some))
            for done in [entry for entry in playing if not entry[0].running]:
                playing.remove(done)
                decoder.leave(done[0])
                ended.append(done)
    assert not decoder.rows
    assert len({id(each) for each, _, _ in ended}) == len(ended) > 800
    for each, script, state in ended:
        assert each.codes == script if not state.cancelled else each.codes == script[: len(each.codes)]


def test_a_decoder_that_decodes_nothing_is_forgotten(network: T2S) -> None:
    decoders, first, second = Decoders(), *(MlxT2SRunner(network, accelerated=False) for _ in range(2))
    decoder = decoders.of(first)
    (each,) = decoder.join([sentence(1)])
    assert decoders.of(second) is not decoders.of(first) is decoder
    decoder.leave(each)
    decoders.of(second)
    assert list(decoders._known) == [id(second)]


LESS_THAN_A_ROW = 1_000
"""Bytes that other tests' arrays, freed or not, may differ by."""


def held() -> int:
    """Bytes of MLX's arrays once all that was begun is done."""
    mx.synchronize()
    gc.collect()
    return mx.get_active_memory()


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.soak)])
def test_memory_is_back_where_it_was_after_many_have_come_and_gone(network: T2S, count: int) -> None:
    decoder = Decoder(MlxT2SRunner(network, accelerated=False))

    def come_and_leave(number: int) -> None:
        pair = [each for seed in (20, 17) for each in decoder.join([sentence(number % seed)])]
        decoder.advance(pair, 2)
        for each in pair:
            decoder.leave(each)

    for number in range(20):
        come_and_leave(number)
    before = held()
    for number in range(count // 2):
        come_and_leave(number)
    assert held() < before + LESS_THAN_A_ROW
    assert not decoder.rows
    assert not decoder._under_way
