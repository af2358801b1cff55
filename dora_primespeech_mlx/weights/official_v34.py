"""Official v3 and v4 files to one s2 network: base models, LoRAs merged into their base, and vocoders.

A fine-tune of these versions is a LoRA: low-rank changes of the attention, and all of what was trained in full (the
style encoder, bridge, wave encoder and codebook). Both versions have the same tensors, so the file's hash or its header
tells them apart, or the user does.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.nets import bigvgan, diffusion, vocoder
from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES
from dora_primespeech_mlx.weights.checkpoint import Checkpoint, CheckpointError, read_checkpoint, read_torch
from dora_primespeech_mlx.weights.released import SETTINGS_FILE, read_settings, released

VERSIONS = tuple(MEL_BASES)
BASES = {"v3": "s2Gv3.pth", "v4": "s2Gv4.pth"}
VOCODERS = {
    "v3": "the folder models--nvidia--bigvgan_v2_24khz_100band_256x",
    "v4": "the file vocoder.pth of gsv-v4-pretrained",
}
VERSIONS_BY_HASH = {"43797be674a37c1c83ee81081941ed0f": "v3", "4f26b9476d0c5033e04162c486074374": "v4"}
"""MD5 of the first `HASHED` bytes of the released base models."""
HASHED = 8192
VERSIONS_BY_HEADER = {"02": "v3", "03": "v3", "04": "v4"}
GENERATOR_FILES = ("bigvgan_generator.pt", "bigvgan_generator.safetensors")
ADAPTED = "cfm.base_model.model."
_ADAPTER = re.compile(r"(.+)\.lora_([AB])\.default\.weight")


@dataclass(frozen=True)
class Companions:
    """What a v3 or v4 file needs besides itself.

    Attributes:
        base: the base model of a LoRA.
        vocoder: BigVGAN's folder for v3, the generator's file for v4.
        version: "v3" or "v4", where neither hash nor header tells.
    """

    base: Path | None = None
    vocoder: Path | None = None
    version: str | None = None

    def refuse(self, path: Path, kind: str, *names: str) -> None:
        """CheckpointError if one of these was given, which the file `path`, of that `kind`, has no use for."""
        given = [f"--{name}" for name in names if getattr(self, name) is not None]
        if given:
            raise CheckpointError(f"{path} is {kind}: leave out {' and '.join(given)}")


def is_diffusion(weights: Mapping[str, np.ndarray]) -> bool:
    """Whether official s2 weights are of v3 or v4."""
    return any(name.startswith("cfm.") or ".lora_" in name for name in weights)


def is_lora(weights: Mapping[str, np.ndarray]) -> bool:
    """Whether official weights are changes of a base model."""
    return any(".lora_" in name for name in weights)


def read_diffusion(
    checkpoint: Checkpoint, path: Path, companions: Companions
) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Sanitised weights with the vocoder's, settings for the model's config, and version of an official file.

    Raises:
        FileNotFoundError: a companion is not there.
        CheckpointError: a companion is needed and not given, or is not what the file needs.
    """
    version = find_version(checkpoint, path, companions.version)
    weights = checkpoint.weights
    if is_lora(weights):
        weights = merge(checkpoint, path, _base(checkpoint, path, version, companions.base), companions.base)
    else:
        companions.refuse(path, f"a whole {version} model and no LoRA", "base")
    if companions.vocoder is None:
        raise CheckpointError(
            f"{path} is a {version} model, which needs its vocoder: add --vocoder with {VOCODERS[version]}"
        )
    generator, settings = read_vocoder(companions.vocoder, version)
    try:
        clean = diffusion.sanitize(weights)
    except KeyError as error:
        raise CheckpointError(f"{path} lacks the tensor {error.args[0]}, so this is not a {version} model") from error
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"The tensors of {path} have shapes that no {version} model has") from error
    model = {key: checkpoint.config[key] for key in ("model",) if key in checkpoint.config}
    return clean | {f"dec.{name}": value for name, value in generator.items()}, model | settings, version


def find_version(checkpoint: Checkpoint, path: Path, told: str | None) -> str:
    """Whether "v3" or "v4", by the file's hash, its header or the user's word.

    Raises:
        CheckpointError: none of them tells, or the user says otherwise than the file.
    """
    if told is not None and told not in VERSIONS:
        raise CheckpointError(f"{told!r} is not a version with a diffusion decoder; say v3 or v4")
    found = known_version(checkpoint, path)
    if found is None and told is None:
        raise CheckpointError(
            f"{path} is a v3 or a v4 model; nothing in it tells which, since their tensors are alike: add --version v3 "
            "or --version v4"
        )
    if found is not None and told is not None and found != told:
        raise CheckpointError(f"{path} is a {found} model; leave out --version {told}")
    return found or str(told)


def known_version(checkpoint: Checkpoint, path: Path) -> str | None:
    """The version that a file's hash or header tells, or None."""
    with path.open("rb") as file:
        digest = hashlib.md5(file.read(HASHED), usedforsecurity=False).hexdigest()
    return VERSIONS_BY_HASH.get(digest) or VERSIONS_BY_HEADER.get(checkpoint.header)


def rank_of(checkpoint: Checkpoint, path: Path) -> int:
    """The rank of a LoRA; CheckpointError where its tensors and its note differ."""
    ranks = {len(value) for name, value in checkpoint.weights.items() if ".lora_A." in name and value.ndim == 2}
    if checkpoint.lora_rank is not None:
        ranks.add(checkpoint.lora_rank)
    if len(ranks) != 1:
        raise CheckpointError(
            f"{path} is a LoRA of several ranks ({', '.join(map(str, sorted(ranks)))}): it is damaged, export it again"
        )
    return ranks.pop()


def _base(checkpoint: Checkpoint, path: Path, version: str, base: Path | None) -> Mapping[str, np.ndarray]:
    """Weights of the base model a LoRA changes."""
    rank = rank_of(checkpoint, path)
    wanted = f"{path} is a {version} LoRA of rank {rank}, which needs its base model {BASES[version]}"
    if base is None:
        raise CheckpointError(f"{wanted}: add --base {BASES[version]}")
    found = read_checkpoint(base)
    if is_lora(found.weights):
        raise CheckpointError(f"{wanted}; {base} is a LoRA itself")
    if not is_diffusion(found.weights):
        raise CheckpointError(f"{wanted}; {base} is a model without a diffusion decoder")
    named = re.search(r"s2Gv([34])", base.name)
    if known_version(found, base) is None and named and f"v{named[1]}" != version:
        raise CheckpointError(
            f"{wanted}; {base} has the name of the base of v{named[1]}: give the other one, or rename it"
        )
    if (known_version(found, base) or version) != version:
        raise CheckpointError(f"{wanted}; {base} is the base of {known_version(found, base)}")
    return found.weights


def merge(
    checkpoint: Checkpoint, path: Path, base: Mapping[str, np.ndarray], base_path: Path | None = None
) -> dict[str, np.ndarray]:
    """A base model with a LoRA's changes: W + B A in float32, and all else that the file holds in place of the base's.

    Raises:
        CheckpointError: a tensor of the file has no place in the base, another shape there, or lacks its other half.
    """
    merged = dict(base)
    changes: dict[str, dict[str, np.ndarray]] = {}
    for name, value in checkpoint.weights.items():
        place = f"cfm.{name.removeprefix(ADAPTED)}" if name.startswith(ADAPTED) else name
        found = _ADAPTER.fullmatch(place)
        if found:
            changes.setdefault(f"{found[1]}.weight", {})[found[2]] = value.astype(np.float32)
            continue
        if place not in base or base[place].shape != value.shape:
            raise CheckpointError(f"The tensor {name} of {path} does not fit the base {base_path or ''}".rstrip())
        merged[place] = value
    for place, halves in changes.items():
        if set(halves) != {"A", "B"}:
            raise CheckpointError(f"{path} holds only half of the change of {place}: it is damaged, export it again")
        shape = halves["B"].shape[:1] + halves["A"].shape[1:]
        if place not in base or base[place].shape != shape or halves["B"].shape[1:] != halves["A"].shape[:1]:
            raise CheckpointError(f"The change of {place} in {path} does not fit the base {base_path or ''}".rstrip())
        merged[place] = base[place].astype(np.float32) + halves["B"] @ halves["A"]
    return merged


def read_vocoder(path: Path, version: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Sanitised weights of a version's vocoder, and what the model's config must say of it.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is damaged, or not the vocoder of that version.
    """
    wanted = f"the vocoder of {version}: give {VOCODERS[version]}"
    if version == "v4":
        if path.is_dir():
            raise CheckpointError(f"{path} is not {wanted}")
        weights = read_torch(path, "generator", wanted)
        if any(".act." in name for name in weights) or "conv_pre.weight" not in weights:
            raise CheckpointError(f"{path} is not {wanted}")
        return vocoder.sanitize(weights), {}
    folder = released(path) if path.is_dir() else path.parent
    named = [path] if path.is_file() and path.name != SETTINGS_FILE else []
    file = next((file for file in (*named, *(folder / name for name in GENERATOR_FILES)) if file.is_file()), None)
    if file is None:
        raise FileNotFoundError(f"{folder} holds neither {' nor '.join(GENERATOR_FILES)}: give {VOCODERS['v3']}")
    weights = read_torch(file, "generator", wanted)
    if not any(".act." in name for name in weights):
        raise CheckpointError(f"{path} is not {wanted}")
    settings = read_settings(folder, f"give {VOCODERS['v3']} as downloaded")
    try:
        bigvgan.BigVGANConfig.from_settings(settings)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / SETTINGS_FILE} does not describe the vocoder of v3 ({error})") from error
    return bigvgan.sanitize(weights, bool(settings.get("snake_logscale", True))), {"vocoder": settings}
