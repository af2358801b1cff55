"""``voices.json``: which voices there are, and where the files of each lie.

Two layouts are read. The first is a flat map of names to entries with ``gpt``, ``sovits``, ``reference``,
``prompt_text``, ``language`` and ``speed_factor``, whose codes lie as ``prompt_semantic.npy`` beside the SoVITS
weights.
The second has a ``voices`` map of entries with ``ref_audio``, ``ref_text``, ``codes_path``, ``text_lang``,
``prompt_lang``, ``speed_factor`` and ``aliases``, and beside it ``default_voice``, ``models_base_path`` and
``model``, the folder of converted weights (an entry may name its own).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dora_primespeech_mlx.settings import STEPS, expand

CODE_COUNT = 1024
SAMPLING_KEYS = ("top_k", "top_p", "temperature", "repetition_penalty")


@dataclass(frozen=True)
class VoiceEntry:
    """One voice as the file describes it, paths resolved.

    Attributes:
        name: as listed.
        weights: a converted model folder, or the two files (T2S, SoVITS) of a predecessor.
        references: recordings of the voice; the first is the one whose text and codes are known.
        prompt_text: what the first reference says; empty for a voice without a prompt.
        prompt_language: its language.
        language: of texts when the caller does not say; "auto" looks at each text.
        speed: 1 is the model's own.
        codes: file of the prompt's semantic codes, or None.
        aliases: other names.
        sampling: sampling options of this voice, a subset of top_k, top_p, temperature, repetition_penalty,
            noise_scale.
        lexicon: file of pronunciations (word to pinyin or ARPAbet), or None.
        steps: of a diffusion decoder (v3, v4); None for the executor's.
        vocoder: a vocoder that ``primespeech export --onnx`` wrote, used on CPUs when it is there, or None.
    """

    name: str
    weights: Path | tuple[Path, Path]
    references: tuple[Path, ...]
    prompt_text: str
    prompt_language: str
    language: str
    speed: float
    codes: Path | None
    aliases: tuple[str, ...] = ()
    sampling: Mapping[str, float] = field(default_factory=dict)
    lexicon: Path | None = None
    vocoder: Path | None = None
    steps: int | None = None

    def files(self) -> Iterator[Path]:
        """Every file the voice needs."""
        if isinstance(self.weights, Path):
            yield from (self.weights / name for name in ("t2s.safetensors", "sovits.safetensors", "config.json"))
        else:
            yield from self.weights
        yield from self.references
        yield from (path for path in (self.codes, self.lexicon) if path is not None)


class VoiceBook:
    """The voices of one file, found by name or alias without regard to case, spaces, underscores and hyphens."""

    def __init__(self, entries: list[VoiceEntry], default: str | None, path: Path):
        if not entries:
            raise ValueError(f"{path} lists no voice.")
        self.path = path
        self.entries = {entry.name: entry for entry in entries}
        self._names = {folded(alias): entry for entry in entries for alias in entry.aliases}
        self._names |= {folded(entry.name): entry for entry in entries}
        self.default = self.find(default).name if default else entries[0].name

    @property
    def names(self) -> list[str]:
        """Names in the order of the file."""
        return list(self.entries)

    def find(self, name: str | None) -> VoiceEntry:
        """The voice of that name or alias; None is the default.

        Raises:
            ValueError: no such voice; the message lists the known ones.
        """
        if name is None:
            return self.entries[self.default]
        entry = self._names.get(folded(name))
        if entry is None:
            raise ValueError(f"There is no voice {name!r}. Known voices: {', '.join(self.names)}.")
        return entry


def folded(name: str) -> str:
    """A name as it is compared."""
    return "".join(c for c in name.casefold() if c not in " _-\t")


def read_voices(path: str | Path) -> VoiceBook:
    """Reads a ``voices.json`` of either layout; relative paths start at its folder (or its ``models_base_path``).

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, or an entry lacks a field; the message names both.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. Set VOICES_CONFIG to the voices.json to use.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object that maps names to voices.")
    if isinstance(content.get("voices"), dict):
        folder = resolve(path.parent, content.get("models_base_path", "."))
        entries = [_entry(path, folder, name, item, content) for name, item in content["voices"].items()]
        return VoiceBook(entries, content.get("default_voice"), path)
    return VoiceBook([_predecessor(path, name, item) for name, item in content.items()], None, path)


def resolve(folder: Path, value: str) -> Path:
    """A path from a voices.json: ``~`` and ``$VAR`` expanded, relative ones from ``folder``."""
    return folder / expand(value)


def _entry(path: Path, folder: Path, name: str, item: Any, common: Mapping[str, Any]) -> VoiceEntry:
    reader = _Fields(path, name, item)
    model = reader.text("model", common.get("model"))
    gpt, sovits = reader.text("gpt", common.get("gpt")), reader.text("sovits", common.get("sovits"))
    if gpt and sovits:
        weights: Path | tuple[Path, Path] = (resolve(folder, gpt), resolve(folder, sovits))
    elif model:
        weights = resolve(folder, model)
    else:
        raise ValueError(
            f'{path}: the voice {name!r} names no weights. Add "model": the folder that primespeech convert wrote.'
        )
    references = item.get("ref_audios") or [reader.required("ref_audio")]
    language = reader.text("text_lang", "auto") or "auto"
    codes, lexicon, vocoder = (reader.text(key) for key in ("codes_path", "lexicon", "vits_onnx"))
    return VoiceEntry(
        name=name,
        weights=weights,
        references=tuple(resolve(folder, str(reference)) for reference in references),
        prompt_text=reader.text("ref_text") or "",
        prompt_language=reader.text("prompt_lang", language) or "auto",
        language=language,
        speed=reader.number("speed_factor", 1.0),
        codes=resolve(folder, codes) if codes else None,
        aliases=tuple(str(alias) for alias in item.get("aliases", ())),
        sampling={key: reader.number(key, 0.0) for key in (*SAMPLING_KEYS, "noise_scale") if key in item},
        lexicon=resolve(folder, lexicon) if lexicon else None,
        vocoder=resolve(folder, vocoder) if vocoder else None,
        steps=reader.steps(),
    )


def _predecessor(path: Path, name: str, item: Any) -> VoiceEntry:
    reader = _Fields(path, name, item)
    gpt, sovits, reference = (resolve(path.parent, reader.required(key)) for key in ("gpt", "sovits", "reference"))
    codes = sovits.parent / "prompt_semantic.npy"
    language = reader.required("language")
    return VoiceEntry(
        name=name,
        weights=(gpt, sovits),
        references=(reference,),
        prompt_text=reader.required("prompt_text"),
        prompt_language=language,
        language=language,
        speed=reader.number("speed_factor", 1.0),
        codes=codes if codes.is_file() else None,
    )


class _Fields:
    """Typed access to the fields of one entry, with errors that name file, voice and field."""

    def __init__(self, path: Path, name: str, item: Any):
        self._where = f"{path}: the voice {name!r}"
        if not isinstance(item, dict):
            raise ValueError(f"{self._where} must be a JSON object.")
        self._item = item

    def text(self, key: str, default: str | None = None) -> str | None:
        value = self._item.get(key, default)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{self._where} has {key} {value!r}; it must be text.")
        return value

    def required(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise ValueError(f"{self._where} lacks {key!r}.")
        return value

    def steps(self) -> int | None:
        value = self._item.get("steps")
        if value is not None and not STEPS.accepts(value):
            raise ValueError(f"{self._where} has steps {value!r}; it must be {STEPS.allowed}.")
        return value

    def number(self, key: str, default: float) -> float:
        value = self._item.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self._where} has {key} {value!r}; it must be a number.")
        return value


def read_codes(path: Path, count: int = CODE_COUNT) -> np.ndarray:
    """Semantic codes from raw little-endian int32 or ``.npy`` of any integer type.

    Args:
        path: the file; its content decides the format.
        count: size of the code book.

    Returns:
        int32 [n].

    Raises:
        FileNotFoundError: no such file.
        ValueError: empty, not integers, or a code outside 0..count - 1.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The codes {path} do not exist. Make them with: primespeech codes REF.wav --out {path}"
        )
    content = path.read_bytes()
    if content.startswith(b"\x93NUMPY"):
        codes = np.load(path, allow_pickle=False).reshape(-1)
        if codes.dtype.kind not in "iu":
            raise ValueError(f"{path} holds {codes.dtype} numbers; codes are integers.")
    elif len(content) % 4:
        raise ValueError(f"{path} has {len(content)} bytes, which is no whole number of int32 codes.")
    else:
        codes = np.frombuffer(content, dtype="<i4")
    if not len(codes):
        raise ValueError(f"{path} holds no codes.")
    if codes.min() < 0 or codes.max() >= count:
        raise ValueError(
            f"{path} holds codes from {codes.min()} to {codes.max()}; this model's lie between 0 and {count - 1}. "
            "Was the file made for another model?"
        )
    return codes.astype(np.int32)
