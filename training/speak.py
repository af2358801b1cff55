"""The teacher speaks the sentences of a pack, several processes side by side, and labels its own speech with tokens.

    python -m training.speak PACK.npz TEACHER.onnx OUT_DIR --workers 14 --seconds 260

Worker w writes OUT_DIR/part_w_k.npz every --every seconds: 32 kHz int16 audio cut to the spoken part, codes at 25 Hz,
pitch at 50 Hz, and which sentence and voice each utterance is.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from training import tokens
from training.teacher import TAPS, Teacher, style_for

OUTPUTS = ("audio", *TAPS)
TEACHER_CODE = 960  # samples of one code at the teacher's 24 kHz


def voice_for(sentence: int, voices: int, turn: int) -> int:
    """Which voice speaks a sentence in this turn; turns give a sentence to different voices."""
    return (sentence * 7 + sentence // 6 + turn) % voices


class Pack:
    """Prepared sentences: teacher tokens with phone and tone labels, voices, codebook, statistics of the voices."""

    def __init__(self, path: str):
        with np.load(path) as data:
            self.tokens, self.offset = data["tok"].astype(np.int64), data["tok_off"]
            self.phones, self.tones = data["lab"].astype(np.int64), data["tone"].astype(np.int64)
            self.styles, self.centres = data["styles"].astype(np.float32), data["centres"]
            self.statistics = [tokens.VoiceStatistics(*map(float, row)) for row in data["statistics"]]
        self.varying = self.centres.std(0) > 0
        self.centres = self.centres[:, self.varying]

    def codes(self, sentence: int, voice: int, durations: np.ndarray, pitch: np.ndarray, energy: np.ndarray):
        """First token and codes of one spoken sentence."""
        place = slice(self.offset[sentence], self.offset[sentence + 1])
        return self.classes(self.phones[place], self.tones[place], voice, durations, pitch, energy)

    def classes(
        self,
        phones: np.ndarray,
        tones: np.ndarray,
        voice: int,
        durations: np.ndarray,
        pitch: np.ndarray,
        energy: np.ndarray,
    ) -> tuple[int, np.ndarray]:
        """First token and codes of phones and tones [m] as a voice spoke them."""
        first, count = tokens.spoken(energy)
        rows = tokens.features(durations, phones, tones, pitch, energy, self.statistics[voice], first, count)
        return first, tokens.nearest(rows[:, self.varying], self.centres)


def of_tokens(audio: np.ndarray, first: int, count: int) -> np.ndarray:
    """The teacher's samples of `count` tokens from `first` on, with silence where they end early."""
    piece = audio[first * TEACHER_CODE : (first + count) * TEACHER_CODE]
    return np.pad(piece, (0, count * TEACHER_CODE - len(piece)))


def work(args: argparse.Namespace) -> None:
    """One worker process."""
    import torch
    from scipy.signal import resample_poly

    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    pack = Pack(args.pack)
    speak = Teacher(args.model, args.device, OUTPUTS)
    kept: dict[str, list] = {k: [] for k in ("audio", "codes", "pitch", "sentence", "voice", "length")}
    part, written, seconds, errors = 0, time.time(), 0.0, 0

    def write() -> None:
        nonlocal part, written
        if kept["sentence"]:
            joined = {
                k: np.concatenate(v) if k in ("audio", "codes", "pitch") else np.array(v) for k, v in kept.items()
            }
            hidden = args.out / f".part_{args.worker}_{part}.npz"
            np.savez(hidden, **joined)
            os.replace(hidden, args.out / f"part_{args.worker}_{part}.npz")
            part += 1
            for values in kept.values():
                values.clear()
        written = time.time()

    sentences = len(pack.offset) - 1
    for place in range(args.worker, min(sentences, args.limit), args.workers):
        if time.time() - args.began > args.seconds:
            break
        sentence = (args.first + place) % sentences
        voice = voice_for(sentence, len(pack.styles), args.turn)
        ids = pack.tokens[pack.offset[sentence] : pack.offset[sentence + 1]]
        try:
            inputs = {
                "tokens": torch.from_numpy(ids[None]),
                "style": torch.from_numpy(style_for(pack.styles[voice], len(ids))),
                "speed": torch.ones(1),
            }
            audio, durations, pitch, energy = (x.reshape(-1).float().cpu().numpy() for x in speak(**inputs))
            durations = durations.round().astype(np.int64)
            if abs(len(audio) - durations.sum() * 600) > 600 or not np.isfinite(audio).all():
                raise ValueError("lengths of audio and durations differ")
            first, codes = pack.codes(sentence, voice, durations, pitch, energy)
        except (RuntimeError, ValueError) as error:
            errors += 1
            if errors < 3:
                print(f"worker {args.worker}, sentence {sentence}: {error}"[:300], flush=True)
            continue
        count = len(codes)
        cut = of_tokens(audio, first, count) * min(1.0, 0.95 / max(float(np.abs(audio).max()), 1e-5))
        wide = (resample_poly(cut, 4, 3) * 32767).clip(-32768, 32767).astype(np.int16)
        at = ((np.arange(2 * count) + 2 * first + 0.5) * (tokens.PITCH_FRAMES / 50)).astype(int)
        kept["audio"].append(wide)
        kept["codes"].append(codes.astype(np.int16))
        kept["pitch"].append(pitch[np.minimum(at, len(pitch) - 1)].astype(np.float16))
        for name, value in (("sentence", sentence), ("voice", voice), ("length", count)):
            kept[name].append(value)
        seconds += count / tokens.TOKENS
        if time.time() - written > args.every:
            write()
    write()
    print(
        f"worker {args.worker}: {seconds / 60:.1f} min in {time.time() - args.began:.0f} s, {errors} errors", flush=True
    )


def main() -> None:
    """Command line: starts the workers and waits for them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=260)
    parser.add_argument("--every", type=float, default=12)
    parser.add_argument("--turn", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="sentence to begin with; behind the last comes the first")
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--worker", type=int, default=-1, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, default=0.0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.workers < 1:
        parser.error("--workers must be at least 1.")
    args.out.mkdir(exist_ok=True, parents=True)
    if args.worker >= 0:
        work(args)
        return
    began = time.time()
    command = [sys.executable, "-m", "training.speak", *sys.argv[1:], "--began", str(began)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = [subprocess.Popen([*command, "--worker", str(w)], env=environment) for w in range(args.workers)]
    print("workers ended with", [w.wait() for w in workers], flush=True)


if __name__ == "__main__":
    main()
