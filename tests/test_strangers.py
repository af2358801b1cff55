"""Voices that are made up for training, and the tokens of speech that is played faster."""

import numpy as np
import pytest

from training import tokens
from training.strangers import HELD_OUT, ROWS, TIMBRE, Cast

NAMES = [
    *HELD_OUT,
    *(f"a{sex}_{i}" for sex in "fm" for i in range(8)),
    *(f"j{sex}_{i}" for sex in "fm" for i in range(4)),
]


@pytest.mark.parametrize("kind", ["draw_stranger", "draw_invented"])
def test_no_voice_to_train_on_holds_anything_of_a_file_that_is_kept_apart(kind: str):
    styles = np.random.default_rng(1).normal(size=(len(NAMES), ROWS, 256))
    styles[: len(HELD_OUT)] += 1e6
    cast = Cast(NAMES, styles, styles[-2:])
    random = np.random.default_rng(2)
    drawn = [getattr(cast, kind)(random).style for _ in range(200)]
    assert all(style.shape == (ROWS, 256) and np.abs(style).max() < 100 for style in drawn)


def test_invented_timbres_lie_beyond_the_files_and_spread_as_far_as_they_do():
    styles = np.random.default_rng(1).normal(size=(len(NAMES), ROWS, 256))
    cast = Cast(NAMES, styles, styles[-2:])
    random = np.random.default_rng(2)
    drawn = np.stack([cast.draw_invented(random).style[0, :TIMBRE] for _ in range(300)])
    files = styles[cast.used, 0, :TIMBRE]
    assert 0.7 < drawn.std(0).mean() / files.std(0).mean() < 1.3
    base = np.linalg.svd(files - files.mean(0), full_matrices=False)[2][:-1]
    inside = (drawn - files.mean(0)) @ base.T @ base
    assert np.square(drawn - files.mean(0) - inside).sum() > 0.03 * np.square(drawn - files.mean(0)).sum()


def test_tokens_of_speech_played_twice_as_fast_are_those_of_half_the_durations():
    random = np.random.default_rng(3)
    durations = 2 * random.integers(2, 9, 20)
    phones, labels = random.integers(1, tokens.PHONES, 20), random.integers(0, tokens.TONES, 20)
    count = 2 * int(durations.sum())
    pitch = np.repeat(random.uniform(80, 300, count // 2), 2)
    energy = np.repeat(random.uniform(-6, 2, count // 2), 2)
    voice = tokens.VoiceStatistics(7.3, -1.0, 1.5)
    first, length = tokens.spoken(energy, 2 * tokens.PITCH_FRAMES)
    assert (first, length) == tokens.spoken(energy[::2])
    fast = tokens.features(durations, phones, labels, pitch, energy, voice, first, length, speed=2.0)
    short = tokens.features(durations // 2, phones, labels, pitch[::2], energy[::2], voice, first, length)
    np.testing.assert_allclose(fast, short, atol=1e-5)
