import math

import numpy as np
import pytest

from dora_primespeech_mlx.node.playout import LATEST, Pacer, Shaper, cut
from dora_primespeech_mlx.speech import Manner


def sine(frequency: float, seconds: float, rate: int = 32000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def shaped(shaper: Shaper, samples: np.ndarray, chunk: int) -> np.ndarray:
    parts = [samples[start : start + chunk] for start in range(0, len(samples), chunk)]
    return np.concatenate([shaper(part, last=index == len(parts) - 1) for index, part in enumerate(parts)])


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("chunk", [640, 3200, 7001])
def test_resampling_does_not_depend_on_how_audio_is_cut(rate, chunk):
    samples = sine(700.0, 1.0) + np.random.default_rng(0).normal(0, 0.05, 32000).astype(np.float32)
    whole = shaped(Shaper(32000, rate), samples, len(samples))
    assert len(whole) == rate
    assert np.abs(shaped(Shaper(32000, rate), samples, chunk) - whole).max() < 1e-5


@pytest.mark.parametrize("semitones", [-12.0, -3.0, 7.0, 12.0])
def test_a_pitch_raises_the_frequency_and_shortens(semitones):
    factor = Manner(pitch=semitones).pitch_factor
    out = shaped(Shaper(32000, 32000, factor), sine(440.0, 2.0), 3200)
    assert len(out) == pytest.approx(64000 / factor, abs=2)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    assert np.argmax(spectrum) * 32000 / len(out) == pytest.approx(440.0 * factor, rel=0.01)


def test_gain_clips_and_what_is_no_number_is_silent():
    shaper = Shaper(32000, 32000, gain=3.0)
    assert shaper(np.array([0.1, 0.5, -0.5, np.nan, np.inf], np.float32), last=True).tolist() == pytest.approx(
        [0.3, 1.0, -1.0, 0.0, 1.0]
    )


def test_long_audio_is_cut_in_equal_parts():
    parts = cut(np.arange(80000), 32000)
    assert [len(part) for part in parts] == [26667, 26667, 26666]
    assert np.concatenate(parts).tolist() == list(range(80000))
    assert [len(part) for part in cut(np.zeros(32000), 32000)] == [32000]
    assert [len(part) for part in cut(np.zeros(0), 32000)] == [0]


def test_two_messages_keep_their_distance():
    pacer = Pacer(interval=0.001)
    assert pacer.wait(10.0, 0.2) == 0.0
    pacer.sent(10.0, 0.2)
    assert pacer.wait(10.0004, 0.2) == pytest.approx(0.0006)
    assert pacer.wait(10.002, 0.2) == 0.0


def test_audio_runs_ahead_no_further_than_allowed():
    pacer = Pacer(interval=0.0, max_ahead=1.0)
    now = 5.0
    for _ in range(4):
        assert pacer.wait(now, 0.25) == 0.0
        pacer.sent(now, 0.25)
    assert pacer.wait(now, 0.2) == pytest.approx(0.2)
    assert pacer.wait(now + 0.2, 0.2) == pytest.approx(0.0)
    assert pacer.wait(now, 5.0) == pytest.approx(1.0 - LATEST), "longer than allowed: in time for the player"
    pacer.flushed(now)
    assert pacer.wait(now, 0.2) == 0.0


def test_a_full_player_pauses_until_it_has_played_enough():
    pacer = Pacer()
    for percent, paused in ((59.0, False), (60.0, True), (45.0, True), (30.0, False), (45.0, False)):
        pacer.buffered(percent, 60.0, 30.0)
        assert pacer.paused is paused
        assert (pacer.wait(0.0, 0.1) == math.inf) is paused
