"""Does the teacher sound in torch as it does in ONNX Runtime?  Fails where a band of the spectrum is louder or quieter.

python -m training.teacher_check PACK.npz kokoro_float.onnx [--device cuda] [--sentences 4]
"""

import argparse
import sys

import numpy as np
import onnxruntime
import torch

from training.discriminators import MelLoss
from training.speak import Pack, voice_for
from training.teacher import Teacher, style_for

RATE = 24000
SIZE, BANDS, GROUPS = 2048, 100, 10
QUIET = 6.0  # nepers below the loudest frame; what lies deeper is not compared
ALLOWED = 0.1  # nepers of difference in the mean of a group of bands


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sentences", type=int, default=4)
    args = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    reference = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    pack, teacher = Pack(args.pack), Teacher(args.model, args.device, ["audio"])
    spectrum, differences = MelLoss(RATE, ((SIZE, BANDS),)), []
    for sentence in range(args.sentences):
        ids = pack.tokens[pack.offset[sentence] : pack.offset[sentence + 1]]
        style = style_for(pack.styles[voice_for(sentence, len(pack.styles), 0)], len(ids))
        inputs = {"tokens": ids[None], "style": style, "speed": np.ones(1, np.float32)}
        (wanted,) = reference.run(["audio"], inputs)
        (made,) = teacher(**{name: torch.from_numpy(value) for name, value in inputs.items()})
        pair = torch.stack([made.flatten().float().cpu(), torch.from_numpy(wanted.flatten())])
        a, b = spectrum.mel(pair, SIZE)
        loudness = b.mean(1)
        differences.append((a - b)[loudness > loudness.max() - QUIET].mean(0))
    bands = torch.stack(differences).mean(0).view(GROUPS, -1).mean(1)
    print("torch - ONNX Runtime, nepers, low bands first:", [round(v, 2) for v in bands.tolist()])
    if bands.abs().max() > ALLOWED:
        sys.exit("The teacher sounds different in torch; look at the operators in training.teacher.")


if __name__ == "__main__":
    main()
