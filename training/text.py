"""Sentences -> pack.npz: what the teacher says, what the student reads, and which phone each teacher token belongs to.

    python -m training.text --english EN.txt --mandarin ZH.txt --vocabulary vocab.json --voices DIR --out pack.npz

Student phones come from the project's front end, teacher phonemes from hibari-tts (English) and misaki (Mandarin).
DIR holds Kokoro's voice files (float32 [510, 256], *.bin).  The pack carries the codebook of the shipped model, so that
training can go on from it (codebook.npz beside this file); with --new-codebook `training.prosody` fits another.
"""

import argparse
import json
import random
import re
from collections.abc import Iterable
from pathlib import Path

import jieba
import numpy as np

from dora_primespeech_mlx.text import Frontend

VOICES: dict[str, dict[str, float]] = {
    "mira": {"af_heart": 0.6, "zf_xiaoxiao": 0.4},
    "thea": {"bf_emma": 0.6, "zf_xiaobei": 0.4},
    "lumi": {"am_puck": 0.5, "zm_yunxia": 0.5},
    "corin": {"am_michael": 0.6, "zm_yunyang": 0.4},
    "alder": {"bm_george": 0.6, "zm_yunxi": 0.4},
    "yuno": {"zm_yunxi": 1.0},
}
LONGEST_STYLE = 170
CODEBOOK = Path(__file__).with_name("codebook.npz")
VOWELS = "AIOWYaeiouyæɑɐɒɔəɚɛɜɤɨɪɯøœʊʌᵊᵻɹɻʅɿꭧ"
TONE_MARKS, STRESS_MARKS = "→↗↓↘", "ˈˌ"
SENTENCE = {"en": re.compile(r"[A-Z][A-Za-z' ,\-]+[.?!]"), "zh": re.compile("[\u4e00-\u9fff，。？！、]+")}
LENGTH = {"en": (25, 78), "zh": (7, 24)}
ROOM = {"sentence": ((14, 152), (8, 96)), "short": ((4, 30), (3, 20))}  # least and most tokens of teacher, of student


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


class TeacherTokens:
    """Text -> token ids of the teacher, with hibari-tts for English and misaki for Mandarin."""

    def __init__(self, vocabulary: Path):
        from hibari.g2p import G2P
        from misaki import zh

        content = json.loads(vocabulary.read_text("utf-8"))
        self.vocabulary: dict[str, int] = content.get("vocab", content)
        self._spoken = {"en": G2P(british=False), "zh": zh.ZHG2P()}

    def __call__(self, text: str, language: str) -> list[int]:
        """Ids with the silence mark at both ends; letters the teacher lacks are left out."""
        spoken = self._spoken[language](text)
        phonemes = spoken if isinstance(spoken, str) else spoken[0]
        return [0, *(self.vocabulary[c] for c in phonemes if c in self.vocabulary), 0]


def sentences(path: Path, language: str, most: int) -> Iterable[str]:
    """Plain sentences of a file, one a line, of a length that suits training."""
    low, high = LENGTH[language]
    found = 0
    for line in path.read_text("utf-8").splitlines():
        text = line.strip()
        if low <= len(text) <= high and SENTENCE[language].fullmatch(text) and found < most:
            found += 1
            yield text if text[-1] in ".?!。？！" else text + ("." if language == "en" else "。")


def short_texts(full: Iterable[str], language: str, count: int, draw: random.Random) -> Iterable[str]:
    """One to three neighbouring words of sentences drawn at random, as people answer: Yes. Not today."""
    chosen = list(full)
    for text in draw.sample(chosen, min(count, len(chosen))):
        words = (
            re.findall(r"[A-Za-z][A-Za-z']*", text)
            if language == "en"
            else list(jieba.cut(re.sub(r"[，。？！、]", "", text)))
        )
        length = draw.randint(1, 3)
        at = draw.randrange(max(1, len(words) - length + 1))
        piece = (" " if language == "en" else "").join(words[at : at + length])
        if piece:
            yield piece[0].upper() + piece[1:] + draw.choice("...?!" if language == "en" else "。。。？！")


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
    parser.add_argument("--short", type=int, default=4000, help="texts of one to three words per language")
    parser.add_argument("--new-codebook", action="store_true", help="leave the codebook to training.prosody")
    args = parser.parse_args()
    frontend, tokens = Frontend(), TeacherTokens(args.vocabulary)
    vocabulary = tokens.vocabulary
    rows = []
    for language, path in (("en", args.english), ("zh", args.mandarin)):
        full = list(sentences(path, language, args.most))
        for kind, texts in (("sentence", full), ("short", short_texts(full, language, args.short, random.Random(8)))):
            (least, most), (fewest, largest) = ROOM[kind]
            for text in texts:
                teacher, student = tokens(text, language), frontend(text, language).ids
                if least <= len(teacher) <= most and fewest <= len(student) <= largest:
                    rows.append((teacher, *labels(teacher, vocabulary), student, language == "zh"))
    random.Random(7).shuffle(rows)

    def joined(column: int, kind: type) -> np.ndarray:
        return np.concatenate([np.asarray(row[column], kind) for row in rows])

    def offsets(column: int) -> np.ndarray:
        return np.concatenate([[0], np.cumsum([len(row[column]) for row in rows])])

    codebook = {} if args.new_codebook else np.load(CODEBOOK)
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
        **{name: values.astype(np.float32) for name, values in codebook.items()},
    )
    print(f"{len(rows)} sentences", flush=True)


if __name__ == "__main__":
    main()
