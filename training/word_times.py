"""When the teacher begins and ends each word of sentences, and the codes it would speak them with.

    python -m training.word_times PACK.npz kokoro_int8.onnx vocab.json ../benchmarks/word_times.json

The sentences are those of `training.evaluate`, and with --more those of a folder en.txt, zh.txt. Times are milliseconds
from the first code, of words in English and of characters in Mandarin; the voices take turns.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jieba
import numpy as np
from pypinyin import Style, lazy_pinyin

from training import tokens
from training.clips import CLIPS
from training.copies import TeacherCodes
from training.evaluate import HERE, sentences_of
from training.prosody import SilentTeacher
from training.text import labels, sentences

LATE = 0.07
"""Seconds by which the teacher's durations are behind its sound: the s and sh that a word begins with are heard so long
before it begins by them, and end there (median of 37 words, 45 to 85 ms). Its own time stamps take off 75 ms."""
HAN = "[\u4e00-\u9fff]+"
MARKS = ' ,.?!;:—…"()“”'


def english(text: str) -> tuple[str, list[int]]:
    """The teacher's phonemes of a text, and where each word begins in them."""
    from hibari.g2p import G2P

    spoken = G2P(british=False)(text)
    return spoken, [match.start() for match in re.finditer(r"\S+", spoken)]


def mandarin(text: str) -> tuple[str, list[int]]:
    """The teacher's phonemes of a text, and where each character begins in them."""
    from misaki.zh import ZHG2P

    spoken, begins = "", []
    for part in re.findall(f"{HAN}|[^\u4e00-\u9fff]+", ZHG2P.map_punctuation(text)):
        if not re.match(HAN, part):
            spoken += part
            continue
        for index, word in enumerate(jieba.lcut(part)):
            spoken += " " if index else ""
            for syllable in lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True):
                begins.append(len(spoken))
                spoken += ZHG2P.py2ipa(syllable).replace("\u032f", "")
    return spoken, begins


def timed(teacher: TeacherCodes, silent: SilentTeacher, text: str, language: str, number: int) -> dict:
    """A sentence with its codes and times, in the voice of that number."""
    vocabulary = teacher.tokens.vocabulary
    spoken, begins = (english if language == "en" else mandarin)(text)
    known = [at for at, character in enumerate(spoken) if character in vocabulary]
    ids = np.array([0, *(vocabulary[spoken[at]] for at in known), 0])
    pack = teacher.pack
    durations, pitch, energy = silent(ids, pack.styles[number])
    phones, tones = (np.array(row) for row in labels(ids.tolist(), vocabulary))
    first, codes = pack.classes(phones, tones, number, durations.astype(int), pitch, energy)
    ends = np.cumsum(durations) / tokens.TEACHER_FRAMES - first / tokens.TOKENS - LATE
    starts = ends - durations / tokens.TEACHER_FRAMES

    def spans() -> Iterator[tuple[int | None, int | None]]:
        for low, high in zip(begins, [*begins[1:], len(spoken)], strict=True):
            own = [place for place, at in enumerate(known, 1) if low <= at < high and spoken[at] not in MARKS]
            yield (max(0, round(starts[own[0]] * 1000)), round(ends[own[-1]] * 1000)) if own else (None, None)

    found = list(spans())
    return {
        "text": text,
        "language": language,
        "voice": list(CLIPS)[number].title(),
        "codes": codes.tolist(),
        "begins": [begin for begin, _ in found],
        "ends": [end for _, end in found],
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--more", type=Path, help="folder of en.txt and zh.txt, a sentence a line")
    parser.add_argument("--count", type=int, default=50, help="sentences of each language")
    args = parser.parse_args()
    teacher = TeacherCodes(args.pack, args.model, args.vocabulary)
    silent = SilentTeacher(str(args.model.with_name("prosody_int8.onnx")))
    rows = []
    for language in ("en", "zh"):
        texts = sentences_of(HERE, language)
        if args.more is not None:
            texts += list(sentences(args.more / f"{language}.txt", language, args.count))
        for index, text in enumerate(texts[: args.count]):
            rows.append(timed(teacher, silent, text, language, index % len(CLIPS)))
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    args.out.write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
