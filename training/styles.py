"""How far a voice follows a style: each voice speaks some sentences in the style of each other one.

    python -m training.styles OUT --sentences 2

OUT/manifest.jsonl is for a judge, as that of `training.evaluate`; its reference is the clip of the voice, whose timbre
should stay. Printed is what a style gives: the duration; the intonation, semitones around the median of a sentence
every 10 ms, correlated with that of the style's own voice and with that of the voice in its own style; how far the
pitch moves, as a deviation in semitones; and the register, the median of the pitch, which stays unless `--register`
moves it by what lies between the two voices, as `pitch` does in a message.
"""

import argparse
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import soxr

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.files.sounds import write_audio
from dora_primespeech_mlx.node.playout import Shaper
from dora_primespeech_mlx.settings import Settings
from training.evaluate import HERE, own_clip, sentences_of

RATE, HOP, WINDOW = 16000, 160, 512
LOWEST, HIGHEST = 60.0, 450.0
WIDEST = 8.0
"""Semitones from the median; what is farther off is an octave error."""
VOICED = 0.15
"""Of the loudest frame."""


def intonation(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Semitones above 55 Hz and whether each frame is voiced, [n], of 16 kHz samples (YIN)."""
    lags = np.arange(1, int(RATE / LOWEST) + 1)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW + len(lags))[::HOP].astype(np.float64)
    size = 2 * WINDOW + 2 * len(lags)
    head = frames[:, :WINDOW]
    products = np.fft.irfft(np.fft.rfft(frames, size) * np.conj(np.fft.rfft(head, size)), size)[:, lags]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    difference = energy[:, WINDOW, None] + energy[:, lags + WINDOW] - energy[:, lags] - 2 * products
    normal = difference * lags / np.maximum(np.cumsum(difference, axis=1), 1e-9)
    normal[:, lags < RATE / HIGHEST] = np.inf
    low = (normal < 0.15) & (normal <= np.roll(normal, -1, axis=1))
    lag = np.where(low.any(axis=1), low.argmax(axis=1), normal.argmin(axis=1)) + 1
    loudness = np.sqrt(energy[:, WINDOW])
    voiced = (loudness > VOICED * loudness.max()) & (normal.min(axis=1) < 0.3)
    semitones = 12 * np.log2(RATE / lag / 55)
    middle = np.median(semitones[voiced])
    return np.clip(semitones, middle - WIDEST, middle + WIDEST), voiced


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two intonations, the second stretched to the length of the first."""
    (first, here), (second, there) = intonation(one), intonation(other)
    places = np.linspace(0, len(second) - 1, len(first))
    second, there = np.interp(places, np.arange(len(second)), second), there[np.round(places).astype(int)]
    both = here & there
    return float(np.corrcoef(first[both], second[both])[0, 1])


def register(samples: np.ndarray) -> tuple[float, float]:
    """Median and deviation of the pitch of 16 kHz samples, in semitones above 55 Hz."""
    semitones, voiced = intonation(samples)
    return float(np.median(semitones[voiced])), float(np.std(semitones[voiced]))


def follows(asked: list[float], given: list[float]) -> float:
    """How much of each difference that is asked for is given, least squares."""
    return float(np.dot(asked, given) / np.dot(asked, asked))


def report(language: str, sounds: dict[tuple[str, str, int], np.ndarray], pairs: list[tuple[str, str]]) -> str:
    """A line on a language: `sounds` by voice, style and sentence, 16 kHz; `pairs` of voices and other styles."""
    numbers = sorted({number for _, _, number in sounds})
    asked, given, style, own = [], [], [], []
    pitches: list[tuple[float, float]] = []
    spreads: list[tuple[float, float]] = []
    for (voice, other), number in ((pair, number) for pair in pairs for number in numbers):
        spoken, usual, model = (sounds[who, how, number] for who, how in ((voice, other), (voice,) * 2, (other,) * 2))
        asked.append(np.log(len(model) / len(usual)))
        given.append(np.log(len(spoken) / len(usual)))
        style.append(alike(spoken, model))
        own.append(alike(spoken, usual))
        here, before, there = (register(sound) for sound in (spoken, usual, model))
        pitches.append((there[0] - before[0], here[0] - before[0]))
        spreads.append((there[1] - before[1], here[1] - before[1]))
    register_follows, spread_follows = (follows(*map(list, zip(*pairs, strict=True))) for pairs in (pitches, spreads))
    nearer = sum(a > b for a, b in zip(style, own, strict=True))
    return (
        f"{language}: duration follows by {follows(asked, given):.2f} of the difference (correlation "
        f"{np.corrcoef(asked, given)[0, 1]:.2f}); intonation {np.median(style):.2f} with the style's, "
        f"{np.median(own):.2f} with the voice's own, nearer to the style's in {nearer} of {len(style)}; its deviation "
        f"follows by {spread_follows:.2f}, the register by {register_follows:.2f}"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, default=Path("voices.json"))
    parser.add_argument("--sentences", type=int, default=2, help="of each language (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--register", action="store_true", help="move the pitch to that of the style's voice")
    args = parser.parse_args()
    engine = Engine.from_config(args.voices, Settings(voices=args.voices))
    args.out.mkdir(parents=True, exist_ok=True)
    pairs = list(permutations(engine.voice_names, 2))
    with (args.out / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        for language in ("en", "zh"):
            sounds: dict[tuple[str, str, int], np.ndarray] = {}
            for voice, style in [*((name, name) for name in engine.voice_names), *pairs]:
                for number, text in enumerate(sentences_of(HERE, language)[: args.sentences]):
                    pitch = 0.0
                    if args.register and voice != style:
                        pitch = np.subtract(*(register(sounds[name, name, number])[0] for name in (style, voice)))
                    factor = 2 ** (pitch / 12)
                    speech = engine.synthesize(text, voice=voice, style=style, seed=args.seed, speed=1 / factor)
                    audio = Shaper(speech.sample_rate, speech.sample_rate, factor)(speech.audio, last=True)
                    wav = (args.out / f"{language}_{number:03}_{voice}_{style}.wav").resolve()
                    write_audio(wav, audio, speech.sample_rate, speech.model)
                    sounds[voice, style, number] = soxr.resample(audio, speech.sample_rate, RATE)
                    line = {"wav": str(wav), "text": text, "lang": language, "voice": voice, "style": style}
                    line |= {"reference": str(own_clip(engine, voice, language).resolve())}
                    manifest.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(report(language, sounds, pairs), flush=True)


if __name__ == "__main__":
    main()
