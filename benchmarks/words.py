"""How well words are timed, and what that costs.

    python benchmarks/words.py [--voices voices.json] [--picture words.svg]

`word_times.json` has sentences with the codes that the teacher of the shipped voice would speak them with, and when it
begins and ends each word or Mandarin character, in milliseconds: exact, since those codes are made of its alignment
(`training/word_times.py`). The codes go through T2S and SoVITS as if T2S had drawn them, chunk by chunk, and the words
that come with the audio are compared. Cost is the processor time of words in that of a text spoken as ever.

What is heard says whether both are right: s, sh and x hiss above 4.5 kHz, and a word that begins with one begins when
the hiss does.
"""

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pypinyin import lazy_pinyin

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.runtime.alignment import Follower
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import Word
from dora_primespeech_mlx.synthesis.decoding import Row
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from dora_primespeech_mlx.synthesis.words import SentenceWords
from dora_primespeech_mlx.text.sentences import split
from dora_primespeech_mlx.voices.library import Voice

HERE = Path(__file__).parent
BARS = {"median": 40, "95 %": 120}
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
                gathered[each["language"]]["begin"].append(word.begins * 1000 - begins)
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


def cost(engine: Engine, text: str, repeats: int) -> tuple[float, float]:
    """Seconds of processor that words take, and that a text takes in all; medians."""
    taken, totals = [], []
    spent = 0.0

    def timed(function: Any) -> Any:
        def call(*args: Any) -> Any:
            nonlocal spent
            began = time.thread_time()
            result = function(*args)
            spent += time.thread_time() - began
            return result

        return call

    kept = SentenceWords.__init__, SentenceWords.follow, SentenceWords.take
    for name, function in zip(("__init__", "follow", "take"), kept, strict=True):
        setattr(SentenceWords, name, timed(function))
    for _ in range(repeats + 1):
        spent, began = 0.0, time.process_time()
        for _ in engine.stream(text, seed=1):
            pass
        taken.append(spent)
        totals.append(time.process_time() - began)
    SentenceWords.__init__, SentenceWords.follow, SentenceWords.take = kept  # type: ignore[method-assign]
    return float(np.median(taken[1:])), float(np.median(totals[1:]))


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
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--picture", type=Path, help="an SVG of one sentence with its words over the waveform")
    args = parser.parse_args()
    engine = Engine.from_config(args.voices, Settings(voices=args.voices, runtime=args.runtime))
    sentences = json.loads(args.times.read_text("utf-8"))
    print("| language | what | words | median | 90 % | 95 % | late by (median) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language, kinds in errors(sentences, engine).items():
        for kind, found in kinds.items():
            sizes = np.percentile(np.abs(found), [50, 90, 95])
            row = " | ".join(f"{size:.0f} ms" for size in sizes)
            print(f"| {language} | {kind} | {len(found)} | {row} | {np.median(found):.0f} ms |")
    for language in ("en", "zh"):
        text = " ".join(each["text"] for each in sentences if each["language"] == language)[:400]
        words, whole = cost(engine, text, args.repeats)
        print(f"cost, {language}: {1000 * words:.1f} ms of {1000 * whole:.0f} ms, {100 * words / whole:.2f} %")
    if args.picture:
        each = next(each for each in sentences if each["text"] == PICTURED)
        voice = engine.load_voice(each["voice"])
        samples, found = spoken(voice, each["text"], each["language"], each["codes"])
        args.picture.write_text(picture(samples, voice.sample_rate, found), "utf-8")


if __name__ == "__main__":
    main()
