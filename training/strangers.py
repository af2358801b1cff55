"""The teacher speaks in hundreds of blended voices, with what it knows of every eightieth of a second.

    python -m training.strangers pack PACK.npz VOICES vocab.json OUT.npz
    python -m training.strangers speak OUT.npz TEACHER.onnx FOLDER --workers 14 --seconds 300

The first takes the sentences of a pack (`training.text`) and every voice file; the second writes FOLDER/part_w_k.npz
while it goes on: audio at 24 kHz without anything above 7.6 kHz, and at 80 Hz phone, tone, pitch and energy, from which
the tokens of any stretch of it follow, also of one played faster or slower (`training.disturb`).

A worker speaks a few sentences in each new voice and takes the voice's median pitch and its loudness from them, as
`tokens.VoiceStatistics` does. Voices are single files, blends of up to four, and blends whose timbre and whose prosody
come from different ones; some are the six that ship, with their own statistics. A few files and some sentences are held
out: the first utterances of worker 0 are made of those alone.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training import tokens

STRIDE = 8  # every eighth row of a voice file is kept: rows differ little
ROWS = 20
HELD_OUT = ("af_kore", "am_eric", "bf_lily", "bm_lewis", "zf_xiaoni", "zm_yunjian")
WHISPERS = ("af_nicole",)
ACCENTS = "ehfijp"  # first letters of voices that speak neither English nor Mandarin: at most this share of a blend
ACCENT_SHARE = 0.35
SENTENCES = 8  # per voice
HELD_OUT_VOICES = 12  # voices of worker 0 at the beginning
SHIPPED_SHARE, SINGLE_SHARE, SPLIT_SHARE = 0.15, 0.3, 0.4  # of all, of strangers, of blends
INVENTED_SHARE, OWN_TIMBRE = (
    0.5,
    0.8,
)  # of invented timbres from the spread of all; what is their own, at most, in spreads
SHIPPED = 6  # voices, which have the first numbers
TIMBRE = 128  # the first numbers of a style are timbre, the others prosody
COMPONENTS = 32  # of timbre, and NUMBERS with pitch and what else describes a voice (`training.timbre`)
NUMBERS = COMPONENTS + 2
SPEEDS = (0.75, 1.3)
RATE = 24000
CUT = 7600.0  # Hz
WIDE = ("audio", "phone", "tone", "pitch", "energy")  # of every utterance many
NARROW = ("length", "voice", "held_out", "sentence", "language")  # of every utterance one


@dataclass(frozen=True)
class Voice:
    """A style for every length [ROWS, 256], the number of one that ships, and how fast its speech is played."""

    style: np.ndarray
    shipped: int = -1
    played: float = 1.0

    def row(self, count: int) -> np.ndarray:
        """The style for so many tokens, silence marks included: [1, 256]."""
        return self.style[min((count - 2) // STRIDE, ROWS - 1)][None]


class Cast:
    """Draws voices."""

    def __init__(self, names: list[str], styles: np.ndarray, shipped: np.ndarray):
        self.styles, self.shipped = styles.astype(np.float32), shipped.astype(np.float32)
        self.kept = [i for i, name in enumerate(names) if name in HELD_OUT]
        self.used = [i for i, name in enumerate(names) if name not in HELD_OUT]
        self.native = [i for i in self.used if names[i][0] not in ACCENTS]
        self.foreign = [i for i in self.used if names[i][0] in ACCENTS]

    def draw(self, random: np.random.Generator) -> Voice:
        """A voice to train on."""
        return self.draw_shipped(random) if random.random() < SHIPPED_SHARE else self.draw_stranger(random)

    def draw_shipped(self, random: np.random.Generator) -> Voice:
        """One of the voices that ship."""
        number = int(random.integers(len(self.shipped)))
        return Voice(self.shipped[number], number)

    def draw_stranger(self, random: np.random.Generator) -> Voice:
        """A single file or a blend."""
        if random.random() < SINGLE_SHARE:
            return Voice(self.styles[random.choice(self.native)])
        blend = self._blend(random)
        if random.random() < SPLIT_SHARE:
            blend = np.concatenate([blend[:, :TIMBRE], self._blend(random)[:, TIMBRE:]], 1)
        return Voice(blend)

    def draw_invented(self, random: np.random.Generator) -> Voice:
        """A stranger's prosody with a timbre that no file has: of any files, their spread, and some of its own."""
        timbres = self.styles[self.used, :, :TIMBRE]
        middle = timbres.mean(0)
        if random.random() < INVENTED_SHARE:
            weights = random.normal(size=len(timbres)) / np.sqrt(len(timbres) - 1)
        else:
            weights = np.zeros(len(timbres))
            count = int(random.integers(1, 4))
            weights[random.choice(len(timbres), count, replace=False)] = random.dirichlet(np.full(count, 0.8))
        own = random.normal(size=TIMBRE) * timbres.std((0, 1)) * random.uniform(0, OWN_TIMBRE)
        timbre = middle + np.tensordot(weights, timbres - middle, 1) + own
        return Voice(np.concatenate([timbre, self.draw_stranger(random).style[:, TIMBRE:]], 1).astype(np.float32))

    def draw_held_out(self, random: np.random.Generator, number: int) -> Voice:
        """One of the held-out files and a blend of two of them in turn."""
        if number % 2 == 0:
            return Voice(self.styles[self.kept[number // 2 % len(self.kept)]])
        first, second = random.choice(self.kept, 2, replace=False)
        share = random.uniform(0.35, 0.65)
        return Voice(share * self.styles[first] + (1 - share) * self.styles[second])

    def _blend(self, random: np.random.Generator) -> np.ndarray:
        count = int(random.integers(2, 5))
        weights = random.dirichlet(np.full(count, 0.8))
        if random.random() < 0.25:  # beyond the two
            weights[:2] += np.array([0.25, -0.25])
        blend = np.tensordot(weights, self.styles[random.choice(self.native, count, replace=False)], 1)
        if random.random() < 0.4:
            share = random.uniform(0, ACCENT_SHARE)
            blend = (1 - share) * blend + share * self.styles[random.choice(self.foreign)]
        return blend


def make_pack(pack: Path, folder: Path, vocabulary: Path, out: Path) -> None:
    """Sentences with labels and all voices in one small file."""
    from training.steps import held_out
    from training.text import CODEBOOK, VOICES, labels

    content = json.loads(vocabulary.read_text("utf-8"))
    table = content.get("vocab", content)
    with np.load(pack) as data:
        said, offset, language = data["tok"], data["tok_off"], data["lang"]
    pairs = [labels(said[a:b].tolist(), table) for a, b in zip(offset, offset[1:], strict=False)]
    paths = [path for path in sorted(folder.glob("*.bin")) if path.stem not in WHISPERS]
    styles = np.stack([np.fromfile(p, np.float32).reshape(-1, 256)[: ROWS * STRIDE : STRIDE] for p in paths])
    place = {path.stem: i for i, path in enumerate(paths)}
    shipped = [sum(w * styles[place[n]] for n, w in blend.items()) for blend in VOICES.values()]
    with np.load(CODEBOOK) as book:
        np.savez_compressed(
            out,
            tok=said.astype(np.uint8),
            tok_off=offset.astype(np.int32),
            lab=np.concatenate([phones for phones, _ in pairs]).astype(np.uint8),
            tone=np.concatenate([tones for _, tones in pairs]).astype(np.uint8),
            lang=language,
            held_out=held_out(np.arange(len(language))),
            names=np.array([path.stem for path in paths]),
            styles=styles.astype(np.float16),
            shipped=np.stack(shipped).astype(np.float16),
            centres=book["centres"],
            statistics=book["statistics"],
        )


def without_treble(audio: np.ndarray) -> np.ndarray:
    """The samples [n] at RATE without anything above CUT."""
    spectrum = np.fft.rfft(audio)
    spectrum[int(CUT / RATE * len(audio)) :] = 0
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


class Worker:
    """One process: speaks sentences in voice after voice."""

    wide, narrow = WIDE, NARROW  # what is written
    sentences, units = SENTENCES, 80  # of a voice; of length, in a second

    def __init__(self, args: argparse.Namespace):
        import torch

        from training.teacher import TAPS, Teacher

        torch.set_num_threads(1)
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        self.args, self.random = args, np.random.default_rng([args.seed, args.worker])
        with np.load(args.pack) as data:
            self.pack = {name: data[name] for name in data.files}
        self.cast = Cast(self.pack["names"].tolist(), self.pack["styles"], self.pack["shipped"])
        self.teacher = Teacher(args.model, args.device, ("audio", *TAPS))
        self.queues: dict[tuple[bool, bool], list[int]] = {}  # sentences by Mandarin or not, held out or not
        for mandarin in (False, True):
            for kept in (False, True):
                own = (self.pack["lang"] == mandarin) & (self.pack["held_out"] == kept)
                self.queues[mandarin, kept] = self.random.permutation(np.flatnonzero(own)).tolist()
        self.rows: list[dict] = []
        self.part, self.errors = 0, 0

    def run(self) -> None:
        """Until the time is over."""
        args, number, seconds, written = self.args, 0, 0.0, time.time()
        while time.time() - args.began < args.seconds and number < args.voices:
            testing = args.worker == 0 and number < args.held_out
            voice = self.cast.draw_held_out(self.random, number) if testing else self.draw()
            block = self.block(voice, testing)
            self.rows += block
            number += 1
            seconds += sum(one["length"] for one in block) / self.units
            if time.time() - written > args.every:
                self.write()
                written = time.time()
        self.write()
        took = time.time() - args.began
        done = f"{seconds / 60:.1f} min, {number} voices in {took:.0f} s, {self.errors} errors"
        print(f"worker {args.worker}: {done}", flush=True)

    def draw(self) -> Voice:
        """The next voice."""
        return self.cast.draw(self.random)

    def pace(self, voice: Voice) -> float:
        """How fast the teacher speaks as a voice."""
        return self.random.uniform(*SPEEDS)

    def block(self, voice: Voice, testing: bool) -> list[dict]:
        """Some utterances of one voice, English and Mandarin in turn, with the statistics of the voice."""
        pace = 1.0 if testing else self.pace(voice)
        block = []
        for turn in range(self.sentences):
            queue = self.queues[bool(turn % 2), testing]
            sentence = queue.pop(0)
            queue.append(sentence)
            try:
                one = self.utterance(voice, sentence, pace * self.random.uniform(0.95, 1.05))
            except (RuntimeError, ValueError) as error:
                self.errors += 1
                if self.errors < 3:
                    print(f"worker {self.args.worker}, sentence {sentence}: {error}"[:300], flush=True)
                continue
            one |= {"length": len(one["phone"]), "held_out": testing, "sentence": sentence, "language": turn % 2}
            block.append(one)
        if not block:
            return []
        if voice.shipped >= 0:
            values = self.pack["statistics"][voice.shipped].astype(float).tolist()
        else:
            found = tokens.VoiceStatistics.of(*(np.concatenate([one[k] for one in block]) for k in ("pitch", "energy")))
            values = [found.pitch, found.energy, found.energy_deviation]
        return [self.stored(one, voice, values) for one in block]

    def utterance(self, voice: Voice, sentence: int, speed: float) -> dict:
        """Samples at RATE, whole labels of 1/80 s, and for each label phone, tone, pitch and energy."""
        import torch

        place = slice(*self.pack["tok_off"][sentence : sentence + 2])
        ids = self.pack["tok"][place].astype(np.int64)
        spoken = self.teacher(
            tokens=torch.from_numpy(ids[None]),
            style=torch.from_numpy(voice.row(len(ids)).astype(np.float32)),
            speed=torch.tensor([speed], dtype=torch.float32),
        )
        audio, durations, pitch, energy = (x.reshape(-1).float().cpu().numpy() for x in spoken)
        durations = durations.round().astype(np.int64)
        if abs(len(audio) - durations.sum() * 600) > 600 or not np.isfinite(audio).all():
            raise ValueError("lengths of audio and durations differ")
        owner = np.repeat(np.arange(len(durations)), 2 * durations)
        count = min(len(owner), len(pitch), len(energy), len(audio) // 300)
        return {
            "audio": audio[: 300 * count],
            "phone": self.pack["lab"][place][owner][:count],
            "tone": self.pack["tone"][place][owner][:count],
            "pitch": pitch[:count],
            "energy": energy[:count],
        }

    def stored(self, one: dict, voice: Voice, statistics: list[float]) -> dict:
        """What is written of an utterance."""
        audio = without_treble(one["audio"])
        audio *= 0.9 / max(float(np.abs(audio).max()), 1e-5)
        halves = {name: one[name].astype(np.float16) for name in ("pitch", "energy")}
        return one | halves | {"audio": (audio * 32767).astype(np.int16), "voice": statistics}

    def write(self) -> None:
        """What has been spoken since the last time."""
        if not self.rows:
            return
        values = {name: np.concatenate([row[name] for row in self.rows]) for name in self.wide}
        values |= {name: np.array([row[name] for row in self.rows]) for name in self.narrow}
        hidden = self.args.out / f".part_{self.args.worker}_{self.part}.npz"
        np.savez(hidden, **values)
        os.replace(hidden, self.args.out / f"part_{self.args.worker}_{self.part}.npz")
        self.part += 1
        self.rows.clear()


def add_speaking(parser: argparse.ArgumentParser) -> None:
    """What `speak` takes."""
    parser.add_argument("pack", type=Path)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--every", type=float, default=10)
    parser.add_argument("--voices", type=int, default=10**9, help="most voices a worker speaks in")
    parser.add_argument("--held-out", type=int, default=HELD_OUT_VOICES, help="held-out voices of worker 0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--devices", type=int, default=1, help="GPUs among which workers are shared out")
    parser.add_argument("--worker", type=int, default=-1, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, default=0.0, help=argparse.SUPPRESS)


def speak(args: argparse.Namespace, kind: type[Worker], module: str) -> None:
    """Is one worker, or starts all of them as `python -m module` and waits for them."""
    args.out.mkdir(exist_ok=True, parents=True)
    if args.worker >= 0:
        kind(args).run()
        return
    command = [sys.executable, "-m", module, *sys.argv[1:], "--began", str(time.time())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = []
    for worker in range(args.workers):
        own = environment | ({"CUDA_VISIBLE_DEVICES": str(worker % args.devices)} if args.devices > 1 else {})
        workers.append(subprocess.Popen([*command, "--worker", str(worker)], env=own))
    print("workers ended with", [worker.wait() for worker in workers], flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    does = parser.add_subparsers(dest="what", required=True)
    pack = does.add_parser("pack")
    for name in ("pack", "voices", "vocabulary", "out"):
        pack.add_argument(name, type=Path)
    speaking = does.add_parser("speak")
    add_speaking(speaking)
    args = parser.parse_args()
    if args.what == "pack":
        make_pack(args.pack, args.voices, args.vocabulary, args.out)
    else:
        speak(args, Worker, "training.strangers")


if __name__ == "__main__":
    main()
