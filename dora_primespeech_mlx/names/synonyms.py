"""Names of one thing in files and messages of this package, of its predecessors and of other programs."""

from collections.abc import Iterable

SYNONYMS = (
    frozenset(("speed_factor", "speed", "rate", "speed_rate", "speaking_rate")),
    frozenset(("volume", "gain", "loudness")),
    frozenset(("voice", "speaker", "voice_name", "voice_id", "speaker_id", "character")),
    frozenset(("styles", "style", "emotions", "emotion")),
    frozenset(("language", "lang", "text_lang", "text_language", "lang_code")),
    frozenset(("prompt_lang", "prompt_language", "ref_lang", "ref_language", "reference_lang")),
    frozenset(("ref_text", "prompt_text", "text", "transcript", "ref_transcript", "reference_text", "refer_text")),
    frozenset(
        ("ref_audio", "reference", "ref_audio_path", "reference_audio", "reference_audio_path", "refer_wav_path",
         "recording", "audio", "wav", "ref_wav", "ref_wav_path", "prompt_audio")
    ),
    frozenset(("codes_path", "codes", "prompt_semantic", "semantic", "semantic_path")),
    frozenset(("repetition_penalty", "repeat_penalty")),
    frozenset(("temperature", "temp")),
    frozenset(("steps", "sample_steps")),
    frozenset(("model", "model_dir", "model_path", "weights")),
    frozenset(("default_voice", "default")),
    frozenset(("aliases", "alias")),
)  # fmt: skip
COMMANDS = ("reset", "stop", "cancel", "stats", "list_voices", "change_voice", "set")
_STOP = ("interrupt", "abort", "flush", "clear")
"""What other programs call the command `stop`."""


def as_key(written: str) -> str:
    """A key as it is compared: without case, with _ for - ."""
    return written.strip().casefold().replace("-", "_")


def is_known(written: str) -> bool:
    """Whether a key is the name of something, here or in other programs."""
    return any(as_key(written) in group for group in SYNONYMS)


def same_thing(written: str, names: Iterable[str]) -> str | None:
    """The first of `names` that means what a key means elsewhere, or is that key; None if none does."""
    key = as_key(written)
    group = next((group for group in SYNONYMS if key in group), frozenset((key,)))
    return next((name for name in names if name == key), None) or next((name for name in names if name in group), None)


def command_named(written: str) -> str | None:
    """The command of that name, here or in other programs; None if there is none."""
    name = as_key(written).rstrip(".!;。！；")
    return "stop" if name in _STOP else name if name in COMMANDS else None
