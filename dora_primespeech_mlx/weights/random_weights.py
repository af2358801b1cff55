"""Model folders with random weights of the released sizes, for benchmarks: the sound is noise, the arithmetic is real.

Values are fan-in scaled normals in float16, norms near one, biases small, so that activations stay in the range trained
models have. The end of a sequence is never the likeliest code, so decoding runs to whatever limit it is given.
"""

import math
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES, DiffusionConfig, DiTConfig
from dora_primespeech_mlx.nets.dimensions.sovits import EncoderConfig, SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig, VocoderConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.weights.official import CONFIG_FILE, SOVITS_FILE, T2S_FILE, sovits_network
from dora_primespeech_mlx.weights.safetensors_file import as_safetensors
from dora_primespeech_mlx.weights.whole import write_whole

SYMBOLS = 732
RATES = (10, 8, 2, 2, 2)
DILATIONS = ((1, 3, 5),) * 3


def _t2s(hidden: int, heads: int, layers: int) -> T2SConfig:
    return T2SConfig(
        hidden=hidden,
        heads=heads,
        layers=layers,
        feed_forward=4 * hidden,
        phones=SYMBOLS,
        vocabulary=1025,
        end=1024,
        head_dim=hidden // heads,
        head_width=hidden // heads,
        max_seconds=54,
    )


def _sovits(
    version: str,
    *,
    width: int = 192,
    filters: int = 768,
    layers: int = 6,
    channels: int = 512,
    gin: int = 512,
    mrte: int = 512,
    ssl: int = 768,
    speaker: int = 0,
    first_kernel: int = 16,
) -> SovitsConfig:
    return SovitsConfig(
        version=version,
        symbols=SYMBOLS,
        hidden_channels=width,
        filter_channels=filters,
        heads=2,
        layers=layers,
        ssl_layers=layers // 2,
        post_layers=layers // 2,
        kernel=3,
        window=4,
        code_count=1024,
        ssl_dim=ssl,
        mrte_channels=mrte,
        spectrum_bins=704,
        style_channels=128,
        style_kernel=5,
        flow_channels=width,
        flow_layers=4,
        flow_depth=4,
        flow_kernel=5,
        speaker_dim=speaker,
        vocoder=VocoderConfig(width, channels, gin, RATES, (first_kernel, 16, 8, 2, 2), (3, 7, 11), DILATIONS),
    )


BIGVGAN: dict[str, Any] = {
    "num_mels": 100,
    "upsample_rates": (4, 4, 2, 2, 2, 2),
    "upsample_kernel_sizes": (8, 8, 4, 4, 4, 4),
    "upsample_initial_channel": 1536,
    "resblock_kernel_sizes": (3, 7, 11),
    "resblock_dilation_sizes": DILATIONS,
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
}
"""What NVIDIA's config says of the generator at 24 kHz with 100 bands."""
LOW_PASS = np.sinc((np.arange(12) - 5.5) / 2) * np.kaiser(12, 4.66)
LOW_PASS /= LOW_PASS.sum()
"""The generator's filters: half the band, 12 taps."""


def _diffusion(version: str, vocoder: VocoderConfig | BigVGANConfig) -> DiffusionConfig:
    like = _sovits("v2")
    return DiffusionConfig(
        **{field.name: getattr(like, field.name) for field in fields(EncoderConfig)} | {"version": version},
        gin=512,
        feature_channels=512,
        wave_layers=8,
        wave_kernel=5,
        dit=DiTConfig(
            mel=100,
            text=512,
            text_hidden=1024,
            text_blocks=4,
            text_kernel=7,
            dim=1024,
            inner=1024,
            head_dim=64,
            feed_forward=2048,
            depth=22,
            groups=16,
            position_kernel=31,
        ),
        vocoder=vocoder,
        mel=MEL_BASES[version],
    )


MEL_VOCODER = VocoderConfig(100, 512, 0, (10, 6, 2, 2, 2), (20, 12, 4, 4, 4), (3, 7, 11), DILATIONS, final_bias=True)
SIZES: dict[str, tuple[T2SConfig, SovitsConfig | DiffusionConfig]] = {
    "v2": (_t2s(512, 16, 24), _sovits("v2")),
    "v2Pro": (_t2s(512, 16, 24), _sovits("v2Pro", gin=1024, speaker=20480)),
    "v2ProPlus": (
        _t2s(512, 16, 24),
        _sovits("v2ProPlus", channels=768, gin=1024, speaker=20480, first_kernel=20),
    ),
    "v3": (_t2s(512, 16, 24), _diffusion("v3", BigVGANConfig.from_settings(BIGVGAN))),
    "v4": (_t2s(512, 16, 24), _diffusion("v4", MEL_VOCODER)),
    "demo": (
        _t2s(320, 5, 6),
        _sovits("v2", width=128, filters=512, layers=4, channels=256, gin=256, mrte=256, ssl=128),
    ),
}
"""The T2S and s2 networks of each size: the released ones, and one like the voice that ships."""


def random_weights(network: Any, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Random float16 weights for every parameter of a network, by name."""
    weights = {}
    for name, parameter in dict(tree_flatten(network.parameters())).items():
        shape, leaf = tuple(parameter.shape), name.rsplit(".", 1)[-1]
        value: np.ndarray = random.standard_normal(shape, dtype=np.float32)
        if leaf == "inverse_frequencies":
            value = 1e4 ** -(np.arange(shape[0]) / shape[0])
        elif leaf == "modulations":
            value = value / 4
        elif leaf.startswith(("up_", "down_")):
            taps = LOW_PASS[::2] if leaf.endswith("odd") else LOW_PASS[1::2]
            value = np.broadcast_to((2 if leaf.startswith("up_") else 1) * taps[None, :, None], shape)
        elif leaf == "inverse_beta":
            value = np.exp(value / 10)
        elif leaf == "alpha" or ("norm" in name and leaf == "weight"):
            value = 1 + value / 10
        elif leaf == "bias" or len(shape) < 2:
            value = value / 20
        elif name != "quantizer.weight":
            value = value / math.sqrt(math.prod(shape[1:]))
        weights[name] = value.astype(np.float16)
    return weights


def write_random_model(folder: str | Path, size: str) -> None:
    """Writes a model folder as `official.convert` does.

    Args:
        folder: made if it is not there.
        size: a key of `SIZES`.

    Raises:
        ValueError: for an unknown size.
    """
    if size not in SIZES:
        raise ValueError(f"{size!r} is not a size of model; choose one of {', '.join(SIZES)}.")
    t2s, sovits = SIZES[size]
    random = np.random.default_rng(0)
    codes = random_weights(T2S(t2s), random)
    codes["ar_predict_layer.weight"][t2s.end] = 0
    latents = random_weights(sovits_network(sovits), random)
    if isinstance(sovits, DiffusionConfig):
        settings: dict[str, Any] = {"model": {"n_heads": sovits.heads}, "vocoder": BIGVGAN}
    else:
        settings = {"model": {"n_heads": sovits.heads, "upsample_rates": RATES, "resblock_dilation_sizes": DILATIONS}}
    config = {
        "version": sovits.version,
        "symbols": "v2",
        "t2s": {"model": {"head": t2s.heads, "EOS": t2s.end}, "data": {"max_sec": t2s.max_seconds}},
        "sovits": settings,
    }
    files = {T2S_FILE: partial(as_safetensors, codes), SOVITS_FILE: partial(as_safetensors, latents)}
    write_whole(Path(folder), CONFIG_FILE, config, files)
