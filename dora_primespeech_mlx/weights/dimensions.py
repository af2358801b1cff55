"""What a network's dimensions are: from its weights, and the few that those do not tell from its config, checked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np

from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES, DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig, VocoderConfig
from dora_primespeech_mlx.weights.source import CheckpointError

WIDEST = 1 << 16
WIDEST_T2S = 4096
DEEPEST = 128
"""No model has wider or more layers; what asks for them is damaged or hostile."""
_GIVE = "Give the file that GPT-SoVITS exported."
_CHANGED = "convert the file as the training exported it"


def t2s_settings(config: Any) -> dict[str, Any]:
    """What is kept of an s1 config: {"model": {"head", "EOS"}, "data": {"max_sec"}}, as far as it is there.

    Raises:
        CheckpointError: a value is none that a model can have; the message names it.
    """
    model, data = _part(config, "model"), _part(config, "data")
    found = {
        "model": {"head": _whole(model, "head", 1, 256), "EOS": _whole(model, "EOS", 0, WIDEST)},
        "data": {"max_sec": _whole(data, "max_sec", 1, 600)},
    }
    return {part: {key: value for key, value in values.items() if value is not None} for part, values in found.items()}


def sovits_settings(config: Any) -> dict[str, Any]:
    """What is kept of an s2 config: {"model": {"n_heads", "upsample_rates", "resblock_dilation_sizes"}}.

    Raises:
        CheckpointError: a value is none that a model can have; the message names it.
    """
    model = _part(config, "model")
    dilations = model.get("resblock_dilation_sizes")
    if dilations is not None and not (isinstance(dilations, list) and dilations):
        raise _wrong("resblock_dilation_sizes", dilations)
    found = {
        "n_heads": _whole(model, "n_heads", 1, 256),
        "upsample_rates": _row(model.get("upsample_rates"), "upsample_rates"),
        "resblock_dilation_sizes": None
        if dilations is None
        else [_row(row, "resblock_dilation_sizes") or _wrong_row(dilations) for row in dilations],
    }
    return {"model": {key: value for key, value in found.items() if value is not None}}


def diffusion_settings(config: Any) -> dict[str, Any]:
    """What is kept of the config of a v3 or v4 model: {"model": {"n_heads"}, "vocoder": BigVGAN's settings (v3)}.

    Raises:
        CheckpointError: a value is none that a model can have; the message names it.
    """
    heads, vocoder = _whole(_part(config, "model"), "n_heads", 1, 256), dict(_part(config, "vocoder"))
    return {"model": {} if heads is None else {"n_heads": heads}} | ({"vocoder": vocoder} if vocoder else {})


def t2s_config(weights: Mapping[str, np.ndarray], config: Any) -> T2SConfig:
    """Dimensions of a sanitised s1 model.

    Raises:
        CheckpointError: a tensor they need is missing or has another shape, or the config does not fit.
    """
    settings = t2s_settings(config)
    with _measured("T2S (s1)"):
        found = T2SConfig.from_weights(weights, settings)
    _plausible(found, "T2S")
    if found.hidden > WIDEST_T2S:
        raise CheckpointError(f"This T2S (s1) model is {found.hidden} wide, which no such model is.")
    if found.hidden % found.heads or found.head_width != found.head_dim:
        raise CheckpointError(
            f"The config says that the T2S (s1) model has {found.heads} heads, which does not fit its width of "
            f"{found.hidden}: {_CHANGED}."
        )
    if found.end >= found.vocabulary:
        raise CheckpointError(
            f"The config says that code {found.end} ends a text; the T2S (s1) model has no such code."
        )
    return found


def diffusion_config(weights: Mapping[str, np.ndarray], config: Any, version: str) -> DiffusionConfig:
    """Dimensions of a sanitised v3 or v4 model with its vocoder. Errors as `t2s_config`."""
    settings = diffusion_settings(config)
    try:
        own = {name.removeprefix("dec."): value for name, value in weights.items() if name.startswith("dec.")}
        dec: BigVGANConfig | VocoderConfig
        if version == "v3":
            dec = BigVGANConfig.from_settings(settings["vocoder"])
        else:
            dec = VocoderConfig.from_mel_weights(own)
        found = DiffusionConfig.from_weights(weights, settings["model"], version, dec)
    except KeyError as error:
        raise CheckpointError(f"{error.args[0]} is missing, so this is not a {version} model. {_GIVE}") from error
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"The tensors or settings of this {version} model have forms that no such model has. {_GIVE}"
        ) from error
    for part in (found, found.dit, found.vocoder):
        _plausible(part, version)
    return found


def sovits_config(weights: Mapping[str, np.ndarray], config: Any, version: str) -> SovitsConfig | DiffusionConfig:
    """Dimensions of a sanitised s2 model. Errors as `t2s_config`."""
    if version in MEL_BASES:
        return diffusion_config(weights, config, version)
    settings = sovits_settings(config)
    with _measured("SoVITS (s2)"):
        found = SovitsConfig.from_weights(weights, settings["model"], version)
    _plausible(found, "SoVITS")
    vocoder = found.vocoder
    _plausible(vocoder, "SoVITS")
    pairs = zip(vocoder.upsample_rates, vocoder.upsample_kernels, strict=True)
    if any(kernel < rate or (kernel - rate) % 2 for rate, kernel in pairs):
        raise CheckpointError(
            f"The config says upsample_rates {list(vocoder.upsample_rates)}, which do not fit the vocoder's kernels "
            f"{list(vocoder.upsample_kernels)}: {_CHANGED}."
        )
    if found.hidden_channels % found.heads:
        raise CheckpointError(
            f"The config says n_heads {found.heads}, which does not fit the width of {found.hidden_channels}: "
            f"{_CHANGED}."
        )
    if len(vocoder.dilations) != len(vocoder.resblock_kernels):
        raise CheckpointError(
            f"The config says {len(vocoder.dilations)} rows of resblock_dilation_sizes, where the vocoder has "
            f"{len(vocoder.resblock_kernels)} kernels: {_CHANGED}."
        )
    return found


def encoder_settings(config: Any) -> dict[str, Any]:
    """What is kept of the settings of HuBERT or RoBERTa, as far as it is there.

    Raises:
        CheckpointError: they are no settings, or a value is none that a model can have; the message names it.
    """
    if not isinstance(config, Mapping):
        raise _wrong("config", config)
    eps = config.get("layer_norm_eps")
    if eps is not None and not (isinstance(eps, float) and 0 < eps < 1):
        raise _wrong("layer_norm_eps", eps)
    found = {
        "conv_stride": _row(config.get("conv_stride"), "conv_stride"),
        "do_stable_layer_norm": config.get("do_stable_layer_norm"),
        "feat_extract_norm": config.get("feat_extract_norm"),
        "layer_norm_eps": eps,
        "num_attention_heads": _whole(config, "num_attention_heads", 1, 256),
    }
    return {key: value for key, value in found.items() if value is not None}


@contextmanager
def _measured(what: str) -> Iterator[None]:
    """Dimensions are taken from tensors: what is missing or misshapen there is an error in words."""
    try:
        yield
    except KeyError as error:
        raise CheckpointError(
            f"The tensor {error.args[0]} is missing, so this is not a {what} model. {_GIVE}"
        ) from error
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"The tensors of this {what} model have shapes that no such model has. {_GIVE}"
        ) from error


def _plausible(config: Any, what: str) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        most = DEEPEST if "layers" in field.name or "depth" in field.name else WIDEST
        least = 0 if field.name in ("speaker_dim", "window", "end", "gin_channels") else 1
        if type(value) is int and not least <= value <= most:
            raise CheckpointError(f"This {what} model has {field.name} {value}, which no such model has.")


def _part(config: Any, key: str) -> Mapping[str, Any]:
    """A part of a config, empty where it is missing or null."""
    if not isinstance(config, Mapping | None):
        raise _wrong("config", config)
    part = None if config is None else config.get(key)
    if not isinstance(part, Mapping | None):
        raise _wrong(key, part)
    return part or {}


def _whole(part: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    value = part.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and (type(value) is not int or not least <= value <= most):
        raise _wrong(key, value)
    return value


def _row(value: Any, key: str) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 16:
        raise _wrong(key, value)
    numbers = [_whole({key: number}, key, 1, 64) for number in value]
    return [number for number in numbers if number is not None] if None not in numbers else _wrong_row(value)


def _wrong_row(value: Any) -> list[int]:
    raise _wrong("config", value)


def _wrong(key: str, value: Any) -> CheckpointError:
    return CheckpointError(f"The config says {key} {str(value)[:60]!r}, which no model has: {_CHANGED}.")
