"""The diffusion transformer of v3 and v4 (a DiT as in F5-TTS): how noise must move to become the mel of a sentence.

It is a shortcut model: it is told the length of a step, and trained for powers of two. What it makes of the step count
and the step (adaptive layer norm, two fifths of its official weights) depends on nothing else, so it is a table here.
"""

import math
from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.diffusion import STEPS, DiTConfig
from dora_primespeech_mlx.nets.operations import merge_heads

PER_BLOCK = 6
"""Modulation vectors of a block: shift, scale and gate of the attention, then of the feed-forward."""
NORM_EPSILON = 1e-6
GRN_EPSILON = 1e-6
FARTHEST = 4095
"""Last position of the table of text positions; later frames share it."""
TIME_SCALE = 1000.0
LONGEST_PERIOD = 1e4


class ResponseNorm(nn.Module):
    """Global response normalisation: channels weighed by their share of the energy over all frames."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = mx.zeros((channels,))
        self.bias = mx.zeros((channels,))

    def __call__(self, x: mx.array, keep: mx.array | None) -> mx.array:
        """x [B, T, C], keep [B, T, 1] of ones and zeros or None."""
        heard = x.astype(mx.float32) if keep is None else x.astype(mx.float32) * keep
        energy = mx.sqrt(mx.sum(mx.square(heard), axis=1, keepdims=True))
        share = energy / (mx.mean(energy, axis=-1, keepdims=True) + GRN_EPSILON)
        return self.weight * (x * share.astype(x.dtype)) + self.bias + x


class TextBlock(nn.Module):
    """A ConvNeXt V2 block over the features."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        width, kernel = config.text, config.text_kernel
        self.dwconv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.pwconv1 = nn.Linear(width, config.text_hidden)
        self.grn = ResponseNorm(config.text_hidden)
        self.pwconv2 = nn.Linear(config.text_hidden, width)

    def __call__(self, x: mx.array, keep: mx.array | None) -> mx.array:
        """x [B, T, C], keep [B, T, 1] or None."""
        hidden = self.norm(self.dwconv(x if keep is None else x * keep))
        return x + self.pwconv2(self.grn(nn.gelu(self.pwconv1(hidden)), keep))


class RotaryAttention(nn.Module):
    """Self attention whose first head alone knows positions, as the official code has it."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.to_qkv = nn.Linear(config.dim, 3 * config.inner)
        self.to_out = nn.Linear(config.inner, config.dim)
        self._head = config.head_dim

    def __call__(self, x: mx.array, turns: tuple[mx.array, mx.array], mask: mx.array | None) -> mx.array:
        """x [B, T, dim], turns cosine and sine [T, head / 2], mask [B, 1, 1, T] to add, or None; [B, T, dim]."""
        B, T, _ = x.shape
        parts = self.to_qkv(x).reshape(B, T, 3, -1, self._head)
        cosine, sine = (turn[:, None, :] for turn in turns)
        # The first head of queries and keys together: every operation costs a launch.
        a, b = mx.split(parts[:, :, :2, 0], 2, axis=-1)
        turned = mx.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)[:, :, :, None]
        if parts.shape[3] > 1:
            turned = mx.concatenate([turned, parts[:, :, :2, 1:]], axis=3)
        queries, keys = turned.transpose(2, 0, 3, 1, 4)
        values = parts[:, :, 2].transpose(0, 2, 1, 3)
        out = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=self._head**-0.5, mask=mask)
        return self.to_out(merge_heads(out))


class Block(nn.Module):
    """Attention and a feed-forward, each shifted, scaled and gated by the step."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.attention = RotaryAttention(config)
        self.expand = nn.Linear(config.dim, config.feed_forward)
        self.contract = nn.Linear(config.feed_forward, config.dim)

    def __call__(
        self, x: mx.array, modulation: mx.array, turns: tuple[mx.array, mx.array], mask: mx.array | None
    ) -> mx.array:
        """x [B, T, dim], modulation [6, dim], scales more than 1; other arguments as of `RotaryAttention`."""
        shift, scale, gate, shift2, scale2, gate2 = rows(modulation)
        x = x + gate * self.attention(mx.fast.layer_norm(x, scale, shift, NORM_EPSILON), turns, mask)
        raised = self.expand(mx.fast.layer_norm(x, scale2, shift2, NORM_EPSILON))
        return x + gate2 * self.contract(nn.gelu_approx(raised))


class DiT(nn.Module):
    """The velocity field. Positions run over prompt and sentence together, from 0."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.text_blocks = [TextBlock(config) for _ in range(config.text_blocks)]
        self.proj_mel = nn.Linear(config.mel, config.dim, bias=False)
        self.proj_condition = nn.Linear(config.mel + config.text, config.dim)
        kernel = config.position_kernel
        self.position = [
            nn.Conv1d(config.dim, config.dim, kernel, padding=kernel // 2, groups=config.groups) for _ in range(2)
        ]
        self.inverse_frequencies = mx.zeros((config.head_dim // 2,))
        self.blocks = [Block(config) for _ in range(config.depth)]
        self.proj_out = nn.Linear(config.dim, config.mel)
        self.modulations = mx.zeros((sum(STEPS), PER_BLOCK * config.depth + 2, config.dim))
        self._config = config

    @property
    def config(self) -> DiTConfig:
        """The dimensions the network was built with."""
        return self._config

    def condition(self, features: mx.array, prompt: mx.array, mask: mx.array | None = None) -> mx.array:
        """What all steps of a call share.

        Args:
            features: of prompt and sentence [B, T, text].
            prompt: mel of the prompt, zeros in the frames of the sentence [B, T, mel].
            mask: [B, T], true where a frame is real; None when all are.

        Returns:
            [B, T, dim], for `velocity`.
        """
        keep = None if mask is None else mask[..., None].astype(features.dtype)
        x = features + text_positions(features.shape[1], self._config.text).astype(features.dtype)
        for block in self.text_blocks:
            x = block(x, keep)
        return self.proj_condition(mx.concatenate([prompt, x], axis=-1))

    def velocity(self, x: mx.array, condition: mx.array, row: mx.array, mask: mx.array | None = None) -> mx.array:
        """How x moves.

        Args:
            x: [B, T, mel], zeros in the frames of the prompt.
            condition: [B, T, dim] of `condition`.
            row: `modulation_row` of the step, int [1].
            mask: as of `condition`.

        Returns:
            float32 [B, T, mel].
        """
        keep = None if mask is None else mask[..., None].astype(condition.dtype)
        hidden = self.proj_mel(x.astype(condition.dtype)) + condition
        local = hidden
        for convolve in self.position:
            local = nn.mish(convolve(local if keep is None else local * keep))
        hidden = hidden + local
        angles = mx.arange(x.shape[1]).astype(mx.float32)[:, None] * self.inverse_frequencies.astype(mx.float32)
        turns = mx.cos(angles).astype(hidden.dtype), mx.sin(angles).astype(hidden.dtype)
        attended = None
        if mask is not None:  # as what is added to scores, which attention would make of it in every block
            attended = mx.where(mask, 0.0, -mx.inf).astype(hidden.dtype)[:, None, None, :]
        modulation = mx.take(self.modulations, row, axis=0).reshape(self.modulations.shape[1:])
        modulation = modulation + mx.array(scales(len(self.blocks)), dtype=modulation.dtype)
        for index, block in enumerate(self.blocks):
            hidden = block(hidden, modulation[PER_BLOCK * index : PER_BLOCK * (index + 1)], turns, attended)
        scale, shift = rows(modulation[-2:])
        return self.proj_out(mx.fast.layer_norm(hidden, scale, shift, NORM_EPSILON)).astype(mx.float32)


def rows(vectors: mx.array) -> list[mx.array]:
    """Vectors [n, dim] one by one, as views: an index would be an operation."""
    return [row.squeeze(0) for row in mx.split(vectors, vectors.shape[0])]


def scales(blocks: int) -> np.ndarray:
    """1 where a row of modulations is a scale, which is stored less 1: float32 [6 * blocks + 2, 1]."""
    rows = np.zeros((PER_BLOCK * blocks + 2, 1), np.float32)
    rows[1::3][: 2 * blocks] = 1
    rows[-2] = 1
    return rows


def text_positions(frames: int, width: int) -> mx.array:
    """What tells the features where they stand: cosines and sines, float32 [frames, width]."""
    places = mx.minimum(mx.arange(frames), FARTHEST).astype(mx.float32)[:, None]
    rates = (1.0 / 1e4 ** (np.arange(0, width, 2)[: width // 2].astype(np.float32) / width)).astype(np.float32)
    angles = places * mx.array(rates)
    return mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)


def time_vectors(weights: Mapping[str, np.ndarray], name: str, values: np.ndarray) -> np.ndarray:
    """Embeddings of times or step lengths [n] by the official network of that name; float32 [n, dim]."""
    weight = {part: weights[f"{name}.time_mlp.{part}"].astype(np.float32) for part in ("0.weight", "2.weight")}
    width = weight["0.weight"].shape[1]
    rates = np.exp(np.arange(width // 2) * -(math.log(LONGEST_PERIOD) / (width // 2 - 1)))
    angles = TIME_SCALE * np.asarray(values, np.float64)[:, None] * rates
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)
    hidden = waves @ weight["0.weight"].T + weights[f"{name}.time_mlp.0.bias"].astype(np.float32)
    return silu(hidden) @ weight["2.weight"].T + weights[f"{name}.time_mlp.2.bias"].astype(np.float32)


def silu(x: np.ndarray) -> np.ndarray:
    """x times its sigmoid."""
    return x / (1 + np.exp(-x))


def modulation_table(weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """The adaptive layer norms of every step of every count in `STEPS`: float32 [63, 6 * depth + 2, dim].

    The last two vectors are scale and shift of the output.
    """
    times = np.concatenate([np.arange(steps) / steps for steps in STEPS])
    lengths = np.concatenate([np.full(steps, 1 / steps) for steps in STEPS])
    heard = silu(time_vectors(weights, "time_embed", times) + time_vectors(weights, "d_embed", lengths))
    depth = len({name.split(".")[1] for name in weights if name.startswith("transformer_blocks.")})
    parts = [f"transformer_blocks.{i}.attn_norm.linear" for i in range(depth)] + ["norm_out.linear"]
    rows = [
        heard @ weights[f"{part}.weight"].astype(np.float32).T + weights[f"{part}.bias"].astype(np.float32)
        for part in parts
    ]
    return np.concatenate(rows, axis=-1).reshape(len(heard), -1, heard.shape[1])


RENAMES = (
    ("text_embed.text_blocks.", "text_blocks."),
    ("input_embed.conv_pos_embed.conv1d.0.", "position.0."),
    ("input_embed.conv_pos_embed.conv1d.2.", "position.1."),
    ("rotary_embed.inv_freq", "inverse_frequencies"),
    ("transformer_blocks.", "blocks."),
)
PARTS = (
    (".attn.to_out.0.", ".attention.to_out."),
    (".ff.ff.0.0.", ".expand."),
    (".ff.ff.2.", ".contract."),
    (".grn.gamma", ".grn.weight"),
    (".grn.beta", ".grn.bias"),
)
TABLED = ("time_embed.", "d_embed.", "norm_out.")


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official tensors of `cfm.estimator` to this module's names and layouts.

    Queries, keys and values are joined, the modulations become a table, the input projection is cut into what changes
    between steps and what does not, and in the first head of queries and keys the pairs that turn together are moved
    apart, the first of each to the front half.
    """
    head = 2 * weights["rotary_embed.inv_freq"].shape[0]
    mel = weights["proj_out.weight"].shape[0]
    clean = {"modulations": modulation_table(weights)}
    for name, value in weights.items():
        if name.startswith(TABLED) or ".attn_norm." in name or ".attn.to_k." in name or ".attn.to_v." in name:
            continue
        if name == "input_embed.proj.weight":
            clean["proj_mel.weight"] = np.ascontiguousarray(value[:, :mel])
            clean["proj_condition.weight"] = np.ascontiguousarray(value[:, mel:])
            continue
        if name == "input_embed.proj.bias":
            clean["proj_condition.bias"] = value
            continue
        if ".attn.to_q." in name:
            rows = [weights[name.replace(".to_q.", f".to_{part}.")] for part in "qkv"]
            value = np.concatenate([_halves(rows[0], head), _halves(rows[1], head), rows[2]])
            name = name.replace(".attn.to_q.", ".attention.to_qkv.")
        for old, new in RENAMES:
            if name.startswith(old):
                name = new + name[len(old) :]
        for old, new in PARTS:
            name = name.replace(old, new)
        if value.ndim == 3:
            value = value.reshape(-1) if ".grn." in name else value.transpose(0, 2, 1)
        clean[name] = np.ascontiguousarray(value)
    return clean


def _halves(rows: np.ndarray, head: int) -> np.ndarray:
    """Output channels [n, ...] with those of the first head in the order 0, 2, 4, ... 1, 3, 5, ..."""
    return np.concatenate([rows[0:head:2], rows[1:head:2], rows[head:]])
