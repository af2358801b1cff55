"""Speaks sentences that are not in the training text with every voice in turn, for a judge to hear.

    python -m training.evaluate OUT --voices voices.json --languages en zh

Sentence i is spoken by voice i modulo the number of voices.  OUT/manifest.jsonl has a line for each file: wav, text,
lang, voice, and as reference the voice's own clip in that language where there is one.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.files.sounds import write_audio
from dora_primespeech_mlx.settings import Settings

HERE = Path(__file__).parent
RATE = 32000


def own_clip(engine: Engine, voice: str, language: str) -> Path:
    """The clip of a voice in a language: of several, NAME_zh.flac is the Mandarin one."""
    clips = engine.describe_voice(voice).references
    return next((clip for clip in clips if clip.stem.endswith(f"_{language}")), clips[0])


def sentences_of(folder: Path, language: str) -> list[str]:
    """The sentences of a language."""
    return (folder / f"sentences_{language}.txt").read_text("utf-8").splitlines()


def speak_all(
    engine: Engine,
    sentences: Path,
    languages: Iterable[str],
    out: Path,
    speak: Callable[[str, str, str], np.ndarray],
) -> None:
    """Writes what `speak` makes of each sentence (voice, text, language -> samples at RATE), and the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        for language in languages:
            for number, text in enumerate(sentences_of(sentences, language)):
                voice = engine.voice_names[number % len(engine.voice_names)]
                wav = (out / f"{language}_{number:03}_{voice}.wav").resolve()
                write_audio(wav, speak(voice, text, language), RATE)
                clip = own_clip(engine, voice, language).resolve()
                line = {"wav": str(wav), "text": text, "lang": language, "voice": voice, "reference": str(clip)}
                manifest.write(json.dumps(line, ensure_ascii=False) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, default=Path("voices.json"))
    parser.add_argument("--languages", nargs="+", default=["en", "zh"])
    parser.add_argument("--sentences", type=Path, default=HERE, help="folder of sentences_en.txt and sentences_zh.txt")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    engine = Engine.from_config(args.voices, Settings(voices=args.voices, precision=args.precision))

    def speak(voice: str, text: str, language: str) -> np.ndarray:
        return engine.synthesize(text, voice=voice, seed=args.seed).audio

    speak_all(engine, args.sentences, args.languages, args.out, speak)


if __name__ == "__main__":
    main()
