"""Speaks from the teacher's own codes, so that SoVITS is judged apart from T2S.

    python -m training.copies PACK.npz kokoro_int8.onnx vocab.json OUT

The sentences and voices are those of `training.evaluate`, and so is OUT/manifest.jsonl.
"""

import argparse
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.synthesis.streaming import Schedule, SentenceAudio, stream_sentence
from training.clips import CLIPS
from training.evaluate import HERE, speak_all
from training.prosody import SilentTeacher, front_half
from training.speak import Pack
from training.text import TeacherTokens, labels


class TeacherCodes:
    """What the teacher would speak a text with."""

    def __init__(self, pack: str, model: Path, vocabulary: Path):
        graph = model.with_name("prosody_int8.onnx")
        front_half(model, graph)
        self.pack, self._teacher, self.tokens = Pack(pack), SilentTeacher(str(graph)), TeacherTokens(vocabulary)
        with np.load(pack) as data:
            self.centres = data["centres"]

    def __call__(self, number: int, text: str, language: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Phones and tone classes [m] of a text, and its codes [n] in the voice of that number."""
        ids = np.array(self.tokens(text, language))
        phones, tones = (np.array(row) for row in labels(ids.tolist(), self.tokens.vocabulary))
        _, codes = self.pack.classes(phones, tones, number, *self._teacher(ids, self.pack.styles[number]))
        return phones, tones, codes


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
    teacher = TeacherCodes(args.pack, args.model, args.vocabulary)
    engine = Engine.from_config(args.voices, Settings(voices=args.voices))

    def speak(name: str, text: str, language: str) -> np.ndarray:
        voice = engine.load_voice(name)
        noise = NoiseTable("normal", voice.sovits.config.vocoder.inter_channels, (1,))
        ids = voice.frontend(text, language).ids
        audio = SentenceAudio(voice.sovits, ids, voice.ge, noise, args.noise_scale, 1.0)
        *_, codes = teacher(list(CLIPS).index(name.lower()), text, language)
        return np.concatenate(list(stream_sentence(audio, codes.tolist(), Schedule())))

    speak_all(engine, args.sentences, ("en", "zh"), args.out, speak)


if __name__ == "__main__":
    main()
