"""What a weight file is, told by the names of its tensors, and where a file that is something else belongs."""

from collections.abc import Mapping

import numpy as np

from dora_primespeech_mlx.weights.source import CheckpointError

LORA_VERSIONS = {"03": "v3", "04": "v4"}
"""The two characters a LoRA file begins with."""
_TAKE_PRO = (
    "its diffusion decoder is not supported. Take a v1, v2, v2Pro or v2ProPlus voice; or s2Gv2ProPlus.pth with "
    "s1v3.ckpt (or a GPT file trained for v3 or v4, which fits it too) and a recording: primespeech voice add"
)
_MARKS = (
    ("lora", ".lora_", ""),
    ("v3", "cfm.", f"is a GPT-SoVITS v3 or v4 file; {_TAKE_PRO}."),
    ("discriminator", "discriminators.", "is a discriminator (s2D), which only training needs: give the s2G file."),
    ("t2s", "ar_audio_embedding.", "is a T2S (s1, GPT) model: give it with --t2s, and the SoVITS file with --sovits."),
    ("t2s", "semantic_embed.", "is a T2S (s1, GPT) model: give it with --t2s, and the SoVITS file with --sovits."),
    ("sovits", "enc_p.", "is a SoVITS (s2) model: give it with --sovits, and the T2S (s1) file with --t2s."),
    ("hubert", "feature_extractor.conv_layers.", "is HuBERT: give its folder with --hubert."),
    ("roberta", "embeddings.word_embeddings.", "is a BERT model: give the folder of RoBERTa with --roberta."),
    ("speaker", "layer1.0.conv", "is a speaker model: give it with --speaker."),
    ("vocoder", "resblocks.0.", "is a vocoder (of v3 or v4) alone, not a voice."),
)
"""Kind of file, a part of a tensor's name that tells it, and what to do with such a file where another is wanted."""
_PREFIXES = ("module.", "_orig_mod.", "vq_model.")
"""What wrappers of a training put before every name."""


def without_prefix(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights without a prefix that all names share because a wrapper of the training put it there."""
    for prefix in _PREFIXES:
        while weights and all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return dict(weights)


def kind_of(weights: Mapping[str, np.ndarray]) -> str | None:
    """What the weights are ("t2s", "sovits", "v3", "lora", "discriminator", "hubert", ...); None if not known."""
    return next((kind for kind, mark, _ in _MARKS if any(mark in name for name in weights)), None)


def check_kind(weights: Mapping[str, np.ndarray], wanted: str, header: str = "") -> None:
    """CheckpointError that says what the weights are, if it is known that they are not of the kind `wanted`.

    Args:
        weights: under the official names.
        wanted: "t2s", "sovits", or the kind of an encoder.
        header: the first two characters of the file.
    """
    kind = kind_of(weights)
    if kind == "lora":
        version = LORA_VERSIONS.get(header, "v3 or v4")
        raise CheckpointError(f"This is a LoRA of a GPT-SoVITS {version} model, which adapts one; {_TAKE_PRO}.")
    if kind is not None and kind != wanted:
        raise CheckpointError("This " + next(advice for known, _, advice in _MARKS if known == kind))
    if kind == "sovits" and "quantizer.weight" in weights:
        raise CheckpointError(
            'This is a file that primespeech convert wrote: it is converted already. Name its folder as "model" in '
            "voices.json."
        )
