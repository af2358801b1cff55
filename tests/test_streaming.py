import json
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, random_weights

from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.factory import sovits_runner
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner
from dora_primespeech_mlx.synthesis.needs import Need, alone
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import (
    FEW_CALLS,
    Listener,
    Pace,
    Schedule,
    SentenceAudio,
    sentence_units,
    stream_sentence,
)
from dora_primespeech_mlx.weights.load import load_model

CODES = np.random.default_rng(3).integers(0, 64, 60).tolist()
PHONES = np.random.default_rng(4).integers(0, 40, 40).astype(np.int32)
SCHEDULES = [
    Schedule(),
    Schedule(first=5, growth=1.0, chunk=3),
    Schedule(first=21, growth=2.0, largest=40, chunk=50),
    Schedule(first=1, growth=1.3, largest=7),
]
WHOLE = Schedule(first=10_000, largest=10_000)


SMALL = VocoderConfig(8, 16, 16, (5, 2, 2), (11, 4, 4), (3, 7, 11), ((1, 3, 5),) * 3)
HOP = 20


def needed(codes: list[int]) -> Iterator[int | Need]:
    """Codes that come one at a time, each after the need of it."""
    for code in codes:
        yield alone("t2s", int)
        yield code


@pytest.fixture(scope="module", params=[(3, 7, 11), (3, 7, 15)], ids=["released kernels", "other kernels"])
def audio(request: pytest.FixtureRequest) -> Callable[..., SentenceAudio]:
    """Makes the audio of a sentence with a network of toy size, whose vocoder sees 11 or 14 frames either side."""
    vocoder = replace(SMALL, resblock_kernels=request.param)
    mx.random.seed(4)
    network = random_weights(Sovits(replace(SOVITS_CONFIG, vocoder=vocoder)))
    ge = np.random.default_rng(5).standard_normal(vocoder.gin_channels).astype(np.float32)

    def make(
        speed: float = 1.0, runtime: str = "mlx", bucket: bool = False, few_calls: bool = False, behind: bool = False
    ) -> SentenceAudio:
        mlx = MlxSovitsRunner(network, bucket or few_calls, launch_bound=few_calls)
        runner = mlx if runtime == "mlx" else sovits_runner(network, runtime, "fp32")
        noise = NoiseTable("normal", vocoder.inter_channels, (1,))
        return SentenceAudio(runner, PHONES, ge, noise, 0.5, speed, behind)

    return make


def done(work: Generator) -> Any:
    """What some work gives whose needs are met as they come."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def joined(audio: SentenceAudio, codes: object, schedule: Schedule) -> np.ndarray:
    return np.concatenate(list(stream_sentence(audio, codes, schedule)))  # type: ignore[arg-type]


@pytest.mark.parametrize("speed", [1.0, 1.25, 0.8])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_chunks_of_known_codes_are_the_whole_audio_bit_for_bit(
    audio: Callable[..., SentenceAudio], schedule: Schedule, speed: float
) -> None:
    whole = joined(audio(speed), CODES, WHOLE)
    assert len(whole) == HOP * (2 * len(CODES) if speed == 1 else int(2 * len(CODES) / speed) + 1)
    np.testing.assert_array_equal(joined(audio(speed), CODES, schedule), whole)


def test_too_little_context_would_be_seen(audio: Callable[..., SentenceAudio]) -> None:
    whole, short = joined(audio(), CODES, WHOLE), audio()
    short.context //= 2
    assert np.abs(joined(short, CODES, Schedule()) - whole).max() > 0


def test_chunks_agree_on_onnx_runtime(audio: Callable[..., SentenceAudio]) -> None:
    whole = joined(audio(runtime="onnx"), CODES, WHOLE)
    np.testing.assert_allclose(joined(audio(runtime="onnx"), CODES, Schedule()), whole, atol=1e-5)


def test_bucketed_lengths_give_the_same_audio(audio: Callable[..., SentenceAudio]) -> None:
    whole = joined(audio(), CODES, WHOLE)
    np.testing.assert_allclose(joined(audio(bucket=True), CODES, Schedule()), whole, atol=1e-5)


@pytest.mark.parametrize(("few_calls", "first", "second"), [(False, 6, 10), (True, 17, 51)])
def test_a_sentence_behind_another_begins_with_what_would_be_its_second_chunk(
    audio: Callable[..., SentenceAudio], few_calls: bool, first: int, second: int
) -> None:
    begun = [audio(few_calls=few_calls, behind=behind) for behind in (False, True)]
    for each, frames in zip(begun, (first, second), strict=True):
        chunk = next(stream_sentence(each, iter(CODES * 3), each.schedule))
        assert len(chunk) // HOP in (min(frames, each.schedule.chunk), frames + 1)  # a code is two frames
        assert each.frozen - each.context in (frames, frames + 1)


def test_where_a_call_costs_more_than_its_frames_windows_are_long_and_give_the_same_audio(
    audio: Callable[..., SentenceAudio],
) -> None:
    few = audio(few_calls=True)
    assert few.few_calls
    assert few.schedule == FEW_CALLS
    np.testing.assert_allclose(joined(few, CODES, FEW_CALLS), joined(audio(), CODES, WHOLE), atol=1e-5)
    streamed = joined(audio(few_calls=True), iter(CODES * 3), FEW_CALLS)
    np.testing.assert_allclose(streamed, joined(audio(), iter(CODES * 3), FEW_CALLS), atol=1e-5)


def test_chunks_are_short_and_the_first_comes_early(audio: Callable[..., SentenceAudio]) -> None:
    taken = 0

    def coming():
        nonlocal taken
        for code in CODES:
            taken += 1
            yield code

    schedule, sentence = Schedule(), audio()
    stream = stream_sentence(sentence, coming(), schedule)
    first = next(stream)
    assert len(first) >= schedule.first * HOP
    assert 2 * taken <= schedule.first + schedule.lookahead + sentence.context + 2
    assert taken == sentence.opening(schedule)
    rest = list(stream)
    assert max(map(len, rest)) <= schedule.chunk * HOP
    assert len(first) + sum(map(len, rest)) == 2 * HOP * len(CODES)


@pytest.mark.parametrize(
    ("cost", "frames", "piece"), [(0.02, 6, 250), (0.2, 6, 50), (0.5, 16, 50), (0.65, 71, 38), (3.0, 75, 8)]
)
def test_a_slower_machine_holds_more_back_and_sounds_the_same(
    audio: Callable[..., SentenceAudio], cost: float, frames: int, piece: int
) -> None:
    def units(pace: Pace | None) -> list[np.ndarray]:
        made = sentence_units(audio(), needed(CODES * 3), Schedule(chunk=50), pace)
        return [samples for samples in made if isinstance(samples, np.ndarray)]

    pace, at_once = Pace(cost), units(None)
    assert (pace.held(Schedule()), pace.piece) == (frames, piece)
    chunks = units(pace)
    assert min(piece // 2, frames) * HOP <= len(chunks[0]) and max(map(len, chunks)) <= piece * HOP
    np.testing.assert_allclose(np.concatenate(chunks), np.concatenate(at_once), atol=1e-5)
    assert pace.cost != cost


def test_a_listener_who_has_enough_is_given_longer_stretches_of_the_same_sound(
    audio: Callable[..., SentenceAudio],
) -> None:
    def stretches(seconds: float) -> list[np.ndarray]:
        listener = Listener()
        listener.hear(seconds)
        units = sentence_units(audio(), needed(CODES * 3), Schedule(chunk=50), Pace(0.01), listener)
        return [samples for samples in units if isinstance(samples, np.ndarray)]

    poor, rich = stretches(0.0), stretches(60.0)
    assert len(poor[0]) < len(rich[0]) == 50 * HOP and len(rich) < len(poor)
    np.testing.assert_allclose(np.concatenate(rich), np.concatenate(poor), atol=1e-5)


def test_where_others_wait_for_their_first_audio_a_text_begins_with_two_chunks_of_the_same_sound(
    audio: Callable[..., SentenceAudio],
) -> None:
    def chunks(*others: Listener, threads: int = 1) -> list[np.ndarray]:
        listener, pace, spoken = Listener(), Pace(0.01), audio()
        pace.waiting.update((listener, *others))
        spoken._sovits.threads = threads
        units = sentence_units(spoken, needed(CODES * 3), Schedule(chunk=50), pace, listener)
        return [samples for samples in units if isinstance(samples, np.ndarray)]

    alone, beside = chunks(), chunks(Listener())
    assert 6 * HOP <= len(alone[0]) < 16 * HOP <= len(beside[0]) < 20 * HOP
    assert len(chunks(Listener(), threads=2)[0]) == len(alone[0])
    assert len(chunks(Listener(), Listener(), threads=2)[0]) == len(beside[0])
    np.testing.assert_allclose(np.concatenate(beside), np.concatenate(alone), atol=1e-5)


def test_a_pace_is_work_and_not_the_time_that_others_had_their_turn(
    audio: Callable[..., SentenceAudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.001
        return now

    monkeypatch.setattr("dora_primespeech_mlx.synthesis.needs.time", SimpleNamespace(perf_counter=clock))
    paces = [Pace(0.5), Pace(0.5)]
    for pace, turn in zip(paces, (0.0, 10.0), strict=True):
        for unit in sentence_units(audio(), needed(CODES * 3), Schedule(), pace):
            if isinstance(unit, Need):
                now += turn
    assert paces[0].learned == paces[1].learned == 1
    assert paces[0].cost == pytest.approx(paces[1].cost) and paces[0].cost < 0.5


def test_short_sentences_forget_a_slow_chunk_too(
    audio: Callable[..., SentenceAudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.0005
        return now

    monkeypatch.setattr("dora_primespeech_mlx.synthesis.needs.time", SimpleNamespace(perf_counter=clock))
    pace = Pace(1.0, learned=1000)
    codes, held = CODES[:20], [pace.held(Schedule())]
    for _ in range(30):
        list(sentence_units(audio(), needed(codes), Schedule(), pace))
        held.append(pace.held(Schedule()))
    assert held[0] > 2 * len(codes) and held[-1] == 6 and held == sorted(held, reverse=True)


def test_a_slower_chunk_counts_at_once_and_a_quicker_one_by_and_by() -> None:
    pace = Pace(0.4)
    for took, audio, cost in ((0.1, 0.5, 0.2), (0.4, 0.5, 0.8), (0.1, 0.5, 0.6), (0.4, 0.5, 0.8)):
        pace.learn(took, audio)
        assert pace.cost == pytest.approx(cost)
    pace.learned = 1000
    pace.learn(0.1, 0.5)
    assert pace.cost == pytest.approx(0.77)


def test_frozen_latents_are_never_computed_again(audio: Callable[..., SentenceAudio]) -> None:
    sentence = audio()
    done(sentence.freeze(CODES[:20], 30))
    before = done(sentence.render(0, 30 - sentence.context))
    done(sentence.freeze(CODES, 2 * len(CODES)))
    np.testing.assert_array_equal(done(sentence.render(0, 30 - sentence.context)), before)
    assert sentence.frozen == 2 * len(CODES)


def test_phones_are_read_once_and_while_the_second_code_is_made(audio: Callable[..., SentenceAudio]) -> None:
    sentence, taken = audio(), 0

    def coming() -> Iterator[int]:
        nonlocal taken
        for code in CODES:
            taken += 1
            yield code

    steps = sentence_units(sentence, coming(), Schedule())
    assert [taken for step in steps if isinstance(step, Need) and step.kind and step.kind[1] == "read"] == [1]


def test_noise_of_a_frame_does_not_depend_on_how_it_is_asked_for() -> None:
    once, again = NoiseTable("normal", 4, (1, 2)), NoiseTable("normal", 4, (1, 2))
    whole = once(0, 700)
    np.testing.assert_array_equal(np.concatenate([again(0, 3), again(3, 300), again(300, 700)]), whole)
    assert np.abs(NoiseTable("normal", 4, (1, 3))(0, 700) - whole).max() > 0.1
    assert NoiseTable("exponential", 4, (1, 2))(0, 700).mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("values", [{"first": 0}, {"growth": 0.5}, {"chunk": 51}, {"first": 20, "largest": 10}])
def test_impossible_schedules_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match="is not a schedule|must be from 1"):
        Schedule(**values)


def test_the_form_for_metal_changes_nothing(tiny_model: Path) -> None:
    wide, narrow = (load_model(tiny_model, wide=wide).t2s for wide in (True, False))
    assert wide.config.head_width == 64 > narrow.config.head_width
    found, expected = (
        network(network.embed_audio(mx.array([[3, 9, 4, 1]]), mx.arange(4)), None) for network in (wide, narrow)
    )
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=1e-5)


def test_config_keeps_the_official_heads(tiny_model: Path) -> None:
    assert json.loads((tiny_model / "config.json").read_text())["t2s"]["model"]["head"] == 4


def test_phones_are_read_while_codes_come_where_a_thread_is_idle(audio: Callable[..., SentenceAudio]) -> None:
    whole, sentence, begun = joined(audio(runtime="onnx"), CODES, WHOLE), audio(runtime="onnx"), threading.Event()

    class Reads:
        """The runner, whose reading waits for the second code."""

        reads_beside = True

        def __getattr__(self, name: str) -> Any:
            return getattr(runner, name)

        def read(self, phones: np.ndarray) -> np.ndarray:
            assert begun.wait(10)
            return runner.read(phones)

    def codes() -> Iterator[int]:
        for number, code in enumerate(CODES):
            if number:
                begun.set()
            yield code

    runner, sentence._sovits = sentence._sovits, Reads()
    np.testing.assert_allclose(joined(sentence, codes(), Schedule(first=150)), whole, atol=1e-5)
