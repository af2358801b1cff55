"""One reference clip for each voice: sound, text and codes, all from the teacher.

    python -m training.clips PACK.npz kokoro_float.onnx vocab.json ../models/demo/voices

Writes NAME.flac (32 kHz mono) and NAME.npy (int32 codes at 25 Hz); the texts are in CLIPS.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from hibari.g2p import G2P
from scipy.signal import resample_poly

from training import tokens
from training.speak import OUTPUTS, TEACHER_CODE, Pack
from training.teacher import Teacher
from training.text import labels

CLIPS = {
    "mira": "The kettle is on and the window is open, so come in and sit down with us.",
    "thea": "We walked along the river until the lamps came on, and nobody wanted to go home.",
    "lumi": "Look at this little paper boat, it has been sailing around the pond all morning.",
    "corin": "Before we leave the harbour, let me check the map and the weather one more time.",
    "alder": "The old clock in the hall has stopped again, and I rather like the quiet it leaves.",
    "yuno": "I put the blue notebook on your desk, because you will need it for the class tomorrow.",
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model")
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    vocabulary = json.loads(args.vocabulary.read_text("utf-8"))
    vocabulary = vocabulary.get("vocab", vocabulary)
    pack, teacher, phonemes = Pack(args.pack), Teacher(args.model, "cpu", OUTPUTS), G2P(british=False)
    args.out.mkdir(parents=True, exist_ok=True)
    for voice, (name, text) in enumerate(CLIPS.items()):
        spoken = phonemes(text)
        spoken = spoken if isinstance(spoken, str) else spoken[0]
        ids = [0, *(vocabulary[c] for c in spoken if c in vocabulary), 0]
        style = pack.styles[voice][min(len(ids) - 2, len(pack.styles[voice]) - 1)]
        outputs = teacher(tokens=torch.tensor([ids]), style=torch.from_numpy(style[None]), speed=torch.ones(1))
        audio, durations, pitch, energy = (x.reshape(-1).float().numpy() for x in outputs)
        phones, tones = (np.array(row) for row in labels(ids, vocabulary))
        first, count = tokens.spoken(energy)
        rows = tokens.features(
            durations.round().astype(int), phones, tones, pitch, energy, pack.statistics[voice], first, count
        )
        codes = tokens.nearest(rows[:, pack.varying], pack.centres)
        piece = audio[first * TEACHER_CODE : (first + count) * TEACHER_CODE]
        piece = np.pad(piece, (0, count * TEACHER_CODE - len(piece)))
        sound = resample_poly(piece, 4, 3)
        soundfile.write(args.out / f"{name}.flac", sound * min(1, 0.95 / np.abs(sound).max()), 32000, subtype="PCM_16")
        np.save(args.out / f"{name}.npy", codes.astype(np.int32))
        print(f"{name}: {count / tokens.TOKENS:.2f} s", flush=True)


if __name__ == "__main__":
    main()
