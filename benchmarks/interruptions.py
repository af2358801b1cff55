"""Whether the last word that is reported of an interrupted text is the last one that a listener hears.

    python benchmarks/interruptions.py OUT                      # speaks 60 answers, 50 of them cut off
    python benchmarks/interruptions.py OUT --hear WHISPER_DIR   # hears them (needs faster-whisper, soundfile, cn2an)

The first part asks the node's own desk and worker for the answers, which pace themselves as for a player, and cancels
at some moment before all is sent. OUT gets each whole answer as a WAV file, and said.json how much of it was sent and
what `segment_complete` says of that. The second part lets Whisper write down two things of each answer:

- what was sent, alone: its last word, unless Whisper itself is less than half sure of it;
- the whole answer, with the times of its words: the last word of which more than half was sent.

The first is what a listener has, but Whisper guesses at words that have only begun, and at how a sentence goes on; how
often it has the last word of a whole answer right is the control. The second has no cut in it, and what Whisper writes
is laid beside the text, so that a word that it takes for another is still that word. Words are compared by their
letters, Mandarin characters by their sound without its tone. `--seed` draws other answers and moments. Rules and limits
were settled on other seeds than the one that is reported.
"""

import argparse
import json
import random
import re
import threading
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pypinyin import lazy_pinyin

HERE = Path(__file__).parent
QUESTIONS, INTERRUPTED = 60, 50
FADE, SILENCE = 320, 8000
"""Samples at 16 kHz over which a file's end fades, and of silence behind it."""
CODES_PER_SECOND = 25
SURE = 0.5
"""Probability from which on Whisper hears a last word; below, it guesses how a sentence may go on."""
Heard = tuple[str, float, float, float]
"""A word or Mandarin character, its beginning and end, and how likely it is."""
EARLY = 0.04
"""Seconds by which Whisper's words begin before they sound: before the hiss of s, sh and x (see words.py; 72 words)."""


def answers(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """Texts of two sentences, half English and half Mandarin, with language, voice and about how long they take."""
    sentences = json.loads((HERE / "word_times.json").read_text("utf-8"))
    found = []
    for language in ("en", "zh"):
        own = [each for each in sentences if each["language"] == language]
        for _ in range(count // 2):
            first, second = chance.sample(own, 2)
            joined = first["text"] + (" " if language == "en" else "") + second["text"]
            seconds = (len(first["codes"]) + len(second["codes"])) / CODES_PER_SECOND
            found.append({"text": joined, "language": language, "voice": first["voice"], "seconds": seconds})
    return found


class Listener:
    """What the node sends of one text."""

    def __init__(self) -> None:
        self.audio: list[np.ndarray] = []
        self.end: dict[str, Any] = {}
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self, name: str, payload: Any, metadata: dict[str, Any]) -> None:
        """One output of the node."""
        if name == "audio" and len(payload):
            self.audio.append(payload)
            self.begun.set()
        elif name == "segment_complete":
            self.end = metadata
            self.over.set()


def speak(out: Path, voices: Path, seed: int) -> None:
    """Writes the audio of each answer and how much of it was sent, and what was said of that."""
    from dora_primespeech_mlx.audio import write_audio
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.node.desk import Desk
    from dora_primespeech_mlx.node.messages import TextMessage
    from dora_primespeech_mlx.node.worker import Worker
    from dora_primespeech_mlx.settings import Settings

    settings, chance = Settings(voices=voices), random.Random(seed)
    texts = answers(QUESTIONS, chance)
    interrupted = set(chance.sample(range(QUESTIONS), INTERRUPTED))
    desk = Desk(settings)
    worker = Worker(lambda settings: Engine.from_config(voices, settings), desk)
    worker.start()
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, each in enumerate(texts):
        desk.output = listener = Listener()
        desk.say(TextMessage(each["text"], {"voice": each["voice"], "seed": number}), {"segment_id": number})
        listener.begun.wait()
        if number in interrupted:
            time.sleep(chance.uniform(0.0, each["seconds"] - settings.max_ahead))
            desk.cancel()
        listener.over.wait()
        rows.append(each | {"number": number, "end": listener.end, "sent": np.concatenate(listener.audio)})
    desk.drain()
    worker.join()
    engine = Engine.from_config(voices, settings)
    said = []
    for row in rows:
        sent, end = row.pop("sent"), row.pop("end")
        chunks = list(engine.stream(row["text"], voice=row["voice"], seed=row["number"]))
        whole = np.concatenate([chunk.samples for chunk in chunks])
        if not np.allclose(sent, whole[: len(sent)], atol=1e-3):
            raise ValueError(
                f"answer {row['number']}: what was sent is not the beginning of the text when spoken whole"
            )
        wav = f"{row['number']:02}_{row['language']}.wav"
        write_audio(out / wav, whole, settings.sample_rate, "")
        row |= {"wav": wav, "sent": len(sent) / settings.sample_rate, "cancelled": end["cancelled"]}
        said.append(row | {"end": end.get("sent_end", 0) if end["cancelled"] else len(row["text"])})
    (out / "said.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), "utf-8")
    print(f"{sum(row['cancelled'] for row in said)} of {QUESTIONS} answers were cut off")


def hear(out: Path, whisper: Path) -> None:
    """Writes heard.json: the words of what was sent of each answer and of the whole, as Whisper hears them."""
    import soundfile
    import soxr
    from faster_whisper import WhisperModel

    model = WhisperModel(str(whisper), device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True)

    def words(audio: np.ndarray, language: str) -> list[Heard]:
        segments, _ = model.transcribe(
            np.pad(audio, (0, SILENCE)), language=language, beam_size=5, condition_on_previous_text=False,
            word_timestamps=True, initial_prompt="以下是普通话的句子。" if language == "zh" else None,
        )  # fmt: skip
        return [
            (part, float(begins), float(ends), float(word.probability))
            for word in (word for segment in segments for word in segment.words)
            for part, begins, ends in shared(word.word, word.start, word.end, language)
        ]

    heard = []
    for row in json.loads((out / "said.json").read_text("utf-8")):
        audio, rate = soundfile.read(out / row["wav"], dtype="float32")
        whole = words(soxr.resample(audio, rate, 16000), row["language"])
        # Without an edge and with silence behind it, so that the cut itself is no sound.
        sent = soxr.resample(audio[: round(row["sent"] * rate)], rate, 16000)
        sent[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
        heard.append({"alone": words(sent, row["language"]), "whole": whole})
        print(row["wav"], flush=True)
    (out / "heard.json").write_text(json.dumps(heard, ensure_ascii=False), "utf-8")


def score(out: Path) -> None:
    """Compares the last word of what was sent of each answer with the one that was reported."""
    right: dict[str, list[bool]] = defaultdict(list)
    heard = json.loads((out / "heard.json").read_text("utf-8"))
    for row, words in zip(json.loads((out / "said.json").read_text("utf-8")), heard, strict=True):
        language, kind = row["language"], "cut off" if row["cancelled"] else "all sent"
        text = split(row["text"], language)
        said = len(split(row["text"][: row["end"]], language)) - 1
        near = {sound(word, language) for word in (["", *text] if said < 1 else text[said - 1 :])[:3]}
        alone = words["alone"]
        while alone and alone[-1][3] < SURE:
            alone.pop()
        last = alone[-1][0] if alone else ""
        equal = sound(last, language) == (sound(text[said], language) if said >= 0 else "")
        right[f"{kind}, heard alone"].append(equal)
        right[f"{kind}, heard alone, or the word beside"].append(equal or sound(last, language) in near)
        places = laid_beside([word for word, *_ in words["whole"]], text, language)
        timed = zip(places, words["whole"], strict=True)
        sent = [at for at, (_, begins, ends, _) in timed if (begins + ends) / 2 + EARLY < row["sent"]]
        place = sent[-1] if sent else -1
        right[f"{kind}, times of the whole"].append(place == said)
        right[f"{kind}, times of the whole, or the word beside"].append(abs(place - said) <= 1)
        final = words["whole"][-1][0] if words["whole"] else ""
        right["control: whole answers, heard whole"].append(sound(final, language) == sound(text[-1], language))
        told, held = (text[at] if at >= 0 else "" for at in (said, place))
        print(f"{row['wav']} {row['sent']:.2f} s, {kind}: said {told!r}; alone {last!r}; in the whole {held!r}")
    for what, found in sorted(right.items()):
        print(f"{what}: {sum(found)} of {len(found)}")


def split(text: str, language: str) -> list[str]:
    """The words, or Mandarin characters, of a text."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    if language == "zh":
        import cn2an

        plain = cn2an.transform(plain, "an2cn")
    return re.findall("[\u4e00-\u9fff]" if language == "zh" else r"[a-z0-9']+", plain.replace("-", " "))


def shared(text: str, begins: float, ends: float, language: str) -> Iterator[tuple[str, float, float]]:
    """The words of a text that is spoken from `begins` to `ends`, each with its share of that."""
    found = split(text, language)
    for word, (first, last) in zip(found, pairwise(np.linspace(begins, ends, len(found) + 1)), strict=True):
        yield word, first, last


def laid_beside(heard: list[str], text: list[str], language: str) -> list[int]:
    """Which word of a text each word that is heard stands for: the likeliest, in order."""
    one, other = ([sound(word, language) for word in words] for words in (heard, text))
    matches = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [
        min(max(start, end - 1), start + (at - first) * max(1, end - start) // (last - first), len(text) - 1)
        for _, first, last, start, end in matches
        for at in range(first, last)
    ]


def sound(word: str, language: str) -> str:
    """A word, or how a Mandarin character sounds, without the tone."""
    return "".join(lazy_pinyin(word)) if language == "zh" else word


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, default=HERE.parent / "voices.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hear", type=Path, metavar="WHISPER_DIR", help="a CTranslate2 folder of Whisper")
    args = parser.parse_args()
    if args.hear is None:
        speak(args.out, args.voices, args.seed)
    else:
        if not (args.out / "heard.json").exists():
            hear(args.out, args.hear)
        score(args.out)


if __name__ == "__main__":
    main()
