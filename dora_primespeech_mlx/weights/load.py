"""Reading a model folder into MLX networks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.sovits import sanitize as sanitize_sovits
from dora_primespeech_mlx.nets.t2s import T2S, pad_heads
from dora_primespeech_mlx.nets.t2s import sanitize as sanitize_t2s
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.weights.official import (
    CONFIG_FILE,
    SOVITS_FILE,
    T2S_FILE,
    check_shapes,
    detect_version,
    sovits_config,
    sovits_network,
    symbols_of,
    t2s_config,
)
from dora_primespeech_mlx.weights.predecessor import official_names

FUSED_HEAD_WIDTH = 64
PRECISIONS = {"fp32": mx.float32, "fp16": mx.float16}
KEPT_IN_FP32 = ("ar_predict_layer.",)
SNAKE = "dec.activation_post.alpha"
"""A tensor of BigVGAN alone, which 16 bits leave 40 dB above their rounding where v4's generator has 54."""


@dataclass(frozen=True)
class Model:
    """Both networks of a voice, and what the front end needs to know of them."""

    t2s: T2S
    sovits: Sovits | DiffusionSovits
    version: str
    symbols: str


def load_model(weights: Path | tuple[Path, Path], *, precision: str = "fp32", wide_heads: bool = False) -> Model:
    """Loads the networks of a voice.

    Args:
        weights: a folder that `convert.convert` wrote (``t2s.safetensors``, ``sovits.safetensors``,
            ``config.json``), or the T2S and SoVITS files of a predecessor.
        precision: "fp32" or "fp16"; the layer that gives the logits stays fp32.
        wide_heads: pad attention heads to the width that has a fused kernel on Metal and CUDA.

    Raises:
        FileNotFoundError: a file is missing; the message says how to make it.
        CheckpointError: a file is damaged or does not fit the network.
    """
    if isinstance(weights, tuple):
        return _load_predecessor(*weights, precision, wide_heads)
    for name in (T2S_FILE, SOVITS_FILE, CONFIG_FILE):
        if not (weights / name).is_file():
            raise FileNotFoundError(
                f"{weights / name} is missing. Make the folder with: "
                f"primespeech convert --t2s S1.ckpt --sovits S2.pth --out {weights}"
            )
    path = weights / CONFIG_FILE
    try:
        config = json.loads(path.read_text("utf-8"))
        version, symbols = str(config["version"]), str(config["symbols"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a model's config ({error}); convert the model again.") from error
    return Model(
        build_t2s(read_torch(weights / T2S_FILE), config.get("t2s", {}), precision, wide_heads),
        build_sovits(read_torch(weights / SOVITS_FILE), config.get("sovits", {}), version, precision),
        version,
        symbols,
    )


def _load_predecessor(t2s_path: Path, sovits_path: Path, precision: str, wide_heads: bool) -> Model:
    """Files without a config: the usual head counts and rates are assumed."""
    raw = read_torch(sovits_path)
    version = detect_version(raw)
    sovits = build_sovits(sanitize_sovits(raw), {}, version, precision)
    t2s = build_t2s(official_names(sanitize_t2s(read_torch(t2s_path))), {}, precision, wide_heads)
    return Model(t2s, sovits, version, symbols_of(sovits.config.symbols))


def build_t2s(
    weights: Mapping[str, np.ndarray], config: Mapping[str, Any], precision: str = "fp32", wide_heads: bool = False
) -> T2S:
    """A T2S network from sanitised weights."""
    dimensions = t2s_config(weights, config)
    check_shapes(weights, T2S(dimensions), "T2S")
    arrays = _arrays(weights, precision)
    if wide_heads and dimensions.head_width < FUSED_HEAD_WIDTH:
        arrays = pad_heads(arrays, dimensions.heads, FUSED_HEAD_WIDTH)
        dimensions = replace(dimensions, head_width=FUSED_HEAD_WIDTH)
    return _filled(T2S(dimensions), arrays)


def build_sovits(
    weights: Mapping[str, np.ndarray], config: Mapping[str, Any], version: str, precision: str = "fp32"
) -> Any:
    """The s2 network from sanitised weights: `Sovits`, or `DiffusionSovits` of v3 and v4."""
    network = sovits_network(sovits_config(weights, config, version))
    check_shapes(weights, network, "SoVITS")
    return _filled(network, _arrays(weights, precision))


def _arrays(weights: Mapping[str, np.ndarray], precision: str) -> dict[str, mx.array]:
    kind = PRECISIONS[precision]
    kept = (*KEPT_IN_FP32, "dec.") if SNAKE in weights else KEPT_IN_FP32
    return {
        name: mx.array(value).astype(mx.float32 if name.startswith(kept) else kind) for name, value in weights.items()
    }


def _filled(network: Any, arrays: Mapping[str, mx.array]) -> Any:
    network.load_weights(list(arrays.items()), strict=True)
    network.eval()
    mx.eval(network.parameters())
    return network
