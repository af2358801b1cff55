"""Reading a model folder into MLX networks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S, pad_heads
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.weights.dimensions import sovits_config, t2s_config
from dora_primespeech_mlx.weights.inventory import Symbols, stored_symbols, symbols_of
from dora_primespeech_mlx.weights.official import (
    CONFIG_FILE,
    SOVITS_FILE,
    T2S_FILE,
    check_filled,
    check_fits_half,
    check_numbers,
    check_shapes,
    of_file,
    sanitize_sovits,
    sanitize_t2s,
    sovits_network,
)
from dora_primespeech_mlx.weights.whole import conversion, read_model, stamps_of

FUSED_HEAD_WIDTH = 64
CHANNELS = 16
"""Metal's direct convolutions take multiples of it."""
PRECISIONS = {"fp32": mx.float32, "fp16": mx.float16}
KEPT_IN_FP32 = ("ar_predict_layer.", ".activation")
"""Parts of names: the layer of the scores, and BigVGAN's activations."""


@dataclass(frozen=True)
class Model:
    """Both networks of a voice, and what the front end needs to know of them."""

    t2s: T2S
    sovits: Sovits | DiffusionSovits
    version: str
    symbols: Symbols


@dataclass(frozen=True)
class _Checked:
    """Both networks' weights, checked against their dimensions, before MLX has them."""

    t2s: dict[str, np.ndarray]
    t2s_config: T2SConfig
    sovits: dict[str, np.ndarray]
    sovits_config: SovitsConfig | DiffusionConfig
    symbols: Symbols


def load_model(weights: Path | tuple[Path, Path], *, precision: str = "fp32", wide: bool = False) -> Model:
    """Loads the networks of a voice.

    Args:
        weights: a folder that `official.convert` wrote (`t2s.safetensors`, `sovits.safetensors`, `config.json`), or
            the T2S and SoVITS files of a predecessor.
        precision: "fp32" or "fp16"; the layer that gives the logits stays fp32.
        wide: pad attention heads and the vocoder's channels to widths that have fast kernels on Metal, and fold biases
            so that a step has fewer operations.

    Raises:
        FileNotFoundError: a file is missing; the message says how to make it.
        CheckpointError: a file is damaged, does not fit the network, or is not the one that was converted.
    """
    checked = _check_pair(*weights) if isinstance(weights, tuple) else _check_folder(weights)
    t2s = _t2s(checked.t2s, checked.t2s_config, precision, wide)
    sovits = _filled(sovits_network(checked.sovits_config), _arrays(checked.sovits, precision))
    sovits.settle(CHANNELS if wide else 1)
    return Model(t2s, sovits, checked.sovits_config.version, checked.symbols)


def examine_model(weights: Path | tuple[Path, Path]) -> SovitsConfig | DiffusionConfig:
    """Checks the weights of a voice as `load_model` does, and makes no network of them.

    Returns:
        the dimensions of the SoVITS model.

    Raises:
        FileNotFoundError, CheckpointError: as `load_model`.
    """
    return (_check_pair(*weights) if isinstance(weights, tuple) else _check_folder(weights)).sovits_config


def _check_folder(folder: Path) -> _Checked:
    config, (t2s, sovits) = read_model(folder)
    with of_file(folder / CONFIG_FILE):
        version, symbols = config.get("version"), stored_symbols(config.get("symbols"))
        if not isinstance(version, str) or symbols is None:
            how = conversion(folder)
            raise CheckpointError(f"It is not a model's config (no version or symbols). Convert the model again: {how}")
        t2s_dimensions = t2s_config(t2s, config.get("t2s"))
        sovits_dimensions = sovits_config(sovits, config.get("sovits"), version)
        if isinstance(symbols, tuple) and len(symbols) != sovits_dimensions.symbols:
            raise CheckpointError(f"It lists {len(symbols)} symbols and the model knows {sovits_dimensions.symbols}.")
        if isinstance(symbols, str) and symbols != symbols_of(sovits_dimensions.symbols):
            raise CheckpointError(f"It says symbols {symbols!r}, and the model has those of another version.")
    stamped = stamps_of(config)
    _check_against(t2s, T2S(t2s_dimensions), "T2S", folder / T2S_FILE, known=T2S_FILE in stamped)
    _check_against(
        sovits, sovits_network(sovits_dimensions), "SoVITS", folder / SOVITS_FILE, known=SOVITS_FILE in stamped
    )
    return _Checked(t2s, t2s_dimensions, sovits, sovits_dimensions, symbols)


def _check_pair(t2s_path: Path, sovits_path: Path) -> _Checked:
    """Files without a config: the usual head counts and rates are assumed."""
    for path in (t2s_path, sovits_path):
        if path.suffix.lower() in (".ckpt", ".pth", ".pt"):
            files = f"--t2s {quote(str(t2s_path))} --sovits {quote(str(sovits_path))}"
            raise CheckpointError(
                f"{path} is an official checkpoint, which is converted once: primespeech convert {files} --out FOLDER; "
                'then name FOLDER as "model" of the voice'
            )
    raw_t2s, raw_sovits = read_torch(t2s_path), read_torch(sovits_path)
    with of_file(sovits_path):
        sovits, version = sanitize_sovits(raw_sovits)
        sovits_dimensions = sovits_config(sovits, {}, version)
        symbols = symbols_of(sovits_dimensions.symbols)
    with of_file(t2s_path):
        t2s = sanitize_t2s(raw_t2s)
        t2s_dimensions = t2s_config(t2s, {})
        symbols_of(t2s_dimensions.phones, "T2S")
    _check_against(t2s, T2S(t2s_dimensions), "T2S", t2s_path, known=False)
    with of_file(t2s_path):
        check_filled(t2s)
    _check_against(sovits, sovits_network(sovits_dimensions), "SoVITS", sovits_path, known=False)
    return _Checked(t2s, t2s_dimensions, sovits, sovits_dimensions, symbols)


def _check_against(weights: Mapping[str, np.ndarray], network: Any, what: str, path: Path, known: bool) -> None:
    """Checks names and shapes, and the numbers too unless they are `known` to be those that were converted."""
    with of_file(path):
        check_shapes(weights, network, what)
        if not known:
            check_numbers(weights)


def build_t2s(
    weights: Mapping[str, np.ndarray], config: Mapping[str, Any], precision: str = "fp32", wide: bool = False
) -> T2S:
    """A T2S network from sanitised weights."""
    dimensions = t2s_config(weights, config)
    check_shapes(weights, T2S(dimensions), "T2S")
    return _t2s(dict(weights), dimensions, precision, wide)


def build_sovits(
    weights: Mapping[str, np.ndarray], config: Mapping[str, Any], version: str, precision: str = "fp32"
) -> Any:
    """The s2 network from sanitised weights: `Sovits`, or `DiffusionSovits` of v3 and v4."""
    network = sovits_network(sovits_config(weights, config, version))
    check_shapes(weights, network, "SoVITS")
    network = _filled(network, _arrays(dict(weights), precision))
    network.settle()
    return network


def _t2s(weights: dict[str, np.ndarray], dimensions: T2SConfig, precision: str, wide: bool) -> T2S:
    arrays = _arrays(weights, precision)
    if wide and dimensions.head_width < FUSED_HEAD_WIDTH:
        arrays = pad_heads(arrays, dimensions.heads, FUSED_HEAD_WIDTH)
        dimensions = replace(dimensions, head_width=FUSED_HEAD_WIDTH)
    network = _filled(T2S(dimensions), arrays)
    if wide:
        network.settle()
    return network


def _arrays(weights: dict[str, np.ndarray], precision: str) -> dict[str, mx.array]:
    """Weights as MLX has them, taken out of the mapping one by one, so that there are not two of all."""
    kind, arrays = PRECISIONS[precision], {}
    for name in list(weights):
        value, exact = weights.pop(name), any(part in name for part in KEPT_IN_FP32)
        if precision == "fp16" and not exact:
            check_fits_half(name, value, "speak with PRECISION=fp32")
        arrays[name] = mx.array(value).astype(mx.float32 if exact else kind)
    return arrays


def _filled(network: Any, arrays: Mapping[str, mx.array]) -> Any:
    network.load_weights(list(arrays.items()), strict=True)
    network.eval()
    mx.eval(network.parameters())
    return network
