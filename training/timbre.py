"""The teacher speaks for SoVITS: in the voices that ship and in many hundreds of others, with what makes each its own.

    python -m training.timbre CONTENT_PACK.npz TEACHER.onnx FOLDER --workers 14 --seconds 300

CONTENT_PACK.npz is that of `training.strangers`, whose voices these are, some of them played faster or slower, as if
from smaller and larger throats.  FOLDER/part_w_k.npz holds what `training.speak` writes, for `training.train_sovits`,
and for every utterance numbers of its voice, which a reference encoder has to find in the sound of another one.
"""

import argparse

import numpy as np
from scipy.signal import resample_poly

from training import tokens
from training.strangers import COMPONENTS, SHIPPED, TIMBRE, Cast, Voice, Worker, add_speaking, speak

INVENTED_TIMBRES = 0.6  # of voices that do not ship
PLAYED_SHARE = 0.4  # of them
UP, DOWN, DOWN_RANGE = 40, 30, (26, 35)  # from the teacher's rate to SAMPLES: UP / DOWN, and faster or slower
SAMPLES = 32000
CODE = SAMPLES // tokens.TOKENS
PACES = {"shipped": (0.92, 1.08), "fast": (0.85, 1.0), "other": (0.8, 1.25)}
FAST = (4, 5)  # those that ship and speak fastest
ROW = 8  # of a style, by which a voice is described
PITCH, OCTAVES, PLAYED = 7.4, 0.4, 0.1  # middle and spread of a voice's median pitch, spread of `played`; log2


class Description:
    """A voice in NUMBERS numbers of about unit spread: components of its timbre, how it is played, its pitch."""

    def __init__(self, cast: Cast):
        rows = cast.styles[cast.used, ROW, :TIMBRE]
        self.middle = rows.mean(0)
        _, spread, components = np.linalg.svd(rows - self.middle, full_matrices=False)
        scale = spread[:COMPONENTS, None] / np.sqrt(len(rows))
        self.components = components[:COMPONENTS] / scale

    def __call__(self, voice: Voice, pitch: float) -> np.ndarray:
        """The numbers of a voice whose median pitch before it is played is `pitch` (log2 Hz)."""
        played = np.log2(voice.played)
        timbre = self.components @ (voice.style[ROW, :TIMBRE] - self.middle)
        return np.array([*timbre, played / PLAYED, (pitch + played - PITCH) / OCTAVES], np.float16)


class CodedWorker(Worker):
    """Speaks for SoVITS: whole sound, codes, pitch and the numbers of the voice."""

    wide = ("audio", "codes", "pitch")
    narrow = ("length", "voice", "sentence", "timbre")
    units = tokens.TOKENS

    def __init__(self, args: argparse.Namespace):
        super().__init__(args)
        self.sentences = args.sentences
        self.describe = Description(self.cast)
        self.varying = self.pack["centres"].std(0) > 0
        self.centres = self.pack["centres"][:, self.varying].astype(np.float32)
        self.strangers = 0

    def draw(self) -> Voice:
        """One that ships, or another."""
        random = self.random
        if random.random() < self.args.shipped:
            return self.cast.draw_shipped(random)
        self.strangers += 1
        invented = random.random() < INVENTED_TIMBRES
        style = (self.cast.draw_invented(random) if invented else self.cast.draw_stranger(random)).style
        return Voice(style, played=random.integers(*DOWN_RANGE) / DOWN if random.random() < PLAYED_SHARE else 1.0)

    def pace(self, voice: Voice) -> float:
        """Fast voices also speak slowly."""
        kind = "other" if voice.shipped < 0 else "fast" if voice.shipped in FAST else "shipped"
        return self.random.uniform(*PACES[kind]) / voice.played

    def stored(self, one: dict, voice: Voice, statistics: list[float]) -> dict:
        """What `speech_corpus` takes of an utterance."""
        rate = tokens.PITCH_FRAMES * voice.played
        first, count = tokens.spoken(one["energy"], rate)
        phones, tones = (one[name][::2].astype(np.int64) for name in ("phone", "tone"))
        found = tokens.VoiceStatistics(*statistics)
        rows = tokens.features(
            np.ones(len(phones), np.int64),
            phones,
            tones,
            one["pitch"],
            one["energy"],
            found,
            first,
            count,
            voice.played,
        )
        audio = resample_poly(one["audio"], UP, round(DOWN * voice.played))[first * CODE : (first + count) * CODE]
        audio = np.pad(audio, (0, count * CODE - len(audio)))
        audio *= min(1.0, 0.95 / max(float(np.abs(audio).max()), 1e-5))
        at = ((np.arange(2 * count) + 2 * first + 0.5) * (rate / 50)).astype(int)
        pitch = one["pitch"][np.minimum(at, len(one["pitch"]) - 1)] * voice.played
        stranger = SHIPPED + self.args.worker * 10**5 + self.strangers
        return {
            "audio": (audio * 32767).astype(np.int16),
            "codes": tokens.nearest(rows[:, self.varying], self.centres).astype(np.int16),
            "pitch": pitch.astype(np.float16),
            "length": count,
            "voice": voice.shipped if voice.shipped >= 0 else stranger,
            "sentence": one["sentence"],
            "timbre": self.describe(voice, found.pitch),
        }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_speaking(parser)
    parser.add_argument("--sentences", type=int, default=6, help="in each voice")
    parser.add_argument("--shipped", type=float, default=0.3, help="share of voices that ship")
    parser.set_defaults(held_out=0)
    speak(parser.parse_args(), CodedWorker, "training.timbre")


if __name__ == "__main__":
    main()
