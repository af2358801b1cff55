"""Sentences -> pack.npz: what the teacher says, what the student reads, and which phone each teacher token belongs to.

    python -m training.text --english EN.txt --mandarin ZH.txt --vocabulary vocab.json --voices DIR --out pack.npz

Student phones come from the project's front end, teacher phonemes from hibari-tts (English) and misaki (Mandarin).
DIR holds Kokoro's voice files (float32 [510, 256], *.bin).  `training.prosody` adds the codebook.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.frontend import Frontend

VOICES: dict[str, dict[str, float]] = {
    "mira": {"af_heart": 0.6, "zf_xiaoxiao": 0.4},
    "thea": {"bf_emma": 0.6, "zf_xiaobei": 0.4},
    "lumi": {"am_puck": 0.5, "zm_yunxia": 0.5},
    "corin": {"am_michael": 0.6, "zm_yunyang": 0.4},
    "alder": {"bm_george": 0.6, "zm_yunxi": 0.4},
    "yuno": {"zm_yunxi": 1.0},
}
LONGEST_STYLE = 170
VOWELS = "AIOWYaeiouyæɑɐɒɔəɚɛɜɤɨɪɯøœʊʌᵊᵻɹɻʅɿꭧ"
TONE_MARKS, STRESS_MARKS = "→↗↓↘", "ˈˌ"
SENTENCE = {"en": re.compile(r"[A-Z][A-Za-z' ,\-]+[.?!]"), "zh": re.compile("[\u4e00-\u9fff，。？！、]+")}
LENGTH = {"en": (25, 78), "zh": (7, 24)}


def labels(tokens: list[int], vocabulary: dict[str, int]) -> tuple[list[int], list[int]]:
    """Phone and tone class per teacher token: marks take the phone beside them, tones colour the vowels before them."""
    tone_of = {vocabulary[c]: i + 1 for i, c in enumerate(TONE_MARKS)}
    stress_of = {vocabulary[c]: i + 6 for i, c in enumerate(STRESS_MARKS)}
    vowels = {vocabulary[c] for c in VOWELS if c in vocabulary}
    phones, tones = list(tokens), [0] * len(tokens)
    for i, token in enumerate(tokens):
        if token in tone_of:
            phones[i], tones[i] = phones[i - 1], tone_of[token]
            j = i - 1
            while j >= 0 and tokens[j] in vowels:
                tones[j] = tone_of[token]
                j -= 1
        elif token in stress_of and i + 1 < len(tokens):
            j = i + 1
            while j < len(tokens) - 1 and tokens[j] not in vowels and j < i + 3:
                j += 1
            phones[i], tones[i], tones[j] = tokens[i + 1], stress_of[token], stress_of[token]
    return phones, tones


def sentences(path: Path, language: str, most: int) -> Iterable[str]:
    """Plain sentences of a file, one a line, of a length that suits training."""
    low, high = LENGTH[language]
    found = 0
    for line in path.read_text("utf-8").splitlines():
        text = line.strip()
        if low <= len(text) <= high and SENTENCE[language].fullmatch(text) and found < most:
            found += 1
            yield text if text[-1] in ".?!。？！" else text + ("." if language == "en" else "。")


def style(blend: dict[str, float], folder: Path) -> np.ndarray:
    """A weighted sum of voice files is a new voice: [LONGEST_STYLE, 256]."""
    packs = [w * np.fromfile(folder / f"{n}.bin", np.float32).reshape(-1, 256) for n, w in blend.items()]
    return np.sum(packs, axis=0)[:LONGEST_STYLE].astype(np.float16)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", type=Path, required=True)
    parser.add_argument("--mandarin", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=9000, help="sentences per language")
    args = parser.parse_args()
    from hibari.g2p import G2P
    from misaki import zh

    english, mandarin, frontend = G2P(british=False), zh.ZHG2P(), Frontend()
    vocabulary = json.loads(args.vocabulary.read_text("utf-8"))
    vocabulary = vocabulary.get("vocab", vocabulary)
    rows = []
    for language, path in (("en", args.english), ("zh", args.mandarin)):
        for text in sentences(path, language, args.most):
            spoken = english(text) if language == "en" else mandarin(text)
            spoken = spoken if isinstance(spoken, str) else spoken[0]
            teacher = [0, *(vocabulary[c] for c in spoken if c in vocabulary), 0]
            student = frontend(text, language).ids
            if 14 <= len(teacher) <= 152 and 8 <= len(student) <= 96:
                rows.append((teacher, *labels(teacher, vocabulary), student, language == "zh"))
    random.Random(7).shuffle(rows)

    def joined(column: int, kind: type) -> np.ndarray:
        return np.concatenate([np.asarray(row[column], kind) for row in rows])

    def offsets(column: int) -> np.ndarray:
        return np.concatenate([[0], np.cumsum([len(row[column]) for row in rows])])

    np.savez_compressed(
        args.out,
        tok=joined(0, np.int16),
        tok_off=offsets(0),
        lab=joined(1, np.int16),
        tone=joined(2, np.int8),
        ids=joined(3, np.int16),
        ids_off=offsets(3),
        lang=np.array([row[4] for row in rows], np.int8),
        styles=np.stack([style(blend, args.voices) for blend in VOICES.values()]),
        names=np.array(list(VOICES)),
        comma=vocabulary[","],
    )
    print(f"{len(rows)} sentences", flush=True)


if __name__ == "__main__":
    main()
