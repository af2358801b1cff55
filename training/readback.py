"""Reads phones and tones back from the codes of T2S: sounds missing, wrong or too many, without sound or a recogniser.

    python -m training.readback PACK.npz kokoro_int8.onnx vocab.json --sentences DIR

A code is a class of the codebook, whose mean says which phone and tone its frames had.  Phones are compared with those
the teacher was given (its own codes lose some short ones too), tones with those of the teacher's codes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from nltk import edit_distance

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.synthesis.decoding import Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.voices.library import Voice
from training import tokens
from training.clips import CLIPS
from training.copies import TeacherCodes
from training.evaluate import HERE, sentences_of

BATCH = 8
SILENT = ' ,.!?;:—…"()“”'
LEAST_TONE = 0.4  # share of a frame

Sound = tuple[int, int]  # phone and tone class


class Reader:
    """Codes or labels -> sounds in order, silence and repeats left out."""

    def __init__(self, centres: np.ndarray, vocabulary: dict[str, int]):
        tone = centres[:, tokens.PHONES : tokens.PHONES + tokens.TONES]
        self.phones = centres[:, : tokens.PHONES].argmax(1)
        self.tones = np.where(tone.max(1) > LEAST_TONE * tokens.WEIGHTS["tone"], tone.argmax(1), 0)
        self.silent = {0, *(vocabulary[mark] for mark in SILENT if mark in vocabulary)}

    def codes(self, codes: Sequence[int] | np.ndarray) -> list[Sound]:
        """Sounds of codes [n]."""
        places = np.asarray(codes, np.int64)
        return self.sounds(self.phones[places], self.tones[places])

    def sounds(self, phones: np.ndarray, tones: np.ndarray) -> list[Sound]:
        """Sounds of frames or labels [n]."""
        rows = [(int(p), int(t)) for p, t in zip(phones, tones, strict=True)]
        changed = [row for i, row in enumerate(rows) if i == 0 or row != rows[i - 1]]
        return [row for row in changed if row[0] not in self.silent]


def phones_only(sounds: list[Sound]) -> list[int]:
    """Phones, each once where only its tone changes."""
    return [p for i, (p, _) in enumerate(sounds) if i == 0 or p != sounds[i - 1][0]]


@dataclass
class Score:
    """Differences and what they are counted against, and lengths as multiples of the teacher's."""

    phones: int = 0
    wanted_phones: int = 0
    tones: int = 0
    wanted_tones: int = 0
    lengths: list[float] = field(default_factory=list)

    def add(self, wanted: list[Sound], teacher: list[Sound], made: list[Sound], length: float) -> None:
        """One text: labels, the teacher's codes and those made, read back."""
        phones = phones_only(wanted)
        self.phones += edit_distance(phones, phones_only(made))
        self.wanted_phones += len(phones)
        self.tones += edit_distance(teacher, made)
        self.wanted_tones += len(teacher)
        self.lengths.append(length)

    def __str__(self) -> str:
        phones, tones = 100 * self.phones / self.wanted_phones, 100 * self.tones / self.wanted_tones
        lengths = f"{np.mean(self.lengths):.3f} ± {np.std(self.lengths):.3f}"
        return f"phones {phones:.2f} %, phones with tones {tones:.2f} %, length {lengths}"


def speak_silently(voice: Voice, ids: Sequence[np.ndarray], sampling: Sampling, seed: int) -> list[list[int]]:
    """Codes of texts [phones] in one batch."""
    noise = [NoiseTable("exponential", voice.t2s.config.vocabulary, (seed, number)) for number in range(len(ids))]
    texts = [
        Row(np.concatenate([voice.prompt_ids, own]), None, n, prompt=voice.codes, sampling=sampling)
        for own, n in zip(ids, noise, strict=True)
    ]
    made: list[list[int]] = [[] for _ in ids]
    for row in generate_many(voice.t2s, texts):
        for codes, code in zip(made, row, strict=True):
            if code is not None:
                codes.append(code)
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--voices", type=Path, default=Path("voices.json"))
    parser.add_argument("--sentences", type=Path, default=HERE, help="folder of sentences_en.txt and sentences_zh.txt")
    parser.add_argument("--top-k", type=int, help="instead of the voice's own, as are the next two")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--repetition-penalty", type=float)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    names = ("top_k", "temperature", "repetition_penalty")
    chosen = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    teacher = TeacherCodes(args.pack, args.model, args.vocabulary)
    reader = Reader(teacher.centres, teacher.tokens.vocabulary)
    engine = Engine.from_config(args.voices, Settings(voices=args.voices))
    for language in ("en", "zh"):
        itself, made = Score(), Score()
        texts = sentences_of(args.sentences, language)
        for number, name in enumerate(engine.voice_names):
            voice = engine.load_voice(name)
            own = sorted(texts[number :: len(engine.voice_names)], key=len)
            for start in range(0, len(own), BATCH):
                batch = own[start : start + BATCH]
                ids = [voice.frontend(text, language).ids for text in batch]
                spoken = speak_silently(voice, ids, replace(voice.sampling, **chosen), args.seed)
                for text, codes in zip(batch, spoken, strict=True):
                    *labels, reference = teacher(list(CLIPS).index(name.lower()), text, language)
                    wanted, read = reader.sounds(*labels), reader.codes(reference)
                    itself.add(wanted, read, read, 1.0)
                    made.add(wanted, read, reader.codes(codes), len(codes) / len(reference))
        print(f"{language}, {len(texts)} texts\n  teacher: {itself}\n  T2S: {made}", flush=True)


if __name__ == "__main__":
    main()
