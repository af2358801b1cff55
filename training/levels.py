"""How loud each voice is, and how much of it lies above 8 kHz, in what `training.evaluate` wrote.

    python -m training.levels OUT [OUT ...]

Prints for each voice and language the loudness (ITU-R BS.1770-4, by pyloudnorm; mean, least and most of its sentences,
LUFS), the highest peak (dBFS) and the share of the energy above 8 kHz (dB); then how far apart the voices are, and the
`volume` (percent) that would bring each to --target, on top of what `voices.json` says.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyloudnorm

from dora_primespeech_mlx.files.sounds import read_audio

WINDOW = 2048
BORDER = 8000.0  # Hz
BROADCAST = -23.0  # LUFS, EBU R 128


class Level(NamedTuple):
    """Loudness in LUFS, peak in dBFS, energy above BORDER in dB of all."""

    loudness: float
    peak: float
    above: float


def level(samples: np.ndarray, rate: int) -> Level:
    """Of samples float32 [n], at least 0.4 s."""
    frames = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW) * np.hanning(WINDOW)
    power = (np.abs(np.fft.rfft(frames)) ** 2).sum(0)
    high = power[round(BORDER / rate * WINDOW) :].sum() / power.sum()
    loudness = float(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64)))
    return Level(loudness, float(20 * np.log10(np.abs(samples).max())), float(10 * np.log10(high)))


def measured(folders: Iterable[Path]) -> dict[tuple[str, str], list[Level]]:
    """Levels of all sentences, by voice and language."""
    levels: dict[tuple[str, str], list[Level]] = {}
    for folder in folders:
        for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
            item = json.loads(line)
            levels.setdefault((item["voice"], item["lang"]), []).append(level(*read_audio(Path(item["wav"]))))
    return levels


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="+")
    parser.add_argument("--target", type=float, default=BROADCAST, help="LUFS")
    args = parser.parse_args()
    levels = measured(args.out)
    means = {key: np.mean([one.loudness for one in each]) for key, each in levels.items()}
    for (voice, language), each in levels.items():
        loudness = [one.loudness for one in each]
        print(
            f"{voice:<8} {language} {len(each):3} sentences: {means[voice, language]:.1f} LUFS "
            f"({min(loudness):.1f} to {max(loudness):.1f}), peak {max(one.peak for one in each):.1f} dBFS, "
            f"above {BORDER / 1000:.0f} kHz {np.mean([one.above for one in each]):.1f} dB"
        )
    print(f"farthest apart: {max(means.values()) - min(means.values()):.1f} LU")
    for voice in dict.fromkeys(voice for voice, _ in levels):
        mean = np.mean([value for (name, _), value in means.items() if name == voice])
        print(f"{voice:<8} volume {100 * 10 ** ((args.target - mean) / 20):.0f} % for {args.target:g} LUFS")


if __name__ == "__main__":
    main()
