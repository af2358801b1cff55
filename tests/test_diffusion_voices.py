"""Voices of v3 and v4 through the engine: prompts, steps, rates, streaming, cancelling, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.audio import mel_spectrogram, resample
from dora_primespeech_mlx.commands.doctor import WARN, check_voices
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.files.sounds import read_audio, write_audio
from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.enrol import add_voice
from dora_primespeech_mlx.voices.examine import examine_voices
from dora_primespeech_mlx.voices.prompt import diffusion_prompt

TEXT = "I bought three books for you! And one more."


@pytest.fixture(scope="module")
def engine(tiny_diffusion: Path) -> Engine:
    voices = tiny_diffusion / "voices.json"
    return Engine.from_config(voices, Settings(voices=voices, runtime="onnx", threads=1, voice="v4"))


def edited(tiny_diffusion: Path, folder: Path, **changes: object) -> Path:
    """A voices.json with one changed v4 voice, whose files lie where they were."""
    content = json.loads((tiny_diffusion / "voices.json").read_text())
    entry = {**content["voices"]["v4"], **changes}
    entry = {key: value for key, value in entry.items() if value is not None}
    path = folder / "voices.json"
    path.write_text(json.dumps({"models_base_path": str(tiny_diffusion), "voices": {"v4": entry}}))
    return path


@pytest.mark.parametrize(("name", "rate"), [("v3", 24000), ("v4", 48000), ("v4_lora", 48000)])
def test_voices_speak_at_their_own_rate_and_pause_as_long_as_others(engine: Engine, name: str, rate: int) -> None:
    chunks = list(engine.stream(TEXT, voice=name, seed=1))
    assert {chunk.sample_rate for chunk in chunks} == {rate}
    assert [chunk.sentence for chunk in chunks if chunk.sentence_final] == [0, 1]
    assert all(len(chunk.samples) == round(0.3 * rate) for chunk in chunks if chunk.sentence_final)
    whole = engine.synthesize(TEXT, voice=name, seed=1)
    assert whole.sample_rate == rate
    np.testing.assert_allclose(whole.audio, np.concatenate([chunk.samples for chunk in chunks]), atol=2e-4)
    assert 0.01 < np.abs(whole.audio).max() <= 1


def test_a_lora_speaks_otherwise_than_its_base(engine: Engine) -> None:
    base, lora = (engine.synthesize(TEXT, voice=name, seed=1).audio for name in ("v4", "v4_lora"))
    assert base.shape != lora.shape or np.abs(base - lora).max() > 0.01


def test_the_same_seed_speaks_the_same_way_and_another_does_not(engine: Engine) -> None:
    one, same, other = (engine.synthesize(TEXT, voice="v4", seed=seed).audio for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or np.abs(one - other).max() > 0.01


def test_a_style_gives_other_codes(engine: Engine, tmp_path: Path) -> None:
    voice = engine.load_voice("v4")
    voice.codes[::-1].astype("<i4").tofile(tmp_path / "calm.bin")
    style = Style("calm", "And here is another one.", "en", codes=tmp_path / "calm.bin")
    plain, styled = (engine.synthesize("Hello.", voice="v4", style=each, seed=1) for each in (None, style))
    assert plain.codes != styled.codes
    assert np.abs(styled.audio).max() > 0.01


def test_more_speed_is_shorter(engine: Engine) -> None:
    from_codes = engine.load_voice("v4").diffusion
    assert from_codes is not None
    plain, fast = (engine.synthesize("Hello.", voice="v4", seed=1, speed=speed) for speed in (1.0, 1.5))
    assert plain.codes == fast.codes
    assert 1.4 < (plain.duration - 0.3) / (fast.duration - 0.3) < 1.6


def test_a_text_can_be_cancelled_between_two_steps(engine: Engine) -> None:
    def asked(most: float) -> tuple[int, int]:
        """How often it was asked before the first chunk came, and how many chunks came."""
        count = 0

        def cancelled() -> bool:
            nonlocal count
            count += 1
            return count > most

        chunks = engine.stream(TEXT, voice="v4", seed=1, cancelled=cancelled)
        first = next(chunks, None)
        return count, 0 if first is None else 1 + len(list(chunks))

    before, chunks = asked(float("inf"))
    assert chunks > 2
    assert asked(before - 2) == (before - 1, 0)


def test_steps_come_from_the_environment_then_the_voice_then_the_executor(tiny_diffusion: Path, tmp_path: Path) -> None:
    def steps(path: Path, **env: str) -> int:
        settings = Settings.from_env({"RUNTIME": "onnx", "NUM_THREADS": "1", "VOICES_CONFIG": str(path), **env})
        engine = Engine.from_config(path, settings)
        prompt = engine.load_voice().diffusion
        assert prompt is not None
        assert engine.settle({"seed": 1}).seed == 1
        return prompt.steps

    plain, own = edited(tiny_diffusion, tmp_path), tmp_path / "own"
    own.mkdir()
    own = edited(tiny_diffusion, own, steps=16)
    assert (steps(plain), steps(own), steps(own, SAMPLE_STEPS="8"), steps(plain, SAMPLE_STEPS="32")) == (4, 16, 8, 32)


@pytest.mark.parametrize("value", ["3", "64", "0", "many"])
def test_steps_that_are_no_power_of_two_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="a power of two from 1 to 32"):
        Settings.from_env({"SAMPLE_STEPS": value})


@pytest.mark.parametrize("value", [12, 64, 0, 0.5])
def test_a_voice_with_such_steps_is_refused(tiny_diffusion: Path, tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="'v4' has steps .* a power of two from 1 to 32"):
        read_voices(edited(tiny_diffusion, tmp_path, steps=value))


def test_a_voice_without_the_text_of_its_recording_is_refused_with_the_reason(
    tiny_diffusion: Path, tmp_path: Path
) -> None:
    path = edited(tiny_diffusion, tmp_path, ref_text=None)
    with pytest.raises(ValueError, match="'v4' is of a v4 model, .*whose words it knows: give it ref_text"):
        Engine.from_config(path, Settings(voices=path, runtime="onnx", threads=1))
    (problem,) = examine_voices(read_voices(path))["v4"].problems  # known before it speaks
    assert "whose words it knows: give it ref_text" in problem
    path = edited(tiny_diffusion, tmp_path, codes_path=None)
    assert "and codes or HuBERT" in examine_voices(read_voices(path))["v4"].problems[0]


def test_further_recordings_change_the_timbre_and_not_the_prompt(
    engine: Engine, tiny_diffusion: Path, tmp_path: Path
) -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal(3 * 32000).astype(np.float32)
    write_audio(tmp_path / "second.wav", noise, 32000)
    path = edited(tiny_diffusion, tmp_path, ref_audio=None, ref_audios=["ref.wav", str(tmp_path / "second.wav")])
    both = Engine.from_config(path, Settings(voices=path, runtime="onnx", threads=1)).load_voice()
    alone = engine.load_voice("v4")
    assert both.diffusion is not None and alone.diffusion is not None
    np.testing.assert_array_equal(both.diffusion.mel, alone.diffusion.mel)
    assert np.abs(both.ge - alone.ge).max() > 1e-3


def test_a_long_recording_keeps_its_last_seconds(engine: Engine) -> None:
    voice, base = engine.load_voice("v4"), MEL_BASES["v4"]
    assert voice.diffusion is not None
    samples = np.random.default_rng(0).standard_normal(7 * 32000).astype(np.float32)
    codes = np.arange(7 * 25 + 15, dtype=np.int32)
    prompt = diffusion_prompt(voice.diffusion.runner, samples, 32000, codes, voice.prompt_ids, voice.ge, 4)
    mel = mel_spectrogram(resample(samples, 32000, base.rate), base.rate, base.window, base.hop, 100)
    assert prompt.mel.shape == (500, 100)
    assert len(prompt.features) == 500
    np.testing.assert_array_equal(prompt.mel, mel[200:700])


def test_the_prompt_is_as_long_as_its_recording(engine: Engine, tiny_diffusion: Path) -> None:
    samples, rate = read_audio(tiny_diffusion / "ref.wav")
    for name in ("v3", "v4"):
        prompt = engine.load_voice(name).diffusion
        assert prompt is not None
        assert len(prompt.mel) == len(prompt.features) == int(len(samples) / rate * MEL_BASES[name].frame_rate)


def test_the_doctor_says_that_a_cpu_is_slow_for_them(tiny_diffusion: Path, tiny_voices: Path) -> None:
    def slow(voices: Path) -> list[str]:
        findings = check_voices(Settings(voices=voices, runtime="onnx"))
        return [finding.text for finding in findings if finding.mark == WARN and finding.subject == "voices"]

    assert [text.split()[0] for text in slow(tiny_diffusion / "voices.json")] == ["v3", "v4", "v4_lora"]
    assert not slow(tiny_voices)


def test_a_new_voice_without_text_is_refused_with_the_reason(tiny_diffusion: Path, tmp_path: Path) -> None:
    settings = Settings(runtime="onnx", threads=1)
    with pytest.raises(ValueError, match="v4 model, which takes a voice .* say them with --text"):
        add_voice(tmp_path / "voices.json", "Ada", [tiny_diffusion / "ref.wav"], settings, model=tiny_diffusion / "v4")
    assert not (tmp_path / "voices.json").exists()
