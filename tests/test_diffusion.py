"""v3 and v4: the networks against stored official outputs, and what holds for any weights."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from dora_primespeech_mlx.nets.bigvgan import BigVGAN
from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES, STEPS, mel_positions, modulation_row
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig, VocoderConfig
from dora_primespeech_mlx.nets.vocoder import Vocoder
from dora_primespeech_mlx.runtime.factory import diffusion_runner
from dora_primespeech_mlx.runtime.mlx.diffusion import MlxDiffusionRunner
from dora_primespeech_mlx.synthesis.diffusion import DiffusionAudio, MelSchedule, stream_diffusion
from dora_primespeech_mlx.synthesis.needs import Need, alone
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.voices.prompt import DiffusionPrompt
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.official import sovits_network
from dora_primespeech_mlx.weights.random_weights import BIGVGAN, MEL_VOCODER, SIZES, random_weights

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from parity_diffusion import diffusion_report

CODES = np.random.default_rng(3).integers(0, 1024, 60).tolist()
PHONES = np.random.default_rng(4).integers(0, 700, 40).astype(np.int32)
EXACT = ("cfm_", "lora_cfm")


@pytest.mark.parametrize("runtime", ["mlx", "onnx"])
def test_every_stored_stage_and_text_is_reproduced(golden: Path, runtime: str) -> None:
    reports = diffusion_report(golden / "v34", runtime, "fp32", texts=runtime == "onnx")
    assert set(reports) == {"stages_v3", "stages_v4"} | ({"e2e_v3", "e2e_v4"} if runtime == "onnx" else set())
    for name, report in reports.items():
        numbers = {key: value for key, value in report.items() if not key.endswith("_snr")}
        steps = {key: numbers.pop(key) for key in list(numbers) if key.endswith("_int16_steps")}
        assert len(steps) == (3 if name.startswith("e2e") else 1)
        assert max(steps.values()) <= 4
        if name.startswith("stages"):
            assert numbers.pop("lora_norms_compared") == 225
            assert {numbers.pop(key) for key in list(numbers) if key.startswith("lora_transformer")} == {0.0}
            mels = [numbers.pop(key) for key in list(numbers) if key.startswith(EXACT)]
            assert len(mels) == 5
            assert max(mels) <= 2e-4
            assert max(numbers.values()) <= 1e-4


def test_half_precision_stays_close(golden: Path) -> None:
    reports = diffusion_report(golden / "v34", "mlx", "fp16", texts=False)
    levels = [value for report in reports.values() for key, value in report.items() if key.endswith("_snr")]
    assert len(levels) == 2 * (5 + 1)
    assert min(levels) >= 40


@pytest.fixture(scope="module", params=["v3", "v4"])
def network(request: pytest.FixtureRequest, tiny_diffusion: Path) -> DiffusionSovits:
    return load_model(tiny_diffusion / request.param).sovits


@pytest.fixture(scope="module")
def audio(network: DiffusionSovits) -> Callable[..., DiffusionAudio]:
    random = np.random.default_rng(5)
    config = network.config
    ge = random.standard_normal(config.gin).astype(np.float32)
    mel = np.tanh(random.standard_normal((50, 100))).astype(np.float32)
    features = random.standard_normal((50, config.feature_channels)).astype(np.float32)
    plain = diffusion_runner(network, "onnx", "fp32", threads=1)

    def make(seed: int = 1, runner: object = None, speed: float = 1.0, **more: object) -> DiffusionAudio:
        prompt = DiffusionPrompt(runner or plain, mel, features, 4)  # type: ignore[arg-type]
        return DiffusionAudio(prompt, PHONES, ge, NoiseTable("normal", 100, (seed,)), speed, **more)  # type: ignore[arg-type]

    return make


def joined(audio: DiffusionAudio, codes: object, chunk: int, schedule: MelSchedule | None) -> np.ndarray:
    units = stream_diffusion(audio, codes, chunk, schedule)  # type: ignore[arg-type]
    return np.concatenate([samples for samples in units if samples is not None])


def away(mel: np.ndarray, whole: np.ndarray) -> float:
    """Relative root mean square of a difference."""
    return float(np.sqrt(((mel - whole) ** 2).mean()) / whole.std())


def test_chunks_of_a_whole_sentence_are_its_audio(audio: Callable[..., DiffusionAudio]) -> None:
    whole = audio()
    list(whole.complete(CODES))
    samples = whole.render(0, whole.frozen)
    assert len(samples) == whole.frames(len(CODES)) * whole.hop
    for codes, chunk in ((CODES, 13), (iter(CODES), 25)):
        np.testing.assert_allclose(joined(audio(), codes, chunk, None), samples, atol=2e-5)


def test_too_little_context_of_the_vocoder_would_be_seen(audio: Callable[..., DiffusionAudio]) -> None:
    whole = audio()
    list(whole.complete(CODES))
    samples = whole.render(0, whole.frozen)
    whole.context = 3
    assert np.abs(whole.render(40, 42) - samples[40 * whole.hop : 42 * whole.hop]).max() > 1e-4


@pytest.mark.parametrize("speed", [1.0, 1.2, 0.8])
def test_streamed_mel_is_near_the_whole_one_and_has_its_length(
    audio: Callable[..., DiffusionAudio], speed: float
) -> None:
    whole, streamed, other = audio(speed=speed), audio(speed=speed), audio(seed=2, speed=speed)
    list(whole.complete(CODES))
    list(other.complete(CODES))
    samples = joined(streamed, iter(CODES), 25, MelSchedule(first=0.5, growth=1.2, largest=1.0))
    assert len(samples) == whole.frozen * whole.hop
    assert 0 < away(streamed.mel, whole.mel) < 0.35 < 0.8 < away(other.mel, whole.mel)


def test_a_first_chunk_comes_before_the_last_code(
    network: DiffusionSovits, audio: Callable[..., DiffusionAudio]
) -> None:
    taken = []

    def coming() -> object:
        for code in CODES:
            taken.append(code)
            yield code

    stream = stream_diffusion(audio(), coming(), 25, MelSchedule(first=0.8, lookahead=0.2))  # type: ignore[arg-type]
    assert next(samples for samples in stream if samples is not None).size
    assert len(taken) == {"v3": 26, "v4": 25}[network.config.version]


def test_only_a_fast_executor_begins_a_sentence_before_its_codes_are_there(
    network: DiffusionSovits, audio: Callable[..., DiffusionAudio]
) -> None:
    assert audio(runner=MlxDiffusionRunner(network, True, compiled=True)).schedule == MelSchedule()
    for slow in (MlxDiffusionRunner(network, False), diffusion_runner(network, "onnx", "int8", threads=1)):
        assert audio(runner=slow).schedule is None


def test_frozen_frames_never_change(audio: Callable[..., DiffusionAudio]) -> None:
    streamed = audio()
    list(streamed.freeze(CODES[:30], 80, 20))
    before = streamed.mel.copy()
    list(streamed.freeze(CODES, 160, 20))
    assert streamed.frozen == 160
    np.testing.assert_array_equal(streamed.mel[:80], before)


def test_no_code_gives_no_sound(audio: Callable[..., DiffusionAudio]) -> None:
    for speed in (1.0, 1.2):
        assert not list(stream_diffusion(audio(speed=speed), iter([]), 25, MelSchedule()))


def test_every_step_is_a_unit_of_work(audio: Callable[..., DiffusionAudio]) -> None:
    whole = audio()
    for done, _ in enumerate(whole.complete(CODES), 1):
        assert (whole.frozen > 0) == (done > 4)
    assert done == 4
    units = list(stream_diffusion(audio(), iter([alone("t2s", lambda: None), *CODES]), 25, None))
    assert isinstance(units[0], Need)
    assert [unit is None for unit in units[1:6]] == [True] * 4 + [False]


def test_bucketed_lengths_give_the_same_numbers(
    network: DiffusionSovits, audio: Callable[..., DiffusionAudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, bucketed = audio(runner=MlxDiffusionRunner(network, False)), audio(runner=MlxDiffusionRunner(network, True))
    list(plain.complete(CODES[:21]))
    list(bucketed.complete(CODES[:21]))
    np.testing.assert_allclose(bucketed.mel, plain.mel, atol=2e-5)
    np.testing.assert_allclose(bucketed.render(10, 30), plain.render(10, 30), atol=2e-5)
    monkeypatch.setattr(MlxDiffusionRunner, "_mask", lambda runner, length: None)
    unmasked = audio(runner=MlxDiffusionRunner(network, True))
    list(unmasked.complete(CODES[:21]))
    assert np.abs(unmasked.mel - plain.mel).max() > 1e-3


def test_8_bit_products_stay_close(network: DiffusionSovits, audio: Callable[..., DiffusionAudio]) -> None:
    exact, rounded = audio(), audio(runner=diffusion_runner(network, "onnx", "int8", threads=1))
    list(exact.complete(CODES))
    list(rounded.complete(CODES))
    assert 0 < away(rounded.mel, exact.mel) < 0.02


def test_onnx_runtime_lets_the_network_go_when_all_is_traced(network: DiffusionSovits) -> None:
    runner = diffusion_runner(network, "onnx", "int8", threads=1)
    runner.prepare()
    assert not any(isinstance(value, DiffusionSovits) for value in vars(runner).values())
    assert runner.vocode(np.zeros((5, 100), np.float32)).shape == (5 * network.config.hop,)


def test_filters_as_sums_are_filters_as_convolutions() -> None:
    settings = {**BIGVGAN, "upsample_initial_channel": 128}
    vocoder = BigVGAN(BigVGANConfig.from_settings(settings))
    weights = random_weights(vocoder, np.random.default_rng(0))
    vocoder.load_weights([(name, mx.array(value.astype(np.float32))) for name, value in weights.items()])
    mel = mx.array(np.random.default_rng(1).standard_normal((1, 4, 100)), mx.float32)
    plain, shifted = np.array(vocoder(mel)), np.array(vocoder(mel, shifted=True))
    assert plain.std() > 1e-4
    np.testing.assert_allclose(shifted, plain, atol=1e-5)


def test_contexts_follow_from_kernels_and_dilations() -> None:
    assert VocoderConfig(192, 512, 512, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), (3, 7, 11), ((1, 3, 5),) * 3).context == 11
    assert MEL_VOCODER.context == 12
    assert BigVGANConfig.from_settings(BIGVGAN).context == 32


@pytest.mark.parametrize("size", ["v3", "v4"])
def test_a_vocoder_sees_its_context_and_not_more(size: str) -> None:
    config = SIZES[size][1].vocoder
    narrow = replace(config, initial_channels=64)
    vocoder = BigVGAN(narrow) if isinstance(narrow, BigVGANConfig) else Vocoder(narrow)
    weights = random_weights(vocoder, np.random.default_rng(0))
    vocoder.load_weights([(name, mx.array(value.astype(np.float32))) for name, value in weights.items()])
    frames, seen = 2 * narrow.context + 5, narrow.context
    mel = np.random.default_rng(1).standard_normal((1, frames, 100)).astype(np.float32)
    hop = int(np.prod(narrow.upsample_rates))

    def heard(distance: int) -> bool:
        other = mel.copy()
        other[:, seen + distance] += 10
        both = [np.array(vocoder(mx.array(x)))[0, seen * hop : (seen + 1) * hop] for x in (mel, other)]
        return bool((both[0] != both[1]).any())

    # Random weights let less through the edges of BigVGAN's kernels than float32 can hold.
    assert heard(seen if size == "v4" else 20)
    assert not heard(seen + 1)


def test_steps_of_every_count_have_their_own_rows() -> None:
    rows = [modulation_row(steps, step) for steps in STEPS for step in range(steps)]
    assert rows == list(range(63))


def test_speed_leaves_no_frame_that_the_official_code_masks() -> None:
    assert [len(mel_positions(n, 1.0, MEL_BASES["v3"])[0]) for n in (20, 21, 25)] == [75, 78, 93]
    assert [len(mel_positions(n, 1.0, MEL_BASES["v4"])[0]) for n in (20, 21, 25)] == [80, 84, 100]
    assert [len(mel_positions(21, speed, MEL_BASES["v4"])[0]) for speed in (1.2, 0.8, 1.05)] == [71, 106, 81]
    lower, upper, weight = mel_positions(21, 1.2, MEL_BASES["v4"])
    assert (lower >= 0).all() and (upper <= 41).all() and (weight >= 0).all() and (weight < 1).all()


@pytest.mark.parametrize(
    "wrong", [{"first": 0.0}, {"first": 4.0}, {"growth": 0.9}, {"lookahead": -0.1}], ids=lambda wrong: next(iter(wrong))
)
def test_schedules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is not a schedule"):
        MelSchedule(**wrong)


def test_released_sizes_have_the_parameters_that_were_counted() -> None:
    """Of the official 337 M of the transformer 194 M remain beside a table of 8.6 M; v4's vocoder has 14.425 M."""
    for size in ("v3", "v4"):
        network = sovits_network(SIZES[size][1])
        count = partial(_millions, dict(tree_flatten(network.parameters())))
        assert count("estimator.modulations") == pytest.approx(63 * 134 * 1024 / 1e6)
        assert count("estimator.") - count("estimator.modulations") == pytest.approx(193.9, abs=0.3)
        assert count("wns1.") == pytest.approx(29.6, abs=0.1)
    assert count("dec.") == pytest.approx(14.425, abs=0.001)


def _millions(parameters: dict[str, mx.array], prefix: str) -> float:
    return sum(value.size for name, value in parameters.items() if name.startswith(prefix)) / 1e6
