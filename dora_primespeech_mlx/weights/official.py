"""Official GPT-SoVITS checkpoints to a model folder: ``t2s.safetensors``, ``sovits.safetensors`` and ``config.json``.

Conversion is strict both ways: a tensor that no part of the network takes, or one that is missing or has another shape,
is an error that names it. Nothing in a checkpoint is executed (see `checkpoint`), and torch is not needed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.nets import sovits, t2s
from dora_primespeech_mlx.nets.diffusion import MEL_BASES, DiffusionConfig, DiffusionSovits
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint, write_weights
from dora_primespeech_mlx.weights.official_v34 import Companions, diffusion_config, is_diffusion, read_diffusion

T2S_FILE = "t2s.safetensors"
SOVITS_FILE = "sovits.safetensors"
CONFIG_FILE = "config.json"
VERSIONS_BY_HEADER = {"00": "v1", "01": "v2", "05": "v2Pro", "06": "v2ProPlus"}
V1_SYMBOLS = 322
PRO_PLUS_CHANNELS = 768


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote: the folder, the model version and the number of parameters of both networks."""

    folder: Path
    version: str
    t2s_parameters: int
    sovits_parameters: int


def detect_version(weights: Mapping[str, np.ndarray], header: str = "") -> str:
    """Version of official s2 weights; the file's two-byte ``header`` counts where the weights leave a choice.

    Raises:
        CheckpointError: for v3 and v4 files, which `official_v34` reads, and for what is not an s2 file.
    """
    if is_diffusion(weights):
        raise CheckpointError(
            "This is a GPT-SoVITS v3 or v4 file as it was released: convert it with primespeech convert."
        )
    if "sv_emb.weight" in weights:
        tagged = VERSIONS_BY_HEADER.get(header, "")
        if tagged.startswith("v2Pro"):
            return tagged
        return "v2ProPlus" if weights["dec.conv_pre.weight"].shape[0] >= PRO_PLUS_CHANNELS else "v2Pro"
    symbols = weights.get("enc_p.text_embedding.weight")
    if symbols is None:
        raise CheckpointError("The tensor enc_p.text_embedding.weight is missing, so this is not a SoVITS (s2) file.")
    return symbols_of(symbols.shape[0])


def symbols_of(count: int) -> str:
    """Name of the phone inventory with so many symbols."""
    return "v1" if count == V1_SYMBOLS else "v2"


def check_shapes(weights: Mapping[str, np.ndarray], module: Any, what: str) -> None:
    """Raises a `CheckpointError` that names the first missing, unknown or misshapen tensors of ``module``."""
    expected = {name: tuple(value.shape) for name, value in dict(tree_flatten(module.parameters())).items()}
    missing = sorted(set(expected) - set(weights))
    unknown = sorted(set(weights) - set(expected))
    if missing or unknown:
        parts = [f"missing: {', '.join(missing[:4])}"] if missing else []
        parts += [f"unknown: {', '.join(unknown[:4])}"] if unknown else []
        raise CheckpointError(f"The {what} weights do not fit the network ({'; '.join(parts)}). Is the file complete?")
    for name, shape in expected.items():
        if tuple(weights[name].shape) != shape:
            raise CheckpointError(
                f"The {what} tensor {name} has shape {tuple(weights[name].shape)}, the network needs {shape}."
            )


def t2s_config(weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> t2s.T2SConfig:
    """Dimensions of a sanitised s1 model; a `CheckpointError` names a tensor they need and do not find."""
    try:
        return t2s.T2SConfig.from_weights(weights, config)
    except KeyError as error:
        raise CheckpointError(f"The tensor {error.args[0]} is missing, so this is not a T2S (s1) model.") from error


def sovits_config(
    weights: Mapping[str, np.ndarray], config: Mapping[str, Any], version: str
) -> sovits.SovitsConfig | DiffusionConfig:
    """Dimensions of a sanitised s2 model; a `CheckpointError` names a tensor they need and do not find."""
    if version in MEL_BASES:
        return diffusion_config(weights, config, version)
    try:
        return sovits.SovitsConfig.from_weights(weights, config.get("model", {}), version)
    except KeyError as error:
        raise CheckpointError(f"The tensor {error.args[0]} is missing, so this is not a SoVITS (s2) model.") from error


def sovits_network(config: sovits.SovitsConfig | DiffusionConfig) -> sovits.Sovits | DiffusionSovits:
    """The s2 network of some dimensions, not filled yet."""
    return DiffusionSovits(config) if isinstance(config, DiffusionConfig) else sovits.Sovits(config)


def read_t2s(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Sanitised weights and config of an official s1 file, checked against the network."""
    checkpoint = read_checkpoint(Path(path))
    weights = t2s.sanitize(checkpoint.weights)
    check_shapes(weights, t2s.T2S(t2s_config(weights, checkpoint.config)), "T2S")
    return weights, {key: checkpoint.config[key] for key in ("model", "data") if key in checkpoint.config}


def read_sovits(
    path: str | Path, companions: Companions | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Sanitised weights, config and version of an official s2 file, checked against the network."""
    checkpoint = read_checkpoint(Path(path))
    if is_diffusion(checkpoint.weights):
        weights, config, version = read_diffusion(checkpoint, Path(path), companions or Companions())
    else:
        version = detect_version(checkpoint.weights, checkpoint.header)
        weights = sovits.sanitize(checkpoint.weights)
        config = {key: checkpoint.config[key] for key in ("model",) if key in checkpoint.config}
    check_shapes(weights, sovits_network(sovits_config(weights, config, version)), "SoVITS")
    return weights, config, version


def convert(
    t2s_path: str | Path,
    sovits_path: str | Path,
    out: str | Path,
    half: bool = False,
    note: Callable[[str], None] = lambda _: None,
    companions: Companions | None = None,
) -> Converted:
    """Writes the model folder ``out`` from an official s1 ``.ckpt`` and s2 ``.pth``.

    Args:
        t2s_path: the s1 file.
        sovits_path: the s2 file.
        out: folder to write.
        half: store every tensor in fp16. Official tensors are fp16 already, but folding weight norm rounds once more
            then (about 60 dB below the signal) where fp32 is exact.
        note: told what is done next.
        companions: what a v3 or v4 file needs besides itself.

    Raises:
        CheckpointError: a file is not readable or not such a model, or a tensor is missing, unknown or misshapen.
    """
    note("T2S")
    t2s_weights, t2s_settings = read_t2s(t2s_path)
    note("SoVITS")
    sovits_weights, sovits_settings, version = read_sovits(sovits_path, companions)
    phones = t2s_weights["ar_text_embedding.word_embeddings.weight"].shape[0]
    symbols = sovits_weights["enc_p.text_embedding.weight"].shape[0]
    if phones < symbols:
        raise CheckpointError(
            f"The T2S model knows {phones} phones and the SoVITS model {symbols}: they are of different versions."
        )
    config = {
        "version": version,
        "symbols": symbols_of(symbols),
        "t2s": t2s_settings,
        "sovits": sovits_settings,
    }
    if half:
        t2s_weights, sovits_weights = (
            {name: value.astype(np.float16) for name, value in weights.items()}
            for weights in (t2s_weights, sovits_weights)
        )
    note("writing")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(t2s_weights, folder / T2S_FILE)
    write_weights(sovits_weights, folder / SOVITS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Converted(folder, version, _count(t2s_weights), _count(sovits_weights))


def _count(weights: Mapping[str, np.ndarray]) -> int:
    return sum(value.size for value in weights.values())
