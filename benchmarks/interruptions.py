"""Whether the last word that is reported of an interrupted text is the last one that a listener hears.

    python benchmarks/interruptions.py OUT                      # speaks 60 answers, 50 of them cut off
    python benchmarks/interruptions.py OUT --hear WHISPER_DIR   # hears them (needs faster-whisper, soundfile, cn2an)
    python benchmarks/interruptions.py OUT --hear WHISPER_DIR --json FILE   # and stores what tables.py writes

The first part asks the node's own desk and worker for the answers, which pace themselves as for a player, and cancels
at some moment before all is sent. OUT gets each whole answer as a WAV file, and said.json how much of it was sent and
what `segment_complete` says of that. The second part lets Whisper write down two things of each answer:

- what was sent, alone, with silence behind it as a player gives: its last word;
- the whole answer, with the times of its words: the last word of which more than half was sent.

What Whisper writes is laid beside the text: the question is up to which word of the text it heard, and a word that it
takes for another (`grossed` for `grows`) is still that word. How often it writes that very word is told too, with whole
answers as the control. Words of the silence are left out: those that begin in it, and those at the end that Whisper
itself hardly believes in. The whole answer has no cut in it, so that Whisper cannot guess at a word that has only
begun. Words are compared by their letters, Mandarin characters by their sound without its tone. `--seed` draws other
answers and moments. Rules and limits were settled on other seeds than those that are reported.
"""

import argparse
import json
import random
import re
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pypinyin import lazy_pinyin

HERE = Path(__file__).parent
QUESTIONS, INTERRUPTED = 60, 50
FADE, SILENCE = 320, 8000
"""Samples at 16 kHz over which a file's end fades, and of silence behind it."""
CODES_PER_SECOND = 25
LEAST = 0.1
"""Probability below which a last word is none: in silence Whisper hears thanks and goodbyes."""
Heard = tuple[str, float, float, float]
"""A word or Mandarin character, its beginning and end, and how likely it is."""


class Answer(NamedTuple):
    """One answer: whether it was cut off, and which word of its text is the last, -1 for none.

    `said` is the reported one, `alone` and `timed` the last that was heard, in what was sent and by the times in the
    whole. `same_word` says whether Whisper wrote that very word of what was sent, `control` the last one of the whole.
    """

    cut: bool
    said: int
    alone: int
    timed: int
    same_word: bool
    control: bool


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
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.files.sounds import write_audio
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


def compare(out: Path) -> Iterator[Answer]:
    """What was reported of each answer beside what was heard of it."""
    heard = json.loads((out / "heard.json").read_text("utf-8"))
    for row, words in zip(json.loads((out / "said.json").read_text("utf-8")), heard, strict=True):
        language = row["language"]
        text = split(row["text"], language)
        said = len(split(row["text"][: row["end"]], language)) - 1
        alone = spoken(words["alone"], row["sent"])
        timed = zip(laid_beside(words["whole"], text, language), words["whole"], strict=True)
        sent = [at for at, (_, begins, ends, _) in timed if (begins + ends) / 2 + EARLY < row["sent"]]
        found = Answer(
            cut=row["cancelled"],
            said=said,
            alone=(laid_beside(alone, text, language) or [-1])[-1],
            timed=(sent or [-1])[-1],
            same_word=last_sound(alone, language) == sound(text[said] if said >= 0 else "", language),
            control=last_sound(words["whole"], language) == sound(text[-1], language),
        )
        told = [repr(text[at] if at >= 0 else "") for at in (found.said, found.alone, found.timed)]
        kind = "cut off" if found.cut else "all sent"
        print(f"{row['wav']} {row['sent']:.2f} s, {kind}: said {told[0]}; alone {told[1]}; in the whole {told[2]}")
        yield found


def table(found: Sequence[Answer]) -> dict[str, Any]:
    """What `tables.py` prints."""
    cut, whole = ([each for each in found if each.cut == kind] for kind in (True, False))

    def count(right: Sequence[bool]) -> str:
        return f"{sum(right)} of {len(right)}"

    rows = [
        [
            what,
            count([getattr(each, place) == each.said for each in cut]),
            count([abs(getattr(each, place) - each.said) <= 1 for each in cut]),
            count([getattr(each, place) == each.said for each in whole]),
        ]
        for what, place in (
            ("what was sent, as Whisper hears it alone", "alone"),
            ("what was sent, by Whisper's times in the whole answer", "timed"),
        )
    ]
    same = [count([each.same_word for each in part]) for part in (cut, whole)]
    rows.insert(1, ["the same, where Whisper writes the very word", same[0], "", same[1]])
    rows.append(
        ["control: whole answers, where Whisper writes the very word", "", "", count([a.control for a in found])]
    )
    head = ["the last word reported is the last word of", "cut off", "that, or the word beside", "all sent"]
    return {"head": head, "rows": rows, "how": "Whisper base. `python benchmarks/interruptions.py`"}


def spoken(heard: Sequence[Heard], seconds: float) -> Sequence[Heard]:
    """The words of a recording of so many seconds, less those that Whisper heard in the silence behind it."""
    last = max((at for at, word in enumerate(heard) if word[1] < seconds and word[3] >= LEAST), default=-1)
    return heard[: last + 1]


def last_sound(heard: Sequence[Heard], language: str) -> str:
    """How the last word sounds."""
    return sound(heard[-1][0], language) if heard else ""


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


def laid_beside(heard: Sequence[Heard], text: list[str], language: str) -> list[int]:
    """Which word of a text each word that is heard stands for: the likeliest, in order.

    Where Whisper writes other words than the text has they are spread over those; at the end of the text one stands for
    one, since what follows may not have been said.
    """
    one, other = ([sound(word, language) for word in words] for words in ([word for word, *_ in heard], text))
    places = []
    for _, first, last, start, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        each = 1.0 if end == len(other) else max(1, end - start) / max(1, last - first)
        places += [min(max(start, end - 1), start + int((at - first) * each)) for at in range(first, last)]
    return [min(place, len(text) - 1) for place in places]


def sound(word: str, language: str) -> str:
    """A word, or how a Mandarin character sounds, without the tone."""
    return "".join(lazy_pinyin(word)) if language == "zh" else word


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="+", help="a folder; with --hear several are counted together")
    parser.add_argument("--voices", type=Path, default=HERE.parent / "voices.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hear", type=Path, metavar="WHISPER_DIR", help="a CTranslate2 folder of Whisper")
    parser.add_argument("--json", type=Path, help="file for the table of what was heard")
    args = parser.parse_args()
    if args.hear is None:
        speak(args.out[0], args.voices, args.seed)
        return
    for out in args.out:
        if not (out / "heard.json").exists():
            hear(out, args.hear)
    found = table([answer for out in args.out for answer in compare(out)])
    for row in (found["head"], *found["rows"]):
        print(" | ".join(row))
    if args.json is not None:
        args.json.write_text(json.dumps({"tables": {"interruptions": found}}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
