"""Dimensions as JSON, so that graphs that are stored know their network's."""

from dataclasses import fields, is_dataclass
from typing import Any

from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig, DiTConfig, MelBase
from dora_primespeech_mlx.nets.dimensions.encoders import ContentConfig, HubertConfig, RobertaConfig, SpeakerConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import BigVGANConfig, VocoderConfig

KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        BigVGANConfig,
        ContentConfig,
        DiTConfig,
        DiffusionConfig,
        HubertConfig,
        MelBase,
        RobertaConfig,
        SovitsConfig,
        SpeakerConfig,
        T2SConfig,
        VocoderConfig,
    )
}
KIND = "kind"


def as_json(value: Any) -> Any:
    """Dimensions, and whatever they are made of, as what JSON knows."""
    if is_dataclass(value):
        return {KIND: type(value).__name__, **{part.name: as_json(getattr(value, part.name)) for part in fields(value)}}
    return [as_json(item) for item in value] if isinstance(value, tuple) else value


def from_json(value: Any) -> Any:
    """What `as_json` wrote. KeyError or TypeError for anything else."""
    if isinstance(value, dict):
        return KINDS[value[KIND]](**{name: from_json(part) for name, part in value.items() if name != KIND})
    return tuple(from_json(item) for item in value) if isinstance(value, list) else value
