"""The content encoder in torch, for training: filter banks of a recording to the model's codes.

Names are those of `dora_primespeech_mlx.nets.content`; `primespeech convert --content` turns the convolutions.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.tokens import TONES

BANDS = 80
MIDDLE_PITCH = 7.5  # log2 Hz, about 181 Hz


@dataclass(frozen=True)
class ContentSizes:
    """Dimensions: `phones` are those the teacher uses, the block lists hold the kernel of each block."""

    phones: int
    codes: int = 1024
    width: int = 208
    inner: int = 624
    fine: tuple[int, ...] = (7, 7, 13, 7, 13)  # 50 a second
    coarse: tuple[int, ...] = (7, 7)  # 25 a second
    last: tuple[int, ...] = (7,)  # 25 a second, behind what is said of the whole recording


class Heard(NamedTuple):
    """What the network hears in every code's 40 ms: logits of codes, phones and tones, voicing, pitch, loudness."""

    codes: Tensor
    phones: Tensor
    tones: Tensor
    voiced: Tensor
    pitch: Tensor
    energy: Tensor


class Block(nn.Module):
    """A convolution for each channel, then two layers across channels."""

    def __init__(self, width: int, inner: int, kernel: int, dropout: float):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand, self.reduce = nn.Linear(width, inner), nn.Linear(inner, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, width]; returns the same shape."""
        y = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        return x + self.dropout(self.scale * self.reduce(F.gelu(self.expand(y))))


class ContentEncoder(nn.Module):
    """Filter banks [B, 4 N, BANDS] to what is heard in N codes."""

    def __init__(self, sizes: ContentSizes, dropout: float = 0.0):
        super().__init__()
        self.sizes, width = sizes, sizes.width

        def blocks(kernels: tuple[int, ...]) -> nn.ModuleList:
            return nn.ModuleList([Block(width, sizes.inner, kernel, dropout) for kernel in kernels])

        self.stem = nn.Conv1d(BANDS, width, 5, padding=2)
        self.halve = nn.Conv1d(width, width, 4, 2, 1)
        self.fine = blocks(sizes.fine)
        self.pair = nn.Conv1d(width, width, 2, 2)
        self.coarse = blocks(sizes.coarse)
        self.norm = nn.LayerNorm(width)
        self.parts = nn.Linear(width, sizes.phones + TONES + 3)
        self.whole = nn.Linear(width + 3, width)
        self.last = blocks(sizes.last)
        self.last_norm = nn.LayerNorm(width)
        self.codes = nn.Linear(width, sizes.codes)

    def forward(self, x: Tensor) -> Heard:
        """x [B, 4 N, BANDS] as `normalised` makes it."""
        y = F.gelu(self.stem(x.transpose(1, 2)))
        y = F.gelu(self.halve(y)).transpose(1, 2)
        for block in self.fine:
            y = block(y)
        y = self.pair(y.transpose(1, 2)).transpose(1, 2)
        for block in self.coarse:
            y = block(y)
        y = self.norm(y)
        phones, tones, voiced, pitch, energy = self.parts(y).split((self.sizes.phones, TONES, 1, 1, 1), -1)
        share = voiced.sigmoid()
        total = share.sum(1, keepdim=True) + 1e-3
        relative = [(v - (v * share).sum(1, keepdim=True) / total) * share for v in (pitch, energy)]
        z = y + self.whole(torch.cat([y.mean(1, keepdim=True).expand_as(y), share, *relative], -1))
        for block in self.last:
            z = block(z)
        return Heard(self.codes(self.last_norm(z)), phones, tones, voiced, pitch, energy)


class Target(NamedTuple):
    """What the teacher knows of every code's 40 ms: the code, shares [.., phones] and [.., TONES], the rest [..]."""

    codes: Tensor
    phones: Tensor
    tones: Tensor
    voiced: Tensor
    pitch: Tensor
    energy: Tensor
    near: Tensor


def loss(heard: Heard, target: Target) -> tuple[Tensor, dict[str, Tensor]]:
    """What is minimised, and how often phone and code are right."""

    def soft(logits: Tensor, shares: Tensor) -> Tensor:
        return -(shares * logits.log_softmax(-1)).sum(-1).mean()

    logs = heard.codes.log_softmax(-1)
    hard = -logs.gather(-1, target.codes[..., None]).mean()
    near = -(target.near * logs).sum(-1).mean()
    spoken = (target.voiced > 0.5).float()
    pitch = (F.smooth_l1_loss(heard.pitch[..., 0], target.pitch, reduction="none", beta=0.05) * spoken).sum()
    parts = {
        "code": 0.6 * hard + 0.4 * near,
        "phone": soft(heard.phones, target.phones),
        "tone": 0.5 * soft(heard.tones, target.tones),
        "pitch": 4 * pitch / (spoken.sum() + 1),
        "voiced": 0.3 * F.binary_cross_entropy_with_logits(heard.voiced[..., 0], target.voiced),
        "energy": 0.2 * F.smooth_l1_loss(heard.energy[..., 0], target.energy),
    }
    with torch.no_grad():
        seen = {
            "phone": (heard.phones.argmax(-1) == target.phones.argmax(-1)).float().mean(),
            "right": (heard.codes.argmax(-1) == target.codes).float().mean(),
            "code": hard,
            "pitch": 12 * ((heard.pitch[..., 0] - target.pitch).abs() * spoken).sum() / (spoken.sum() + 1),
        }
    return sum(parts.values(), torch.zeros((), device=hard.device)), seen


def go_on(network: ContentEncoder, weights: dict[str, Tensor]) -> None:
    """Takes in weights of a network that may have fewer blocks: those it lacks begin by doing nothing."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name in weights:
                value.copy_(weights[name])
            elif name.endswith("scale"):
                value.zero_()


def parameters(network: nn.Module) -> float:
    """Millions of numbers."""
    return sum(math.prod(p.shape) for p in network.parameters()) / 1e6
