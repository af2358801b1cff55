"""Moves the end of SoVITS's decoder towards other speech of the same voices, on a CPU in a few minutes.

    python -m training.adapt PACK.npz SPEECH_DIR s2.pth OUT.pth --clips models/demo/voices

For small changes of the sound as a whole, as when the teacher's spectrum was wrong.  Only the last --stages stages
change: what comes before them is computed once for every utterance of SPEECH_DIR (training.speak).  The loss is that of
the mel spectrum and of every band's mean, without discriminators; many steps would blur the sound.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
import torch.nn.functional as F
from torch import Tensor

from training import official
from training import sovits as nets
from training.clips import CLIPS
from training.discriminators import MelLoss
from training.speech_corpus import CODE, MOST_PHONES
from training.steps import RANDOM, Optimiser, rate_at, save, set_up

SEGMENT = 48  # frames of 20 ms of an item
BATCH = 8
HELD_OUT = 12  # every so many utterances are kept apart
LOUD = 1.0  # nepers below an item's mean; the means of the bands are taken over frames above


class Ending:
    """The last stages of the decoder, and what they are given."""

    def __init__(self, net: nets.SoVITS, stages: int):
        self.net, self.dec = net, net.dec
        self.first = len(net.dec.ups) - stages
        self.rate = math.prod(net.config.upsample_rates[: self.first])
        blocks = self.dec.resblocks[self.first * self.dec.blocks :]
        parts = (self.dec.ups[self.first :], blocks, self.dec.conv_post)
        self.parameters = [p for part in parts for p in part.parameters()]

    @torch.no_grad()
    def inputs(self, codes: np.ndarray, ids: np.ndarray, voice: Tensor) -> Tensor:
        """Codes [n], phones [m], voice [1, gin, 1] -> [C, 2n * rate] in half precision."""
        text = F.pad(torch.from_numpy(ids.astype(np.int64)), (0, MOST_PHONES - len(ids)))[None]
        text_mask = (torch.arange(MOST_PHONES) < len(ids)).float()[None, None]
        mask = torch.ones(1, 1, 2 * len(codes))
        z = self.net.latents(torch.from_numpy(codes.astype(np.int64))[None], mask, text, text_mask, voice)
        return self.dec.stages(self.dec.begin(z, voice.unsqueeze(2)), 0, self.first)[0, :, 0].half()

    def __call__(self, x: Tensor) -> Tensor:
        """[B, C, 1, T * rate] -> samples [B, 640 T]."""
        return self.dec.end(self.dec.stages(x, self.first, len(self.dec.ups))).flatten(1)


def voices_of(net: nets.SoVITS, folder: Path) -> list[Tensor]:
    """The mean vector of each voice's two clips."""

    def vector(path: Path) -> Tensor:
        samples = soundfile.read(path, dtype="float32")[0]
        return net.voice(nets.spectrogram(torch.from_numpy(samples)[None]))

    with torch.no_grad():
        return [(vector(folder / f"{name}.flac") + vector(folder / f"{name}_zh.flac")) / 2 for name in CLIPS]


def utterances(pack: str, folder: Path) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Voice, codes, phones and samples of everything spoken."""
    with np.load(pack) as data:
        ids, offset = data["ids"], data["ids_off"]
    for path in sorted(folder.glob("part_*.npz")):
        with np.load(path) as part:
            ends = np.cumsum(part["length"])
            codes, audio = np.split(part["codes"], ends[:-1]), np.split(part["audio"], ends[:-1] * CODE)
            rows = zip(part["sentence"], part["voice"], codes, audio, strict=True)
            yield from ((v, c, ids[offset[s] : offset[s + 1]], a) for s, v, c, a in rows)


def losses(mel: MelLoss, made: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Mean distance of the log-mel spectra, and of each band's mean over loud frames."""
    distance, bias = torch.zeros(()), torch.zeros(())
    for size, _ in mel.sizes:
        target = mel.mel(wanted, size)
        difference = mel.mel(made, size) - target
        loud = (target.mean(2, keepdim=True) > target.mean((1, 2), keepdim=True) - LOUD).float()
        distance = distance + difference.abs().mean()
        bias = bias + ((difference * loud).sum((0, 1)) / loud.sum()).abs().mean()
    return distance / len(mel.sizes), bias / len(mel.sizes)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("speech", type=Path)
    parser.add_argument("init")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rate", type=float, default=2e-4)
    args = parser.parse_args()
    set_up("cpu")
    config, state = official.read(torch.load(args.init, map_location="cpu", weights_only=False))
    net = nets.SoVITS(config)
    net.load_state_dict(state)
    net.requires_grad_(False)
    ending, voices, mel = Ending(net, args.stages), voices_of(net, args.clips), MelLoss()
    rows = [(ending.inputs(c, ids, voices[v]), a) for v, c, ids, a in utterances(args.pack, args.speech)]
    held = set(range(0, len(rows), HELD_OUT))
    pools = {"train": [k for k in range(len(rows)) if k not in held], "held": sorted(held)}
    for p in ending.parameters:
        p.requires_grad_(True)

    def batch(pool: str) -> tuple[Tensor, Tensor]:
        """Segments drawn from a pool, filled up with silence: inputs of the stages and samples."""
        inputs, samples = [], []
        for k in RANDOM.choice(pools[pool], BATCH):
            x, audio = rows[k]
            frames = len(audio) // nets.HOP
            start = int(RANDOM.integers(max(1, frames - SEGMENT + 1)))
            piece = x[:, start * ending.rate : (start + SEGMENT) * ending.rate].float()
            wanted = torch.from_numpy(audio[start * nets.HOP : (start + SEGMENT) * nets.HOP] / np.float32(32768))
            inputs.append(F.pad(piece, (0, SEGMENT * ending.rate - piece.shape[1])))
            samples.append(F.pad(wanted, (0, SEGMENT * nets.HOP - len(wanted))))
        return nets.flat(torch.stack(inputs)), torch.stack(samples)

    kept = [batch("held") for _ in range(4)]

    @torch.no_grad()
    def report(when: str) -> None:
        values = torch.tensor([losses(mel, ending(x), wanted) for x, wanted in kept]).mean(0)
        print(f"{when}: mel {values[0]:.4f}, bands {values[1]:.4f} on utterances kept apart", flush=True)

    report("before")
    optimiser = Optimiser(ending.parameters, (0.8, 0.99), 0.0, "cpu")
    for step in range(args.steps):
        optimiser.schedule(rate_at(step / args.steps, step, args.rate, 20, flat=0.0, floor=0.0), step, 0.98)
        x, wanted = batch("train")
        distance, bias = losses(mel, ending(x), wanted)
        optimiser.update(torch.autograd.grad(distance + 2 * bias, ending.parameters))
    with torch.no_grad():
        for p, average in zip(ending.parameters, optimiser.average, strict=True):
            p.copy_(average)
    report("after")
    save(official.written(dict(net.named_parameters()), config, args.steps), args.out)


if __name__ == "__main__":
    main()
