"""Whether the last word that is reported of an interrupted text is the last one that a listener hears.

    python benchmarks/interruptions.py OUT                      # speaks 60 answers, 50 of them cut off
    python benchmarks/interruptions.py OUT --hear WHISPER_DIR   # hears them (needs faster-whisper and soundfile)

The first part sends the answers through the node's own desk, as many messages of each as chance wants, and cancels.
What was sent is a WAV file, and what `segment_complete` says of it is in OUT/said.json. The second part lets Whisper
write down each file and compares its last word, or the sound of its last Mandarin character, with the reported one.
"""

import argparse
import json
import random
import re
import unicodedata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
QUESTIONS, INTERRUPTED = 60, 50
FADE, SILENCE = 320, 8000
"""Samples at 16 kHz over which a file's end fades, and of silence behind it."""
SURE = 0.5
"""Probability from which on Whisper hears a last word; below, it guesses how a sentence may go on."""


def answers(count: int) -> list[tuple[str, str, str]]:
    """Texts of two sentences, their languages and voices, half English and half Mandarin."""
    sentences = json.loads((HERE / "word_times.json").read_text("utf-8"))
    found = []
    for language in ("en", "zh"):
        own = [each for each in sentences if each["language"] == language]
        for at in range(count // 2):
            first, second = own[at % len(own)], own[(at + 7) % len(own)]
            joined = first["text"] + (" " if language == "en" else "") + second["text"]
            found.append((joined, language, first["voice"]))
    return found


def speak(out: Path, voices: Path, seed: int) -> None:
    """Writes what was sent of each answer, and what was said of it."""
    import numpy as np

    from dora_primespeech_mlx.audio import write_audio
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.node.delivery import Delivery
    from dora_primespeech_mlx.node.desk import Desk
    from dora_primespeech_mlx.node.messages import TextMessage
    from dora_primespeech_mlx.settings import Settings

    settings, chance = Settings(voices=voices, max_ahead=None), random.Random(seed)
    engine = Engine.from_config(voices, settings)
    interrupted = set(chance.sample(range(QUESTIONS), INTERRUPTED))
    said = []
    out.mkdir(parents=True, exist_ok=True)
    for number, (text, language, voice) in enumerate(answers(QUESTIONS)):
        desk, heard = Desk(settings), []
        ends: list[dict[str, Any]] = []

        def output(name: str, payload: Any, metadata: dict[str, Any], heard: list = heard, ends: list = ends) -> None:
            if name == "audio" and len(payload):
                heard.append(payload)
            elif name == "segment_complete":
                ends.append(metadata)

        desk.output = output
        desk.say(TextMessage(text, {"voice": voice}), {"segment_id": number})
        (job,) = desk.admit(1)
        manner = engine.settle({"voice": voice, "seed": number})
        delivery = Delivery(job, manner, settings)
        for chunk in engine.speak(text, manner):
            if chunk is not None:
                delivery.take(chunk)
        count = len(delivery.outbox)
        sent = chance.randint(2, count - 1) if number in interrupted else count
        for message in list(delivery.outbox)[:sent]:
            while desk.try_send(job, *message):
                pass
        desk.cancel()
        wav = out / f"{number:02}_{language}.wav"
        write_audio(wav, np.concatenate(heard), settings.sample_rate, "")
        end = ends[0]
        row = {"wav": wav.name, "text": text, "language": language, "word": end["sent_word"], "end": end["sent_end"]}
        said.append(row | {"interrupted": number in interrupted})
        print(f"{wav.name}: ... {text[: end['sent_end']][-30:]}", flush=True)
    (out / "said.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), "utf-8")


def hear(out: Path, whisper: Path) -> None:
    """Compares the last word of each file with the one that was reported."""
    import numpy as np
    import soundfile
    import soxr
    from faster_whisper import WhisperModel

    model = WhisperModel(str(whisper), device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True)
    right: dict[bool, list[bool]] = {True: [], False: []}
    for each in json.loads((out / "said.json").read_text("utf-8")):
        audio, rate = soundfile.read(out / each["wav"], dtype="float32")
        audio = soxr.resample(audio, rate, 16000)
        # Without an edge and with silence behind it, so that the cut itself is no sound.
        audio[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
        language = each["language"]
        segments, _ = model.transcribe(
            np.pad(audio, (0, SILENCE)), language=language, beam_size=5, condition_on_previous_text=False,
            word_timestamps=True, initial_prompt="以下是普通话的句子。" if language == "zh" else None,
        )  # fmt: skip
        words = [word for segment in segments for word in segment.words]
        while words and words[-1].probability < SURE:
            words.pop()
        heard = "".join(word.word for word in words).strip()
        equal = last(heard, language) == last(each["word"], language)
        right[each["interrupted"]].append(equal)
        verdict, context = "ok" if equal else "NO", each["text"][: each["end"]][-24:]
        print(f"{verdict} {each['wav']}: {each['word']!r} after {context!r}; heard {heard[-24:]!r}", flush=True)
    for interrupted, found in right.items():
        print(f"{'interrupted' if interrupted else 'whole'}: {sum(found)} of {len(found)}")


def last(text: str, language: str) -> str:
    """The last word of a text, or how its last Han character sounds, without the tone."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    if language == "en":
        words = re.findall(r"[a-z0-9']+", plain.replace("-", " "))
        return words[-1] if words else ""
    from pypinyin import lazy_pinyin

    found = lazy_pinyin("".join(re.findall("[\u4e00-\u9fff]", plain)))
    return found[-1] if found else ""


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
        hear(args.out, args.hear)


if __name__ == "__main__":
    main()
