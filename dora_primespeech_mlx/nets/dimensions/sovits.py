"""Dimensions of the s2 networks of v1 to v2ProPlus, and of what those of all versions begin with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig

FRAME_RATE = 50
"""Latent frames a second."""

FRAMES_PER_CODE = 2


@dataclass(frozen=True)
class EncoderConfig:
    """Dimensions of what the s2 models of all versions begin with."""

    version: str
    symbols: int
    hidden_channels: int
    filter_channels: int
    heads: int
    layers: int
    ssl_layers: int
    post_layers: int
    kernel: int
    window: int
    code_count: int
    ssl_dim: int
    mrte_channels: int
    spectrum_bins: int
    style_channels: int
    style_kernel: int


def count(weights: Mapping[str, np.ndarray], prefix: str) -> int:
    """How many children a list of modules has: the different names that follow `prefix`."""
    depth = prefix.count(".")
    return len({name.split(".")[depth] for name in weights if name.startswith(prefix)})


def encoder_dimensions(weights: Mapping[str, np.ndarray], model: Mapping, version: str) -> dict[str, Any]:
    """The fields of an `EncoderConfig` from sanitised weights; heads from the official `config.model`."""
    filters, kernel, hidden = weights["enc_p.encoder_text.ffn_layers.0.conv_1.weight"].shape
    return {
        "version": version,
        "symbols": weights["enc_p.text_embedding.weight"].shape[0],
        "hidden_channels": hidden,
        "filter_channels": filters,
        "heads": int(model.get("n_heads", 2)),
        "layers": count(weights, "enc_p.encoder_text.attn_layers."),
        "ssl_layers": count(weights, "enc_p.encoder_ssl.attn_layers."),
        "post_layers": count(weights, "enc_p.encoder2.attn_layers."),
        "kernel": kernel,
        "window": weights["enc_p.encoder_text.attn_layers.0.emb_rel_k"].shape[1] // 2,
        "code_count": weights["quantizer.weight"].shape[0],
        "ssl_dim": weights["quantizer.weight"].shape[1],
        "mrte_channels": weights["enc_p.mrte.c_pre.weight"].shape[0],
        "spectrum_bins": weights["ref_enc.spectral.0.weight"].shape[1],
        "style_channels": weights["ref_enc.spectral.0.weight"].shape[0],
        "style_kernel": weights["ref_enc.temporal.0.weight"].shape[1],
    }


@dataclass(frozen=True)
class SovitsConfig(EncoderConfig):
    """Dimensions of a model. `speaker_dim` is 0 for models without a speaker embedding (v1, v2)."""

    flow_channels: int
    flow_layers: int
    flow_depth: int
    flow_kernel: int
    speaker_dim: int
    vocoder: VocoderConfig

    @property
    def flow_context(self) -> int:
        """Frames either side that a frame of the flow depends on."""
        return self.flow_layers * self.flow_depth * (self.flow_kernel // 2)

    @property
    def sample_rate(self) -> int:
        """Samples a second of what the model makes."""
        return FRAME_RATE * math.prod(self.vocoder.upsample_rates)

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray], model: Mapping, version: str) -> Self:
        """Dimensions from sanitised weights; heads, rates and dilations from the official `config.model`."""
        rates = tuple(int(r) for r in model.get("upsample_rates", (10, 8, 2, 2, 2)))
        branches = count(weights, "dec.resblocks.") // len(rates)
        dilations = model.get("resblock_dilation_sizes", [[1, 3, 5]] * branches)
        kernels = tuple(weights[f"dec.resblocks.{i}.convs1.0.weight"].shape[1] for i in range(branches))
        initial, _, inter = weights["dec.conv_pre.weight"].shape
        gin = weights["dec.cond.weight"].shape[1]
        return cls(
            **encoder_dimensions(weights, model, version),
            flow_channels=weights["flow.flows.0.pre.weight"].shape[0],
            flow_layers=count(weights, "flow.flows."),
            flow_depth=count(weights, "flow.flows.0.enc.in_layers."),
            flow_kernel=weights["flow.flows.0.enc.in_layers.0.weight"].shape[1],
            speaker_dim=weights["sv_emb.weight"].shape[1] if "sv_emb.weight" in weights else 0,
            vocoder=VocoderConfig(
                inter_channels=inter,
                initial_channels=initial,
                gin_channels=gin,
                upsample_rates=rates,
                upsample_kernels=tuple(weights[f"dec.ups.{i}.weight"].shape[1] for i in range(len(rates))),
                resblock_kernels=kernels,
                dilations=tuple(tuple(int(d) for d in row) for row in dilations),
            ),
        )


def resample_positions(frames: int, speed: float, ratio: float | None = None) -> tuple[np.ndarray, ...]:
    """Where each output frame of a speed change lies between input frames (linear, as torch's `align_corners=False`).

    Args:
        frames: input frames.
        speed: 1 keeps the length; the result has `int(frames / speed) + 1` frames.
        ratio: input frames per output frame; None: frames in by frames out, as the official decoder does.

    Returns:
        lower index, upper index (int32) and weight of the upper one (float32), each [out].
    """
    out = int(frames / speed) + 1
    ratio = frames / out if ratio is None else ratio
    position = np.clip((np.arange(out) + 0.5) * ratio - 0.5, 0, frames - 1)
    lower = position.astype(np.int32)
    return lower, np.minimum(lower + 1, frames - 1).astype(np.int32), (position - lower).astype(np.float32)
