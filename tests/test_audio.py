"""Reading, resampling and analysing sound, against what the official code computed."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dora_primespeech_mlx import audio
from dora_primespeech_mlx.files import sounds

GOLDEN = np.load(Path(__file__).parent / "data" / "encoders.npz")


def tone(seconds: float, rate: int, frequency: float = 220.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(("rate", "target"), [(44100, 32000), (48000, 32000), (32000, 16000), (24000, 32000)])
def test_resample_equals_torchaudio(rate, target):
    expected = GOLDEN[f"fe_resample_{rate}_{target}"][0]
    result = audio.resample(GOLDEN["fe_wav"][0], rate, target)
    assert result.shape == expected.shape and result.dtype == np.float32
    assert np.abs(result - expected).max() < 1e-6


def test_resample_takes_rates_without_a_common_divisor():
    result = audio.resample(tone(0.2, 44101), 44101, 32000)
    assert len(result) == -(-int(0.2 * 44101) * 32000 // 44101)
    assert np.abs(result[500:-500] - tone(0.2, 32000)[500 : len(result) - 500]).max() < 1e-3


def test_resample_to_the_same_rate_changes_nothing():
    samples = GOLDEN["fe_wav"][0]
    np.testing.assert_array_equal(audio.resample(samples, 32000, 32000), samples)
    np.testing.assert_array_equal(audio.resample_soxr(samples, 16000, 16000), samples)


def test_resample_soxr_equals_librosa():
    result = audio.resample_soxr(GOLDEN["fe_wav"][0], 32000, 16000)
    assert np.abs(result - GOLDEN["fe_librosa_32000_16000"]).max() < 1e-6


def test_reference_spectrogram_equals_the_official_one():
    expected = GOLDEN["fe_spec_v2"]
    result = np.array(audio.reference_spectrogram(GOLDEN["fe_wav"][0]))
    assert result.shape == (1, expected.shape[2], 1025)
    assert np.abs(result[0].T - expected[0]).max() < 1e-4 * expected.max()


def test_reference_spectrogram_divides_a_loud_reference_by_its_peak():
    quiet = tone(0.5, 32000) / 0.5
    for loudness, remaining in ((1.5, 1.0), (3.0, 1.5)):
        loud = np.array(audio.reference_spectrogram(quiet * np.float32(loudness)))
        expected = np.array(audio.reference_spectrogram(quiet)) * remaining
        assert np.abs(loud - expected).max() < 1e-4 * expected.max()


def test_fbank_equals_kaldi():
    result = audio.fbank(GOLDEN["fbank_wav16"][0])
    assert result.shape == (48, 80)
    assert np.abs(result - GOLDEN["fbank"]).max() < 1e-4 * np.abs(GOLDEN["fbank"]).max()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_reads_the_usual_formats_as_mono(tmp_path, suffix):
    left = tone(1.0, 32000)
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, np.stack([left, np.zeros_like(left)], axis=1), 32000)
    samples, rate = sounds.read_audio(path)
    assert rate == 32000 and samples.dtype == np.float32 and samples.ndim == 1
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(np.sqrt(np.mean((left / 2) ** 2)), rel=0.02)


def test_a_flac_that_was_written_into_a_pipe_and_does_not_say_its_length_is_named(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.linspace(-0.5, 0.5, 9000, dtype=np.float32), 32000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(ValueError, match=r"does not say how long it is: write it again, with ffmpeg -i .*a_whole\.wav"):
        sounds.read_audio(tmp_path / "a.flac")


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path):
    text, empty, broken = tmp_path / "text.wav", tmp_path / "empty.wav", tmp_path / "broken.wav"
    text.write_bytes(b"\x07\x01" * 500)
    soundfile.write(empty, np.zeros(0, np.float32), 16000)
    soundfile.write(broken, np.array([0.0, np.nan], np.float32), 16000, subtype="FLOAT")
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros(660 * 4000, np.float32), 4000, subtype="PCM_U8")
    for path, error, message in (
        (text, ValueError, r"text\.wav is not a sound file"),
        (empty, ValueError, r"empty\.wav holds no sound"),
        (broken, ValueError, r"broken\.wav holds values that are not numbers"),
        (long, ValueError, r"long\.wav lasts 11 minutes: cut it"),
        (tmp_path / "gone.wav", FileNotFoundError, r"gone\.wav is not there"),
        (tmp_path, FileNotFoundError, "is a folder"),
    ):
        with pytest.raises(error, match=message):
            sounds.read_audio(path)
    with pytest.raises(ValueError, match="too short for a spectrogram"):
        audio.reference_spectrogram(np.zeros(700, np.float32))
    with pytest.raises(ValueError, match="too few for a filter bank"):
        audio.fbank(np.zeros(399, np.float32))


def test_written_wav_is_clipped_pcm16(tmp_path):
    path = tmp_path / "out.wav"
    sounds.write_audio(path, np.array([0.0, 0.5, 1.0, 1.7, -1.0, -3.0, 0.99999], np.float32), 32000)
    assert soundfile.info(path).subtype == "PCM_16"
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 32000
    np.testing.assert_array_equal(samples, [0, 16384, 32767, 32767, -32768, -32768, 32767])


@pytest.mark.parametrize("ending", sounds.WRITTEN)
def test_written_speech_says_that_a_machine_made_it(tmp_path, ending):
    samples = 0.3 * np.sin(np.arange(70_000) / 20).astype(np.float32)
    sounds.write_audio(tmp_path / f"a{ending}", samples, 32000, "GPT-SoVITS v2 (测试)")
    with soundfile.SoundFile(tmp_path / f"a{ending}") as file:
        tags = file.copy_metadata()
        assert len(file) == len(samples)
        assert np.abs(file.read(dtype="float32") - samples).max() < 0.05
    assert "synthetic=true" in tags["comment"]
    assert "model=GPT-SoVITS v2 (测试)" in tags["comment"]
    assert "trainedAlgorithmicMedia" in tags["comment"]
    assert tags["software"].startswith("dora-primespeech-mlx")


def test_a_sound_file_of_another_kind_is_not_begun(tmp_path):
    with pytest.raises(ValueError, match=r"a\.mp3 is no name for a sound file here: end it in \.wav, \.flac, \.ogg"):
        sounds.write_audio(tmp_path / "a.mp3", np.zeros(10, np.float32), 32000)
    assert not list(tmp_path.iterdir())


def test_sounds_of_other_programs_come_with_the_command_that_converts_them(tmp_path):
    folder = tmp_path / "小明 的声音"
    folder.mkdir()
    m4a, webm, amr = b"\0\0\0\x20ftypM4A ", b"\x1aE\xdf\xa3", b"#!AMR\n"
    for name, content, to in (
        ("a.m4a", m4a, "a"),
        ("a.webm", webm, "a"),
        ("a.wav", webm, "a_pcm"),
        ("a.amr", amr, "a"),
    ):
        (folder / name).write_bytes(content + bytes(64))
        with pytest.raises(ValueError, match="ffmpeg") as refusal:
            sounds.read_audio(folder / name)
        command = shlex.split(str(refusal.value).partition("with ")[2])
        assert command == ["ffmpeg", "-i", str(folder / name), str(folder / f"{to}.wav")]


def test_channels_that_cancel_and_samples_without_a_scale_are_named(tmp_path):
    noise = 0.3 * np.random.default_rng(0).standard_normal(32000)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([noise, -noise], axis=1), 32000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"opposite phase.*ffmpeg -i \S+ -af 'pan=mono\|c0=c0' \S+_mono\.wav"):
        sounds.read_audio(path)
    soundfile.write(path, np.where(np.arange(32000) == 5, 1e30, noise), 32000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"reaches 1e\+30 where 1 is full scale"):
        sounds.read_audio(path)
    for kept in (np.stack([noise, 0 * noise], axis=1), np.stack([noise, noise[::-1]], axis=1), 4 * noise, 0 * noise):
        soundfile.write(path, kept, 32000, subtype="FLOAT")
        assert len(sounds.read_audio(path)[0]) == 32000
