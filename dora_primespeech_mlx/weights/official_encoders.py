"""Official encoder files to the ones `encoders` loads.

HuBERT and RoBERTa come as Hugging Face folders (`config.json` beside `model.safetensors` or `pytorch_model.bin`), the
speaker model and the content encoder of a model with codes of its own (`training.train_content`) as one torch file.
Each becomes `KIND.safetensors`, with `KIND.json` for what the tensors do not tell, and RoBERTa's tokenizer; matrices of
a content encoder are stored in 8 bits. Strict both ways, nothing executed, no torch, as for the voices (`convert`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets import content, hubert, roberta, speaker
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_torch
from dora_primespeech_mlx.weights.dimensions import encoder_settings
from dora_primespeech_mlx.weights.kinds import check_kind, without_prefix
from dora_primespeech_mlx.weights.official import check_numbers, check_shapes, of_file
from dora_primespeech_mlx.weights.released import SETTINGS_FILE, read_settings, released
from dora_primespeech_mlx.weights.safetensors_file import as_safetensors
from dora_primespeech_mlx.weights.small import from_bytes, in_bytes
from dora_primespeech_mlx.weights.whole import TOKENIZER_FILE, write_whole

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class ConvertedEncoder:
    """What a conversion wrote: the kind of encoder, its weight file and the number of its parameters."""

    kind: str
    path: Path
    parameters: int


Weights = Mapping[str, np.ndarray]
Settings = Mapping[str, Any]


def _hubert(weights: Weights, settings: Settings) -> nn.Module:
    return hubert.Hubert(hubert.HubertConfig.from_weights(weights, settings))


def _roberta(weights: Weights, settings: Settings) -> nn.Module:
    return roberta.Roberta(roberta.RobertaConfig.from_weights(weights, settings))


def _speaker(weights: Weights, settings: Settings) -> nn.Module:
    return speaker.Speaker(speaker.SpeakerConfig.from_weights(weights))


def _content(weights: Weights, settings: Settings) -> nn.Module:
    return content.Content(content.ContentConfig.from_weights(weights))


@dataclass(frozen=True)
class _Kind:
    title: str
    sanitize: Callable[[Weights], dict[str, np.ndarray]]
    build: Callable[[Weights, Settings], nn.Module]
    folder: bool
    official: tuple[str, ...]
    small: bool = False


KINDS = {
    "hubert": _Kind("HuBERT", hubert.sanitize, _hubert, True, ("masked_spec_embed", "weight_g", "original0")),
    "roberta": _Kind("RoBERTa", roberta.sanitize, _roberta, True, ("embeddings.LayerNorm.weight",)),
    "speaker": _Kind("ERes2NetV2", speaker.sanitize, _speaker, False, ("bn1.weight",)),
    "content": _Kind("a content encoder", content.sanitize, _content, False, ("parts.weight",), small=True),
}


def own_names(kind: str, weights: Weights) -> Weights:
    """Weights under this package's names, whether they are so already, in bytes or not, or have the official ones.

    The predecessors of this package wrote safetensors of encoders under the official names.
    """
    named_officially = any(name.endswith(KINDS[kind].official) for name in weights)
    return KINDS[kind].sanitize(weights) if named_officially else from_bytes(weights) if KINDS[kind].small else weights


def build_encoder(kind: str, weights: Weights, settings: Settings) -> Any:
    """The network of a kind (one of `KINDS`) for sanitised weights, not filled yet.

    Raises:
        CheckpointError: a tensor is missing, unknown or misshapen, or the model is of another type.
    """
    title = KINDS[kind].title
    try:
        network = KINDS[kind].build(weights, settings)
    except CheckpointError:
        raise
    except KeyError as error:
        raise CheckpointError(f"The tensor {error.args[0]} is missing, so this is not a {title} model") from error
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        raise CheckpointError(f"These weights are not a {title} model that can be used: {error}") from error
    check_shapes(weights, network, title)
    return network


def convert_encoder(kind: str, source: str | Path, out: str | Path) -> ConvertedEncoder:
    """Write an encoder's files into the folder `out`.

    Args:
        kind: "hubert" (chinese-hubert-base), "roberta" (chinese-roberta-wwm-ext-large), "speaker" (ERes2NetV2) or
            "content" (of a model trained as `training` does).
        source: the official folder; for the speaker model and the content encoder, the file.
        out: any folder; a voice's model folder or one that several voices share.

    Raises:
        FileNotFoundError: a file is missing.
        CheckpointError: a file is damaged or is not that model.
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no encoder {kind!r}; convert one of {', '.join(KINDS)}")
    source, folder = released(Path(source)), Path(out)
    settings = _settings(source) if KINDS[kind].folder else {}
    weight_file = _weight_file(source) if KINDS[kind].folder else source
    raw = without_prefix(read_torch(weight_file))
    with of_file(weight_file):
        check_kind(raw, kind)
        weights = _sanitized(kind, raw)
        build_encoder(kind, weights, settings)
        check_numbers(weights)
    path = folder / f"{kind}.safetensors"
    stored = in_bytes(weights) if KINDS[kind].small else weights
    files: dict[str, Callable[[], bytes]] = {path.name: partial(as_safetensors, stored)}
    if kind == "roberta":
        files[TOKENIZER_FILE] = _tokenizer(source).read_bytes
    write_whole(folder, f"{kind}.json", settings, files)
    return ConvertedEncoder(kind, path, sum(value.size for value in weights.values()))


def _sanitized(kind: str, weights: Weights) -> dict[str, np.ndarray]:
    title = KINDS[kind].title
    try:
        return KINDS[kind].sanitize(weights)
    except KeyError as error:
        raise CheckpointError(f"It lacks the tensor {error.args[0]}: it is not {title}") from error
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"These weights are not a {title} model that can be used: {error}") from error


def _weight_file(source: Path) -> Path:
    for name in WEIGHT_FILES:
        if (source / name).is_file():
            return source / name
    raise FileNotFoundError(f"{source} holds neither {' nor '.join(WEIGHT_FILES)}; give the model's folder")


def _settings(source: Path) -> dict[str, Any]:
    written = read_settings(source, "give the model's folder as it was downloaded")
    with of_file(source / SETTINGS_FILE):
        try:
            return encoder_settings(written)
        except CheckpointError as error:
            raise CheckpointError(f"{error} Download it again") from error


def _tokenizer(source: Path) -> Path:
    path = source / "tokenizer.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: RoBERTa needs its tokenizer; download it from where the model is")
    return path
