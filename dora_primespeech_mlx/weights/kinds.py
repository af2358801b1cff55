"""What a weight file is, told by the names of its tensors, and where a file that is something else belongs."""

from collections.abc import Iterable, Mapping

import numpy as np

from dora_primespeech_mlx.weights.source import CheckpointError

LORA_VERSIONS = {"03": "v3", "04": "v4"}
"""The two characters a LoRA file begins with."""
_CONVERT = (
    "convert it with primespeech convert --t2s s1v3.ckpt --sovits FILE --vocoder VOCODER, and a LoRA with --base too"
)
_GIVE = "give it with --{} ({} in voices.json), and the other file of the voice with --{} ({})"
_MARKS = (
    ("lora", ".lora_", "a LoRA of a GPT-SoVITS {} model, which adapts one", _CONVERT),
    ("v3", "cfm.", "a GPT-SoVITS v3 or v4 file", _CONVERT),
    ("discriminator", "discriminators.", "a discriminator (s2D), which only training needs", "give the s2G file"),
    ("t2s", "ar_audio_embedding.", "a T2S (s1, GPT) model", _GIVE.format("t2s", "gpt", "sovits", "sovits")),
    ("t2s", "semantic_embed.", "a T2S (s1, GPT) model", _GIVE.format("t2s", "gpt", "sovits", "sovits")),
    ("sovits", "enc_p.", "a SoVITS (s2) model", _GIVE.format("sovits", "sovits", "t2s", "gpt")),
    ("hubert", "feature_extractor.conv_layers.", "HuBERT", "give its folder with --hubert"),
    ("roberta", "embeddings.word_embeddings.", "a BERT model", "give the folder of RoBERTa with --roberta"),
    ("speaker", "layer1.0.conv", "a speaker model", "give it with --speaker"),
    ("vocoder", "resblocks.0.", "a vocoder (of v3 or v4)", "give it with --vocoder, and the s2G file with --sovits"),
    ("content", "fine.0.depthwise.", "a content encoder", "give it with --content"),
)
"""Kind of file, a part of a tensor's name that tells it, what it is, and what to do with it where another is wanted."""
_BOTH = ("ar_audio_embedding.", "enc_p.")
_WANTED = {
    "t2s": "a T2S (s1) model",
    "sovits": "a SoVITS (s2) model",
    "hubert": "HuBERT",
    "roberta": "RoBERTa",
    "speaker": "a speaker model",
    "content": "a content encoder",
}
_OTHERS = (
    ("RVC, which changes voices and reads no text", ("enc_p.emb_phone.",)),
    ("so-vits-svc, which changes voices and reads no text", ("emb_uv.", "f0_decoder.")),
    ("VITS or Bert-VITS2", ("enc_p.emb.", "enc_p.bert_proj.")),
    ("F5-TTS", ("ema_model",)),
    ("CosyVoice", ("llm_embedding.", "spk_embed_affine_layer.", "speech_token_embedding.")),
    ("XTTS", ("hifigan_decoder.",)),
    ("IndexTTS or Tortoise", ("mel_head.", "text_head.")),
    ("Fish Speech", ("codebook_embeddings.", "fast_layers.")),
    ("ChatTTS", ("emb_code.", "head_code.")),
    ("Kokoro or StyleTTS 2", ("bert_encoder", "predictor_encoder", "prosodic_style_encoder")),
)
"""Other programs, and what the name of a tensor, or of a group of them, begins with in their files."""
OURS = "give the two files of a GPT-SoVITS voice"


def of_another_program(names: Iterable[str]) -> str | None:
    """The program whose weights have such names of tensors and groups, in the words of a sentence; None for none."""
    bare = [name.removeprefix("module.").removeprefix("model.") for name in names]
    return next((program for program, marks in _OTHERS if any(name.startswith(marks) for name in bare)), None)


def without_prefix(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights without what wrappers put before every name ("module.", "net_g."), told by names that are known."""
    for _, mark, _, _ in _MARKS:
        known = next((name for name in weights if mark in name), "")
        prefix = known[: known.find(mark)]
        if known and not prefix:
            break
        if prefix.endswith(".") and all(name.startswith(prefix) for name in weights):
            return {name.removeprefix(prefix): value for name, value in weights.items()}
    return dict(weights)


def kind_of(weights: Mapping[str, np.ndarray]) -> str | None:
    """What the weights are ("t2s", "sovits", "v3", "lora", "discriminator", "hubert", ...); None if not known."""
    return next((kind for kind, mark, _, _ in _MARKS if any(mark in name for name in weights)), None)


def check_kind(weights: Mapping[str, np.ndarray], wanted: str, header: str = "") -> None:
    """CheckpointError that says what the weights are, if it is known that they are not of the kind `wanted`.

    Args:
        weights: under the official names.
        wanted: "t2s", "sovits", or the kind of an encoder.
        header: the first two characters of the file.
    """
    kind = kind_of(weights)
    if program := of_another_program(weights):
        raise CheckpointError(f"This is a model of {program}: {OURS}.")
    if kind == "t2s" and all(any(mark in name for name in weights) for mark in _BOTH):
        raise CheckpointError(
            "This file holds both models of a voice: give the .ckpt and the .pth that GPT-SoVITS exported, or save the "
            "tensors of each model in a file of their own."
        )
    if kind is not None and kind != wanted:
        what, advice = next((what, advice) for known, _, what, advice in _MARKS if known == kind)
        what = what.format(LORA_VERSIONS.get(header, "v3 or v4"))
        raise CheckpointError(f"This is {what}, not {_WANTED[wanted]}: {advice}.")
    if kind == "sovits" and "quantizer.weight" in weights:
        raise CheckpointError(
            'This is a file that primespeech convert wrote: it is converted already. Name its folder as "model" in '
            "voices.json."
        )
