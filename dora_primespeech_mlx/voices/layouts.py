"""The layouts of a `voices.json`, and how an entry of each becomes a `VoiceEntry`.

Three layouts are read, which docs/voices.md tells: a map `voices` beside what all voices share, the flat map of a
predecessor, whose codes lie as `prompt_semantic.npy` beside its weights, and the `custom_voices.json` of MoFA and
Moxin, a list `voices` with recordings in a folder `custom_voices` beside it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.names.paths import there
from dora_primespeech_mlx.speech import SAMPLING_NAMES, Style
from dora_primespeech_mlx.voices.entry import VoiceEntry, folded
from dora_primespeech_mlx.voices.fields import Fields, alike, shown
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE

T2S_KEYS = ("gpt", "gpt_weights")
SOVITS_KEYS = ("sovits", "vits_weights", "sovits_weights")
COMMON = ("model", "default_voice", "models_base_path")
"""What the second layout says for all voices, beside their map."""
CUSTOM_FOLDER = "custom_voices"

Reader = Callable[[str, Fields], VoiceEntry]
"""A name and the fields of an entry -> the voice; ValueError names what is wrong."""


def layout(path: Path, content: dict[str, Any], common: Fields) -> tuple[dict[str, Any], Reader]:
    """The entries of a list by name, and what reads one of them.

    Args:
        path: the file.
        content: what it says.
        common: the fields of the file itself.

    Raises:
        ValueError: it has none of the layouts.
    """
    voices = content.get("voices")
    if isinstance(voices, dict):
        folder = common.path(path.parent, "models_base_path") or path.parent
        return voices, lambda name, fields: _entry(folder, name, fields, common)
    if isinstance(voices, list):
        return _named(path, voices), lambda name, fields: _custom(path.parent, name, fields, common)
    if "voices" in content:
        raise ValueError(f"{path} has voices {shown(voices)}; it must be an object of names to voices.")
    for key, value in content.items():
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        if alike(key, ["voices"]) and parts and all(isinstance(part, dict) for part in parts):
            raise ValueError(f"{path} has {shown(key)}, which is not read: rename it, 'voices' is meant.")
    if beside := next((key for key in COMMON if isinstance(content.get(key), str)), None):
        raise ValueError(
            f'{path} has {shown(beside)} beside its voices and no object "voices": write them into one, '
            '"voices": {"Ada": {...}}.'
        )
    return content, lambda name, fields: _flat(path.parent, name, fields)


def _weights(folder: Path, fields: Fields, common: Fields | None) -> Path | tuple[Path, Path]:
    """The weights that an entry names, or that the file names for all."""
    for part in (fields, common):
        if part is None:
            continue
        t2s, sovits = part.path(folder, *T2S_KEYS), part.path(folder, *SOVITS_KEYS)
        model = part.path(folder, "model")
        if t2s is not None and sovits is not None:
            return weights_of(t2s, sovits)
        if model is not None:
            return model
        if t2s is not None or sovits is not None:
            there_is, lacks = ("gpt", "sovits") if t2s is not None else ("sovits", "gpt")
            raise ValueError(
                f"{part.where} names its {there_is} weights and no {lacks} weights; a voice needs both"
                f"{part.renamed(lacks)}. "
                'Add them, or "model": the folder that primespeech convert wrote.'
            )
    raise ValueError(f'{fields.where} names no weights. Add "model": the folder that primespeech convert wrote.')


def weights_of(t2s: Path, sovits: Path) -> Path | tuple[Path, Path]:
    """Two weight files, or their folder if they are those that `primespeech convert` wrote into it."""
    written = (t2s.name, sovits.name) == (T2S_FILE, SOVITS_FILE) and t2s.parent == sovits.parent
    return t2s.parent if written and there(t2s.parent / CONFIG_FILE) else (t2s, sovits)


def _entry(folder: Path, name: str, fields: Fields, common: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, common)
    references = fields.texts("ref_audios") or fields.texts("ref_audio")
    if not references:
        raise fields.lacks("ref_audio")
    language = fields.language("text_lang", "auto")
    sampling = {key: fields.number(key) for key in (*SAMPLING_NAMES, "noise_scale")}
    return VoiceEntry(
        name=name,
        weights=weights,
        references=tuple(fields.resolved(folder, "ref_audio", reference) for reference in references),
        prompt_text=fields.words(folder, "ref_text"),
        prompt_language=fields.language("prompt_lang", language),
        language=language,
        speed=fields.number("speed_factor") or 1.0,
        codes=fields.path(folder, "codes_path"),
        aliases=fields.texts("aliases"),
        languages=fields.languages(common),
        sampling={key: value for key, value in sampling.items() if value is not None},
        lexicon=fields.path(folder, "lexicon"),
        vocoder=fields.path(folder, "vits_onnx"),
        steps=None if (steps := fields.number("steps")) is None else int(steps),
        volume=100.0 if (volume := fields.number("volume")) is None else volume,
        styles=_styles(folder, fields, language),
    )


def _styles(folder: Path, fields: Fields, language: str) -> tuple[Style, ...]:
    """The styles of an entry; ValueError where one cannot be told from another by its name."""
    styles: dict[str, Style] = {}
    for name, part in fields.parts("styles"):
        if not folded(name):
            raise ValueError(f"{part.where} has no letter in its name; give it one.")
        known = styles.setdefault(folded(name), _style(folder, name, part, language))
        if known.name != name:
            raise ValueError(
                f"{part.where} is called as the style {shown(known.name)} is (case, spaces, underscores and hyphens do "
                "not count): rename one."
            )
    return tuple(styles.values())


def _style(folder: Path, name: str, fields: Fields, language: str) -> Style:
    recording, codes = fields.path(folder, "ref_audio"), fields.path(folder, "codes_path")
    if recording is None and codes is None:
        raise ValueError(f"{fields.where} names neither 'ref_audio' nor 'codes_path'; a style is a recording.")
    fields.required("ref_text")
    return Style(name, fields.words(folder, "ref_text"), fields.language("prompt_lang", language), recording, codes)


def _flat(folder: Path, name: str, fields: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, None)
    sovits = fields.path(folder, *SOVITS_KEYS)
    codes = (weights if isinstance(weights, Path) else (sovits or weights[1]).parent) / "prompt_semantic.npy"
    fields.required("language")
    fields.required("prompt_text")
    language = fields.language("language", "auto")
    return VoiceEntry(
        name=name,
        weights=weights,
        references=(fields.resolved(folder, "reference", fields.required("reference")),),
        prompt_text=fields.words(folder, "prompt_text"),
        prompt_language=language,
        language=language,
        speed=fields.number("speed_factor") or 1.0,
        codes=codes if there(codes) else None,
    )


def _named(path: Path, items: list[Any]) -> dict[str, Any]:
    """The entries of a list by their names, or by their ids where two have one name."""
    named: dict[str, Any] = {}
    for number, item in enumerate(items):
        fields = Fields(path, item, f"number {number + 1}")
        if fields.text("ref_audio") is not None:
            raise ValueError(
                f'{path} has voices as a list, where names stand before them: write {{"Ada": {{...}}}} in place of '
                f"[{{...}}], with the name of each voice."
            )
        name = fields.text("name") or fields.required("id")
        named[fields.required("id") if name in named else name] = item
    return named


def _custom(folder: Path, name: str, fields: Fields, common: Fields) -> VoiceEntry:
    weights = _weights(folder, fields, common)
    language = fields.language("language", "auto")
    reference = fields.resolved(folder / CUSTOM_FOLDER, "reference_audio_path", fields.required("reference_audio_path"))
    identity = fields.text("id")
    return VoiceEntry(
        name=name,
        weights=weights,
        references=(reference,),
        prompt_text=fields.words(folder, "prompt_text"),
        prompt_language=language,
        language=language,
        speed=1.0,
        codes=None,
        aliases=(identity,) if identity and folded(identity) != folded(name) else (),
    )
