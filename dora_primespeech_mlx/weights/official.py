"""Official GPT-SoVITS checkpoints to a model folder: `t2s.safetensors`, `sovits.safetensors` and `config.json`.

Conversion is strict both ways: a tensor that no part of the network takes, or one that is missing, has another shape or
is not made of numbers, is an error that names it and its file. Nothing in a checkpoint is executed (see `checkpoint`),
and torch is not needed. The folder holds the old model or the new one at any moment (see `whole`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mlx.utils import tree_flatten

from dora_primespeech_mlx.files.contents import DOWNLOAD_AGAIN
from dora_primespeech_mlx.nets import sovits, t2s
from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES, DiffusionConfig
from dora_primespeech_mlx.text.symbols import SIZES, symbol_table
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint
from dora_primespeech_mlx.weights.dimensions import (
    diffusion_settings,
    sovits_config,
    sovits_settings,
    t2s_config,
    t2s_settings,
)
from dora_primespeech_mlx.weights.inventory import Symbols, own_symbols, read_symbols, symbols_of
from dora_primespeech_mlx.weights.kinds import check_kind, without_prefix
from dora_primespeech_mlx.weights.official_v34 import Companions, is_diffusion, read_diffusion
from dora_primespeech_mlx.weights.predecessor import official_names
from dora_primespeech_mlx.weights.safetensors_file import as_safetensors
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE, write_whole

PRO_PLUS_CHANNELS = 768
LARGEST_HALF = 65504.0
USUAL_HIDDEN = 512


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote: the folder, the model version, the number of parameters of both networks, and notes.

    `notes` are sentences on what was assumed.
    """

    folder: Path
    version: str
    t2s_parameters: int
    sovits_parameters: int
    notes: tuple[str, ...] = ()


def detect_version(weights: Mapping[str, np.ndarray], header: str = "") -> str:
    """Version of official s2 weights, which decide; the file's two-byte `header` only names what is refused.

    Raises:
        CheckpointError: for v3 and v4 files, whose decoder is another network, and for other symbol tables.
    """
    check_kind(weights, "sovits", header)
    if "sv_emb.weight" in weights:
        first = weights.get("dec.conv_pre.weight", weights.get("dec.conv_pre.weight_v"))
        return "v2ProPlus" if first is not None and first.shape[0] >= PRO_PLUS_CHANNELS else "v2Pro"
    symbols = weights.get("enc_p.text_embedding.weight")
    if symbols is None:
        raise CheckpointError(
            "The tensor enc_p.text_embedding.weight is missing, so this is not a SoVITS (s2) model. Give the file that "
            "GPT-SoVITS exported."
        )
    return "v1" if symbols.shape[0] == SIZES["v1"] else "v2"


def check_shapes(weights: Mapping[str, np.ndarray], module: Any, what: str) -> None:
    """Raises a `CheckpointError` that names the first missing, unknown or misshapen tensors of `module`."""
    expected = {name: tuple(value.shape) for name, value in dict(tree_flatten(module.parameters())).items()}
    missing = sorted(set(expected) - set(weights))
    unknown = sorted(set(weights) - set(expected))
    if missing or unknown:
        parts = [f"missing: {', '.join(missing[:4])}"] if missing else []
        parts += [f"unknown: {', '.join(unknown[:4])}"] if unknown else []
        way = "Is the file complete?" if missing else "Give the file as GPT-SoVITS exported it, with nothing added."
        raise CheckpointError(f"The {what} weights do not fit the network ({'; '.join(parts)}). {way}")
    for name, shape in expected.items():
        if tuple(weights[name].shape) != shape:
            raise CheckpointError(
                f"The {what} tensor {name} has shape {tuple(weights[name].shape)}, the network needs {shape}."
            )


def check_numbers(weights: Mapping[str, np.ndarray]) -> None:
    """Raises a `CheckpointError` that names the first tensor with NaN or infinity in it, or with no floats."""
    for name, value in weights.items():
        if value.dtype.kind != "f":
            raise CheckpointError(
                f"The tensor {name} holds {value.dtype} numbers, where 16 or 32-bit floats are needed: get the voice "
                "as it was exported."
            )
        if not _finite(value):
            raise CheckpointError(
                f"The tensor {name} holds values that are not numbers (NaN or infinity): the training diverged. "
                "Take an earlier epoch."
            )


def check_filled(weights: Mapping[str, np.ndarray]) -> None:
    """Raises a `CheckpointError` that names the first matrix of a T2S model in which there are zeros alone.

    A safetensors file whose download has holes looks so; training leaves none.
    """
    for name, value in weights.items():
        if value.ndim >= 2 and not value.any():
            raise CheckpointError(
                f"The tensor {name} holds zeros alone: the file has holes, or was never trained: {DOWNLOAD_AGAIN}."
            )


def _finite(value: np.ndarray) -> bool:
    if value.dtype == np.float16:  # NumPy has no fast path for these; all bits of the exponent are set in NaN and inf
        return not bool(((np.ascontiguousarray(value).view(np.uint16) & 0x7C00) == 0x7C00).any())
    return bool(np.isfinite(value).all())


@contextmanager
def of_file(path: str | Path) -> Iterator[None]:
    """Puts the file's name before what is found wrong with its weights."""
    try:
        yield
    except CheckpointError as error:
        text = str(error)
        said = f"{path}: {text[:1].lower() + text[1:] if text.startswith(('This ', 'The ')) else text}"
        raise CheckpointError(text if str(path) in text else said) from error


def read_t2s(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Sanitised weights and whole config of an official s1 file, checked against the network."""
    checkpoint = read_checkpoint(Path(path))
    with of_file(path):
        weights = sanitize_t2s(checkpoint.weights)
        check_shapes(weights, t2s.T2S(t2s_config(weights, checkpoint.config)), "T2S")
        check_numbers(weights)
        check_filled(weights)
    return weights, checkpoint.config


def sanitize_t2s(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """T2S weights under this package's names, whether they have the official ones or those of a predecessor.

    Raises:
        CheckpointError: they are known to be something else.
    """
    bare = without_prefix(weights)
    check_kind(bare, "t2s")
    with _well_formed("T2S (s1)"):
        return official_names(t2s.sanitize(bare))


def read_sovits(
    path: str | Path, companions: Companions | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Sanitised weights, whole config and version of an official s2 file, checked against the network.

    `companions` are what a v3 or v4 file needs besides itself; its vocoder is then among the weights and in the config.
    """
    checkpoint, companions = read_checkpoint(Path(path)), companions or Companions()
    config = checkpoint.config
    with of_file(path):
        bare = without_prefix(checkpoint.weights)
        if is_diffusion(bare):
            known = replace(checkpoint, weights=bare)
            weights, config, version = read_diffusion(known, Path(path), companions)
        else:
            weights, version = sanitize_sovits(bare, checkpoint.header)
            companions.refuse(Path(path), f"a {version} model", "base", "vocoder", "version")
        check_shapes(weights, sovits_network(sovits_config(weights, config, version)), "SoVITS")
        check_numbers(weights)
    return weights, config, version


def sovits_network(config: sovits.SovitsConfig | DiffusionConfig) -> sovits.Sovits | DiffusionSovits:
    """The s2 network of some dimensions, not filled yet."""
    return DiffusionSovits(config) if isinstance(config, DiffusionConfig) else sovits.Sovits(config)


def sanitize_sovits(weights: Mapping[str, np.ndarray], header: str = "") -> tuple[dict[str, np.ndarray], str]:
    """SoVITS weights under this package's names, and their version.

    Raises:
        CheckpointError: they are known to be something else.
    """
    bare = without_prefix(weights)
    version = detect_version(bare, header)
    with _well_formed("SoVITS (s2)"):
        return sovits.sanitize(bare), version


@contextmanager
def _well_formed(what: str) -> Iterator[None]:
    """Says which tensor is missing or misshapen where weights are brought into another form."""
    try:
        with np.errstate(all="ignore"):  # what is no number is named by `check_numbers`
            yield
    except KeyError as error:
        raise CheckpointError(f"The tensor {error.args[0]} is missing, so this is not a whole {what} model.") from error
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"The tensors of this {what} model have shapes that no such model has.") from error


def convert(
    t2s_path: str | Path,
    sovits_path: str | Path,
    out: str | Path,
    half: bool = False,
    note: Callable[[str], None] = lambda _: None,
    symbols: Path | None = None,
    companions: Companions | None = None,
) -> Converted:
    """Writes the model folder `out` from an official s1 `.ckpt` and s2 `.pth`.

    Args:
        t2s_path: the s1 file.
        sovits_path: the s2 file.
        out: folder to write.
        half: store every tensor in fp16. Official tensors are fp16 already, but folding weight norm rounds once more
            then (about 60 dB below the signal) where fp32 is exact.
        note: told what is done next.
        symbols: file of the symbol table of a fine-tune that has its own; None takes the official ones, or the one that
            the config of a file lists.
        companions: what a v3 or v4 file needs besides itself.

    Raises:
        FileNotFoundError: a file is not there.
        CheckpointError: a file is not readable or not such a model, or a tensor is missing, unknown, misshapen or not
            made of numbers.
        OSError: the folder cannot be written; a model that was in it is still whole.
    """
    note("T2S")
    t2s_weights, t2s_file = read_t2s(t2s_path)
    note("SoVITS")
    sovits_weights, sovits_file, version = read_sovits(sovits_path, companions)
    phones = t2s_weights["ar_text_embedding.word_embeddings.weight"].shape[0]
    rows = sovits_weights["enc_p.text_embedding.weight"].shape[0]
    inventory = _inventory(Path(t2s_path), phones, Path(sovits_path), rows, symbols, (sovits_file, t2s_file))
    config = {
        "version": version,
        "symbols": inventory,
        "t2s": t2s_settings(t2s_file),
        "sovits": (diffusion_settings if version in MEL_BASES else sovits_settings)(sovits_file),
    }
    if half:
        with of_file(t2s_path):
            t2s_weights = _halved(t2s_weights)
        with of_file(sovits_path):
            sovits_weights = _halved(sovits_weights)
    note("writing")
    contents = {T2S_FILE: partial(as_safetensors, t2s_weights), SOVITS_FILE: partial(as_safetensors, sovits_weights)}
    write_whole(Path(out), CONFIG_FILE, config, contents)
    notes = _assumed(Path(t2s_path), t2s_weights, t2s_file)
    return Converted(Path(out), version, _count(t2s_weights), _count(sovits_weights), notes)


def _inventory(
    t2s_path: Path, phones: int, sovits_path: Path, rows: int, given: Path | None, configs: tuple[dict[str, Any], ...]
) -> Symbols:
    """The symbol table of a pair of models with so many rows of phones."""
    own = read_symbols(given) if given is not None else own_symbols(configs, rows) if phones == rows else None
    if own is not None:
        for path, count in ((t2s_path, phones), (sovits_path, rows)):
            if count != len(own):
                raise CheckpointError(
                    f"{given} lists {len(own)} symbols and {path} knows {count}: they do not belong together"
                )
        official = next((version for version in SIZES if own == symbol_table(version).names), None)
        return official or own
    with of_file(sovits_path):
        inventory = symbols_of(rows, "SoVITS")
    with of_file(t2s_path):
        known = symbols_of(phones, "T2S")
    if SIZES[known] < SIZES[inventory]:
        raise CheckpointError(
            f"{t2s_path} is of {known} ({phones} symbols) and {sovits_path} of {inventory} ({rows}): give two files "
            "of one version"
        )
    return inventory


def check_fits_half(name: str, value: np.ndarray, instead: str) -> None:
    """Raises a `CheckpointError` that says what to do `instead` if 16 bits do not hold a tensor's values."""
    largest = float(np.abs(value).max(initial=0)) if value.dtype != np.float16 else 0.0
    if largest > LARGEST_HALF:
        raise CheckpointError(
            f"The tensor {name} reaches {largest:g}, more than 16 bits hold ({LARGEST_HALF:g}): {instead}."
        )


def _halved(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    for name, value in weights.items():
        check_fits_half(name, value, "convert without --half")
    return {name: value.astype(np.float16) for name, value in weights.items()}


def _assumed(path: Path, weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> tuple[str, ...]:
    dimensions = t2s_config(weights, config)
    if "head" in t2s_settings(config)["model"] or dimensions.hidden == USUAL_HIDDEN:
        return ()
    return (
        f"{path} has no config, so {dimensions.heads} attention heads are assumed (one for each 32 of "
        f"{dimensions.hidden}); if the voice babbles, give the file as the training exported it",
    )


def _count(weights: Mapping[str, np.ndarray]) -> int:
    return sum(value.size for value in weights.values())
