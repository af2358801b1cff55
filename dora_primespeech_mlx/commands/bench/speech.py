"""Figures of whole texts: time to the first audio, real-time factor, the moments of one utterance, a cold start."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dora_primespeech_mlx.commands.bench.figures import At, Figure, counted, from_timed
from dora_primespeech_mlx.commands.bench.timing import spread
from dora_primespeech_mlx.commands.bench.workshop import Workshop
from dora_primespeech_mlx.voices.library import Voice

MANDARIN = (
    "清晨的阳光洒在安静湖面上，微风吹过，水波轻轻荡漾。岸边的老人们有的打太极，有的散步聊天，孩子们追逐着彼此的影子，笑声传得很远。"
    "一位年轻的画家坐在长椅上，仔细观察光线的变化，在纸上添几笔颜色。他说，每天这个时候，同样的风景都会给他不同的感受，"
    "就像生活本身，看似平常，却总有新的惊喜。等太阳升高，他便收起画具，慢慢走回家去。"
)
"""160 characters."""
ENGLISH = (
    "The early light lay on the quiet lake, and a soft wind moved the water. Old friends walked along the shore, "
    "talking about nothing in particular. A young painter sat on a bench, watching how the colours changed, and said "
    "that the same view felt new to him every single morning."
)
SHORT = {"zh": "你好，今天天气很好。", "en": "Hello there, it is a fine day to go out for a walk."}
WHOLE = "real-time factor, not streamed"
PROCESSOR = "processor seconds for a second of audio"
TEXTS = {"zh": MANDARIN, "en": ENGLISH}


def texts(shop: Workshop) -> Iterator[Figure]:
    """Time to first audio and real-time factor of a sentence and of a text, in both languages, warm."""
    voice = shop.voice
    if voice.diffusion is None:
        yield from spoken(shop, voice, {})
        return
    for steps in shop.step_counts:
        yield from spoken(shop, replace(voice, diffusion=replace(voice.diffusion, steps=steps)), {"steps": steps})


def spoken(shop: Workshop, voice: Voice, circumstances: At) -> Iterator[Figure]:
    """The figures of `texts` for one voice."""
    for language in ("en",) if shop.quick else ("zh", "en"):
        speak(shop, SHORT[language], language, voice)
        for length, text in (("sentence", SHORT[language]), ("text", TEXTS[language])):
            if shop.quick and length == "text":
                continue
            used = time.process_time()
            runs = [speak(shop, text, language, voice) for _ in range(1 if shop.quick else 3)]
            used = (time.process_time() - used) / len(runs)
            first = spread([run[0]["at"] for run in runs])
            total = spread([run[-1]["at"] for run in runs])
            seconds = sum(moment["seconds"] for moment in runs[0])
            at = {"language": language, "of": length, **circumstances}
            yield from_timed("speech", "first audio", first, at=at)
            yield from_timed("speech", "total", total, at=at)
            yield counted("speech", "audio", "s", seconds, at)
            median, low, high = (value / seconds for value in (total.median, total.low, total.high))
            yield Figure("speech", "real-time factor", "", median, low, high, total.repeats, at)
            yield Figure("speech", PROCESSOR, "", used / seconds, used / seconds, used / seconds, 1, at)
            whole = [shop.engine.synthesize(text, voice=voice, language=language, seed=1) for _ in runs]
            timed = spread([speech.real_time_factor for speech in whole])
            yield Figure("speech", WHOLE, "", timed.median, timed.low, timed.high, timed.repeats, at)


def speak(shop: Workshop, text: str, language: str, voice: Voice) -> list[dict[str, Any]]:
    """When each chunk of a text came, in seconds from the call, and how many seconds of audio it holds."""
    began = time.perf_counter()
    return [
        {
            "at": time.perf_counter() - began,
            "seconds": len(chunk.samples) / chunk.sample_rate,
            "sentence": chunk.sentence,
            "pause": chunk.sentence_final,
        }
        for chunk in shop.engine.stream(text, voice=voice, language=language, seed=1)
    ]


def timeline(shop: Workshop) -> list[dict[str, Any]]:
    """The moments of one utterance of two sentences, from the text to the last chunk."""
    own = shop.voice.wishes["language"]
    language = own if own in SHORT else "en"
    text = SHORT[language] if shop.quick else " ".join([SHORT[language]] * 2)
    return speak(shop, text, language, shop.voice)


def starts(shop: Workshop) -> Iterator[Figure]:
    """A new process: when it is imported, loaded and heard, and the memory it takes then."""
    command = [sys.executable, "-m", "dora_primespeech_mlx.commands.bench.cold", str(shop.voices), shop.runtime]
    command += [shop.settings.precision, str(shop.settings.threads or 0), "random" if not shop.shipped else "shipped"]
    runs: list[dict[str, Any]] = []
    for _ in range(1 if shop.quick else 3):
        done = subprocess.run([*command, repr(time.time())], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"A new process could not speak: {done.stderr.strip().splitlines()[-1]}")
        runs.append(json.loads(done.stdout))
    for stage in ("imported", "loaded", "first audio"):
        yield from_timed("start", f"{stage}, from process start", spread([run["seconds"][stage] for run in runs]))
    for stage in runs[0]["megabytes"]:
        value = float(np.median([run["megabytes"][stage] for run in runs]))
        yield counted("memory", f"resident, {stage}", "MB", value)
