"""Speaks from the teacher's own codes, so that SoVITS is judged apart from T2S.

    python -m training.copies PACK.npz kokoro_int8.onnx vocab.json OUT

The sentences and voices are those of `training.evaluate`, and so is OUT/manifest.jsonl.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from dora_primespeech_mlx.audio import write_wav
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.noise import NoiseTable
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.streaming import Schedule, SegmentAudio, stream_segment
from training.clips import CLIPS
from training.evaluate import HERE, own_clip
from training.prosody import front_half
from training.speak import Pack
from training.teacher import TAPS
from training.text import TeacherTokens, labels


class SilentReader:
    """The codes with which the teacher would read a text in one of the pack's voices."""

    def __init__(self, pack: str, model: Path, vocabulary: Path):
        graph = model.with_name("prosody_int8.onnx")
        front_half(model, graph)
        self.session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.pack, self.tokens = Pack(pack), TeacherTokens(vocabulary)

    def __call__(self, voice: int, text: str, language: str) -> list[int]:
        """Codes at 25 Hz."""
        ids, styles = self.tokens(text, language), self.pack.styles[voice]
        style = styles[min(len(ids) - 2, len(styles) - 1)][None]
        inputs = {"tokens": np.array([ids]), "style": style, "speed": np.ones(1, np.float32)}
        durations, pitch, energy = (x.reshape(-1) for x in self.session.run(list(TAPS), inputs))
        phones, tones = (np.array(row) for row in labels(ids, self.tokens.vocabulary))
        _, codes = self.pack.classes(phones, tones, voice, durations.round().astype(int), pitch, energy)
        return [int(code) for code in codes]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, default=Path("voices.json"))
    parser.add_argument("--sentences", type=Path, default=HERE, help="folder of sentences_en.txt and sentences_zh.txt")
    parser.add_argument("--noise-scale", type=float, default=0.5)
    args = parser.parse_args()
    read = SilentReader(args.pack, args.model, args.vocabulary)
    engine = Engine.from_config(args.voices, Settings(voices=args.voices))
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        for language in ("en", "zh"):
            texts = (args.sentences / f"sentences_{language}.txt").read_text("utf-8").splitlines()
            for number, text in enumerate(texts):
                name = engine.voice_names[number % len(engine.voice_names)]
                voice, clip = engine.load_voice(name), own_clip(engine, name, language).resolve()
                codes = read(list(CLIPS).index(name.lower()), text, language)
                noise = NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, (1,))
                ids = voice.frontend(text, language).ids
                audio = SegmentAudio(voice.sovits, ids, voice.ge, noise, args.noise_scale, 1.0)
                wav = (args.out / f"{language}_{number:03}_{name}.wav").resolve()
                write_wav(wav, np.concatenate(list(stream_segment(audio, codes, Schedule()))), 32000)
                line = {"wav": str(wav), "text": text, "lang": language, "voice": name, "reference": str(clip)}
                manifest.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
