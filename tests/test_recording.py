"""Voices from recordings: official preparation, checks of a recording, what a model without encoders says."""

import re
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import soundfile

from dora_primespeech_mlx import audio
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.factory import sovits_runner
from dora_primespeech_mlx.voices import recording
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.weights.official_encoders import convert_encoder

DATA = Path(__file__).parent / "data"
HIDDEN = 48  # of the tiny HuBERT
VECTOR = 2560  # of the tiny speaker model


def voice_model(ssl_dim: int = HIDDEN, speaker_dim: int = 0) -> Sovits:
    vocoder = VocoderConfig(
        inter_channels=8,
        initial_channels=8,
        gin_channels=8,
        upsample_rates=(2,),
        upsample_kernels=(4,),
        resblock_kernels=(3,),
        dilations=((1,),),
    )
    config = SovitsConfig(
        version="v2Pro" if speaker_dim else "v2",
        symbols=10,
        hidden_channels=8,
        filter_channels=8,
        heads=2,
        layers=1,
        ssl_layers=1,
        post_layers=1,
        kernel=3,
        window=4,
        code_count=64,
        ssl_dim=ssl_dim,
        mrte_channels=8,
        spectrum_bins=704,
        style_channels=8,
        style_kernel=5,
        flow_channels=8,
        flow_layers=1,
        flow_depth=1,
        flow_kernel=5,
        speaker_dim=speaker_dim,
        vocoder=vocoder,
    )
    mx.random.seed(7)
    model = Sovits(config)
    model.quantizer.weight = mx.random.normal(model.quantizer.weight.shape)
    return model


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> Encoders:
    folder = tmp_path_factory.mktemp("encoders")
    convert_encoder("hubert", DATA / "hubert_tiny", folder)
    convert_encoder("speaker", DATA / "eres2net_tiny.safetensors", folder)
    return Encoders([folder])


def speech(seconds: float, rate: int = 32000, level: float = 0.3, seed: int = 0) -> np.ndarray:
    """Noise in syllables, as long and as loud as asked."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(time)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    return (noise / np.abs(noise).max() * level).astype(np.float32)


def saved(path: Path, samples: np.ndarray, rate: int = 32000) -> Path:
    soundfile.write(path, samples, rate)
    return path


def test_codes_follow_the_official_preparation(tmp_path, encoders):
    path = saved(tmp_path / "ref.wav", np.stack([speech(3.2), speech(3.2, seed=1)], axis=1))
    model = voice_model()
    codes = recording.codes_from_recording(path, encoders, sovits_runner(model, "mlx"))

    stereo, _ = soundfile.read(path, dtype="float32")
    heard = np.concatenate([audio.resample_soxr(stereo.mean(axis=1), 32000, 16000), np.zeros(9600, np.float32)])
    features = encoders.content(heard)
    weight, bias = np.array(model.ssl_proj.weight), np.array(model.ssl_proj.bias)
    pairs = features[: len(features) // 2 * 2].reshape(-1, 2, HIDDEN)
    projected = np.einsum("nkc,okc->no", pairs, weight) + bias
    distance = np.square(projected[:, None] - np.array(model.quantizer.weight)[None]).sum(axis=-1)
    assert codes.dtype == np.int32 and len(codes) == (3.2 + 0.6) * 25 - 1
    np.testing.assert_array_equal(codes, distance.argmin(axis=1))


def test_a_reference_has_codes_spectra_and_vectors(tmp_path, encoders):
    first, second = saved(tmp_path / "a.wav", speech(3.5)), saved(tmp_path / "b.flac", speech(1.0, 44100), 44100)
    model = sovits_runner(voice_model(speaker_dim=VECTOR), "mlx")
    reference = recording.reference_from_recordings([first, second], encoders, model)
    assert reference.codes is not None and len(reference.codes) == 102
    assert [spectrum.shape for spectrum in reference.spectra] == [(175, 1025), (50, 1025)]
    assert [vector.shape for vector in reference.voice_vectors] == [(VECTOR,), (VECTOR,)]
    assert reference.advice == ()
    np.testing.assert_array_equal(recording.codes_from_recording(first, encoders, model), reference.codes)
    assert (
        recording.reference_from_recordings([first], encoders, sovits_runner(voice_model(), "mlx")).voice_vectors == ()
    )


def test_without_a_text_no_content_encoder_is_needed(tmp_path):
    path = saved(tmp_path / "ref.wav", speech(4.0))
    bare = Encoders([tmp_path])
    reference = recording.reference_from_recordings([path], bare, voice_model(), with_codes=False)
    assert reference.codes is None and reference.spectra[0].shape == (200, 1025)
    with pytest.raises(FileNotFoundError, match="no content encoder, so it takes no new recordings"):
        recording.reference_from_recordings([path], bare, voice_model())


def test_an_encoder_of_another_model_is_refused(tmp_path, encoders):
    path = saved(tmp_path / "ref.wav", speech(4.0))
    with pytest.raises(ValueError, match="gives 48 numbers a frame and the voice model takes 768"):
        recording.codes_from_recording(path, encoders, voice_model(ssl_dim=768))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (speech(2.9), r"is 2\.9 s long; a reference takes 3 to 10 s: record a longer sentence"),
        (speech(10.1), r"is 10\.1 s long; .*: cut it"),
        (speech(4.0, level=0.001), "is silent: check the microphone"),
        (np.full(4 * 32000, 0.5), "is silent: check the microphone"),
    ],
)
def test_recordings_that_cannot_be_used(tmp_path, encoders, samples, message):
    path = saved(tmp_path / "mine.wav", samples)
    with pytest.raises(ValueError, match=rf"mine\.wav {message}"):
        recording.codes_from_recording(path, encoders, voice_model())


def with_silence(before: float, after: float) -> np.ndarray:
    return np.concatenate([np.zeros(int(32000 * before)), speech(3.0), np.zeros(int(32000 * after))])


@pytest.mark.parametrize(
    ("samples", "rate", "sentence"),
    [
        (speech(4.0, 8000), 8000, "has 8000 samples a second"),
        (np.clip(speech(4.0) * 9, -1, 1), 32000, "is clipped"),
        (speech(4.0, level=0.02), 32000, r"is quiet \(-4\d dB below full scale\): raise it by 2\d dB"),
        (with_silence(1.5, 0), 32000, r"begins with 1\.5 s of silence"),
        (with_silence(0, 2.0), 32000, r"ends with 2\.0 s of silence"),
        (np.concatenate([speech(2.0), np.zeros(70000), speech(2.0)]), 32000, r"has a pause of 2\.2 s"),
        (np.zeros(32000), 32000, "holds hardly any sound"),
        (speech(4.0) + 0.3, 32000, r"is shifted by 0\.30 of full scale \(a DC offset\): take that out"),
    ],
)
def test_advice_names_what_to_record_better(samples, rate, sentence):
    (only,) = recording.advise(samples.astype(np.float32), rate, "mine.wav")
    assert only.startswith("mine.wav ")
    assert re.search(sentence, only)


def test_a_text_or_codes_that_do_not_fit_a_recording_are_told():
    assert recording.advise_pace(50, 4.0, "a.wav") == recording.advise_codes(115, 4.0, "a.wav") == ()
    for phones in (10, 200):
        assert f"its text has {phones} sounds, which does not fit" in recording.advise_pace(phones, 4.0, "a.wav")[0]
    assert "codes 0.8 s, so they are of another recording" in recording.advise_codes(20, 4.0, "a.wav")[0]


def test_a_good_recording_needs_no_advice():
    assert recording.advise(with_silence(0.3, 0.3).astype(np.float32), 32000) == ()
