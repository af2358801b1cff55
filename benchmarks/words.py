"""How well words are timed, and what that costs.

    python benchmarks/words.py [--voices voices.json] [--picture words.svg] [--json FILE]

`word_times.json` has sentences with the codes that the teacher of the shipped voice would speak them with, and when it
begins and ends each word or Mandarin character, in milliseconds: exact, since those codes are made of its alignment
(`training/word_times.py`). The codes go through T2S and SoVITS as if T2S had drawn them, chunk by chunk, and the words
that come with the audio are compared. Cost is how much more processor time a text takes than without words.

What is heard says whether both are right: s, sh and x hiss above 4.5 kHz, and a word that begins with one begins when
the hiss does.
"""

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pypinyin import lazy_pinyin

from dora_primespeech_mlx.commands.bench.machine import processor
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.runtime.alignment import Follower
from dora_primespeech_mlx.runtime.onnx.session import default_threads
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Word
from dora_primespeech_mlx.synthesis.decoding import Row
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from dora_primespeech_mlx.synthesis.words import SentenceWords
from dora_primespeech_mlx.text.sentences import split
from dora_primespeech_mlx.voices.library import Voice

HERE = Path(__file__).parent
LANGUAGES = {"en": "English", "zh": "Mandarin"}
LENGTHS = {"en": 400, "zh": 100}
"""Characters of the texts whose cost is measured, some 25 s of each."""
TIMES = ["50 sentences", "what", "words", "median error", "90 %", "95 %", "late by (median)"]
COST = ["a text", "processor time with words, ms", "without, ms", "more"]
HOW = "The voice that ships. `python benchmarks/words.py`"
HISS = 4500
"""Hertz above which a hiss is, and almost nothing of a vowel."""
LOUD = 0.15
"""Share of the hiss's greatest energy from which on it has begun."""
AROUND = 0.2
"""Seconds before and behind a word's beginning in which its hiss is looked for."""
FLUENT = 60
"""Milliseconds between two words from which on there is a pause."""
PICTURED = "The train to the coast leaves at seven, so we should be there before noon."


def spoken(voice: Voice, text: str, language: str, codes: list[int]) -> tuple[np.ndarray, list[Word]]:
    """Samples of a sentence whose codes are given, and its words."""
    (sentence,) = split(text, "cut0", language)
    phones = voice.frontend(text, language)
    ids = np.concatenate([voice.prompt_ids, phones.ids])
    row = Row(ids, None, NoiseTable("exponential", voice.t2s.config.vocabulary, (1,)), len(phones.ids))
    session = voice.t2s.start([(ids, None)], voice.codes)
    row.cached = partial(session.cached, 0)
    assert voice.head is not None, "no head of T2S follows the phones"
    follower = Follower(voice.head, (len(voice.prompt_ids), len(phones.ids)), len(voice.codes))
    words = SentenceWords(sentence, phones, follower, 1.0, voice.sample_rate)
    noise = NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, (1,))  # type: ignore[union-attr]
    audio = SentenceAudio(voice.sovits, phones.ids, voice.ge, noise, 0.5, 1.0)  # type: ignore[arg-type]

    def coming() -> Iterator[int]:
        for code in codes:
            row.codes.append(code)
            yield code
            session.step(voice.t2s.xp.array(np.array([code])))

    samples, found = [], []
    for piece in stream_sentence(audio, coming(), Schedule()):
        words.follow(row)
        samples.append(piece)
        found += words.take(piece)
    return np.concatenate(samples), found


def errors(sentences: list[dict[str, Any]], engine: Engine) -> dict[str, dict[str, np.ndarray]]:
    """For each language how far beginnings and ends are from the truth, and the hiss from both, in milliseconds."""
    gathered: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in sentences:
        voice = engine.load_voice(each["voice"])
        samples, words = spoken(voice, each["text"], each["language"], each["codes"])
        if len(words) != len(each["begins"]):
            print(f"{len(words)} words for {len(each['begins'])}: {each['text']}")
            continue
        for word, begins, ends in zip(words, each["begins"], each["ends"], strict=True):
            if begins is not None:
                gathered[each["language"]]["beginning"].append(word.begins * 1000 - begins)
                gathered[each["language"]]["end"].append(word.ends * 1000 - ends)
        pairs = list(zip(words, each["begins"], each["ends"], strict=True))
        for (before, _, ended), (word, begins, _) in pairwise(pairs):
            fluent = None not in (ended, begins) and begins - ended < FLUENT
            if fluent and hissing(word.text, before.text, each["language"]):
                for what, at in (("hiss, from the truth", begins / 1000), ("hiss, from ours", word.begins)):
                    gathered[each["language"]][what].append(hiss(samples, voice.sample_rate, at) * 1000)
    return {
        language: {kind: np.array(values) for kind, values in kinds.items()} for language, kinds in gathered.items()
    }


def hissing(text: str, before: str, language: str) -> bool:
    """Whether a word begins with a hiss, and the one before does not end with a sound that is like one."""
    if language == "en":
        return bool(re.match("s(?!k)|sh", text.lower())) and not re.search("[szxhtce]$", before.lower())
    return lazy_pinyin(text)[0].startswith(("s", "x"))


def hiss(samples: np.ndarray, rate: int, begins: float) -> float:
    """Seconds from where a word begins to where its hiss does."""
    step, size = rate // 200, rate // 50
    start = max(0, int((begins - AROUND) * rate))
    near = samples[start : int((begins + AROUND) * rate)]
    frames = np.lib.stride_tricks.sliding_window_view(near, size)[::step] * np.hanning(size)
    energy = (np.abs(np.fft.rfft(frames))[:, HISS * size // rate :] ** 2).sum(axis=1)
    at = int(energy.argmax())
    quiet = np.flatnonzero(energy[:at] < LOUD * energy[at])
    return (start + (int(quiet[-1]) + 1 if len(quiet) else 0) * step + size / 2) / rate - begins


def times(found: dict[str, dict[str, np.ndarray]]) -> list[list[str]]:
    """The rows of the table of `errors`."""
    return [
        [
            LANGUAGES[language],
            kind,
            str(len(errors)),
            *(f"{size:.0f} ms" for size in np.percentile(np.abs(errors), [50, 90, 95])),
            f"{np.median(errors) + 0.0:.0f} ms",
        ]
        for language, kinds in found.items()
        for kind, errors in kinds.items()
    ]


def origin() -> str:
    """What the cost was measured on."""
    return f"{default_threads()} cores of {processor()}, onnxruntime {version('onnxruntime')}; rounds in turns."


def cost(engine: Engine, text: str, rounds: int) -> tuple[float, float]:
    """Seconds of processor that a text takes with words and without, in turns; medians.

    They are of the whole process: work for one thread can keep others busy.
    """
    voice = engine.load_voice()
    voices = (voice, replace(voice, head=None))
    taken: list[list[float]] = [[], []]
    for turn in range(rounds + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            began = time.process_time()
            for _ in engine.stream(text, voice=voices[which], seed=1):
                pass
            if turn:
                taken[which].append(time.process_time() - began)
    return float(np.median(taken[0])), float(np.median(taken[1]))


def picture(samples: np.ndarray, rate: int, words: list[Word], columns: int = 460) -> str:
    """The waveform of a sentence with its words over it, as SVG."""
    width, height, middle = 920, 190, 105
    scale = width / (len(samples) / rate)
    peaks = [np.abs(part).max(initial=0.0) for part in np.array_split(samples, columns)]
    most = max(peaks) or 1.0
    step = width / columns
    upper = [f"{at * step:.0f},{middle - 70 * peak / most:.0f}" for at, peak in enumerate(peaks)]
    lower = [f"{at * step:.0f},{middle + 70 * peak / most:.0f}" for at, peak in enumerate(peaks)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<polygon points="{" ".join(upper + lower[::-1])}" fill="#7aa7d9"/>',
    ]
    for index, word in enumerate(words):
        x, right, row = word.begins * scale, word.ends * scale, 14 + 12 * (index % 2)
        parts += [
            f'<path d="M{x:.1f} {row + 3}V{height - 12}" stroke="#c33" stroke-width="1"/>',
            f'<path d="M{x:.1f} {row + 3}H{right:.1f}" stroke="#c33" stroke-width="1"/>',
            f'<text x="{x:.1f}" y="{row}" font-size="12">{word.text}</text>',
            f'<text x="{x:.1f}" y="{height - 2}" font-size="8" fill="#666">{word.begins * 1000:.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=Path, default=HERE.parent / "voices.json")
    parser.add_argument("--times", type=Path, default=HERE / "word_times.json")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--rounds", type=int, default=5, help="of the cost")
    parser.add_argument("--only", choices=("errors", "cost"), help="(default: both)")
    parser.add_argument("--picture", type=Path, help="an SVG of one sentence with its words over the waveform")
    parser.add_argument("--json", type=Path, help="file for the tables; those that it has and are not made now stay")
    args = parser.parse_args()
    engine = Engine.from_config(args.voices, Settings(voices=args.voices, runtime=args.runtime))
    sentences = json.loads(args.times.read_text("utf-8"))
    tables = {}
    if args.only != "cost":
        tables["times"] = {"head": TIMES, "rows": times(errors(sentences, engine)), "how": HOW}
    if args.only != "errors":
        rows = []
        for language, name in LANGUAGES.items():
            text = " ".join(each["text"] for each in sentences if each["language"] == language)[: LENGTHS[language]]
            taken, without = cost(engine, text, args.rounds)
            rows.append([name, *(f"{1000 * each:.0f}" for each in (taken, without)), f"{taken / without - 1:+.1%}"])
        tables["cost"] = {"head": COST, "rows": rows, "how": f"{origin()} {HOW}"}
    for table in tables.values():
        for row in (table["head"], *table["rows"]):
            print(" | ".join(row))
    if args.json:
        stored = json.loads(args.json.read_text("utf-8")) if args.json.exists() else {"tables": {}}
        stored["tables"] |= tables
        args.json.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    if args.picture:
        each = next(each for each in sentences if each["text"] == PICTURED)
        voice = engine.load_voice(each["voice"])
        samples, found = spoken(voice, each["text"], each["language"], each["codes"])
        args.picture.write_text(picture(samples, voice.sample_rate, found), "utf-8")


if __name__ == "__main__":
    main()
