"""New voices from recordings: their codes as a file, and their entry in a `voices.json`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dora_primespeech_mlx.audio import read_audio
from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import locked, make_folder, replace_file
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.runtime.factory import choose, require_mlx, s2_runner
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner
from dora_primespeech_mlx.settings import SHIPPED_VOICES, Settings
from dora_primespeech_mlx.speech import SAMPLING_NAMES
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.voices.book import VoiceEntry, folded, list_voices
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.voices.fields import Fields, resolve
from dora_primespeech_mlx.voices.library import encoder_folders
from dora_primespeech_mlx.voices.recording import advise, advise_pace, check_length, codes_from_samples

if TYPE_CHECKING:
    from dora_primespeech_mlx.weights.load import Model

CODE_FILES = (".bin", ".npy")
RECORDINGS = "recordings"
_LONGEST_FOLDER = 60


@dataclass(frozen=True)
class Enrolled:
    """A voice that was added: the files written, its codes (None without a text) and what to record better."""

    voices: Path
    references: tuple[Path, ...]
    codes: np.ndarray | None
    advice: tuple[str, ...]


def write_codes(path: str | Path, codes: np.ndarray) -> Path:
    """Write codes [n] as `.bin` (little-endian int32, nothing else) or `.npy`; returns the path.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    if path.suffix not in CODE_FILES:
        raise ValueError(f"Codes are written as {' or '.join(CODE_FILES)}, not as {path.name!r}")
    make_folder(path.parent)
    numbers = np.asarray(codes).astype("<i4")
    content = BytesIO()
    if path.suffix == ".npy":
        np.save(content, numbers)
    else:
        content.write(numbers.tobytes())
    replace_file(path, content.getvalue())
    return path


def codes_file(recording: Path, model: Path, out: Path, settings: Settings, encoders: Path | None = None) -> Enrolled:
    """Codes of a recording for a model, written to `out` (see `write_codes`).

    Args:
        recording: a sound file of 3 to 10 s.
        model: a folder that `primespeech convert` wrote.
        out: the file to write.
        settings: runtime and threads.
        encoders: a folder with a content encoder; None looks where voices of the model would.

    Raises:
        FileNotFoundError: a file is missing, or the model has no content encoder.
        ValueError: the recording cannot be used, or the encoder belongs to another model.
    """
    samples, rate = read_audio(recording)
    check_length(samples, rate, str(recording))
    codes = codes_from_samples(
        samples, rate, _encoders(model, out.parent, settings, encoders), _runner(_loaded(model), settings)
    )
    return Enrolled(write_codes(out, codes), (recording,), codes, advise(samples, rate, str(recording)))


def _loaded(weights: Path | tuple[Path, Path]) -> "Model":
    require_mlx(f"A recording gives no codes for {weights if isinstance(weights, Path) else weights[1]}")
    from dora_primespeech_mlx.weights.load import load_model

    return load_model(weights)


def _runner(model: "Model", settings: Settings) -> SovitsRunner | DiffusionRunner:
    return s2_runner(model.sovits, settings.runtime, "fp32", settings.threads)


def add_voice(
    voices: Path,
    name: str,
    recordings: Sequence[Path],
    settings: Settings,
    *,
    text: str = "",
    language: str = "auto",
    model: Path | None = None,
    encoders: Path | None = None,
    speed: float = 1.0,
    replace: bool = False,
) -> Enrolled:
    """Add a voice made of recordings to a `voices.json`, which is made if it is not there.

    The recordings are copied beside it, with the codes of the first. Without a text a voice takes the timbre alone.
    It draws codes as the default voice of its model does, in this file or in the one that ships. Several may add
    voices at once. What a voice that is replaced was made of is left where it is.

    Args:
        voices: the file.
        name: of the voice.
        recordings: of one speaker; the first of 3 to 10 s, speaking `text`.
        settings: runtime and threads.
        text: exactly what the first recording says.
        language: of the text, and of what the voice will say unless told otherwise.
        model: a folder that `primespeech convert` wrote; None is the one the file names, and where it names none, the
            one that ships.
        encoders: a folder with a content encoder; None looks where the voice will.
        speed: 1 is the model's own.
        replace: whether a voice of that name may be replaced.

    Raises:
        FileNotFoundError: a file is missing, or the model has no content encoder and there is a text.
        ValueError: a recording or the text cannot be used, the name is taken, or the file is of a predecessor.
    """
    if not folded(name):
        raise ValueError("A voice needs a name with a letter or a digit in it")
    Fields(voices, {"ref_text": text}, name).text("ref_text")  # what could not be read again is not written
    known = _known(voices, name, replace)
    base = resolve(voices.parent, known.get("models_base_path") or ".")
    shipped, home = _shipped()
    folder = model or (resolve(base, known["model"]) if known.get("model") else home)
    if folder.resolve() != home.resolve():
        shipped = {}
    loaded = _loaded(folder)
    common = known if known.get("model") else shipped
    speaks = () if _has_own_model(known, base, folder) else common.get("languages", ())
    frontend = Frontend(loaded.symbols, speaks=speaks)
    frontend.check(language)

    if isinstance(loaded.sovits.config, DiffusionConfig) and not text.strip():
        raise ValueError(
            f"{folder} is a {loaded.version} model, which takes a voice from a recording whose words it knows: "
            "say them with --text"
        )
    sounds = [read_audio(recording) for recording in recordings]
    check_length(*sounds[0], str(recordings[0]))
    advice = [
        sentence for sound, path in zip(sounds, recordings, strict=True) for sentence in advise(*sound, str(path))
    ]
    codes = None
    if text.strip():
        phones = len(frontend(text, language).ids)
        advice += advise_pace(phones, len(sounds[0][0]) / sounds[0][1], str(recordings[0]))
        found = _encoders(folder, voices.parent, settings, encoders)
        codes = codes_from_samples(*sounds[0], found, _runner(loaded, settings))

    make_folder(voices.parent)
    with locked(voices.parent):
        content = _known(voices, name, replace)  # another may have added a voice meanwhile
        taken = _taken(content, name)
        place, copies = _copied(voices.parent / RECORDINGS, name, recordings)
        entry: dict[str, Any] = {"ref_audios": [_relative(copy, base) for copy in copies], "ref_text": text.strip()}
        if codes is not None:
            entry["codes_path"] = _relative(write_codes(place / "codes.npy", codes), base)
        entry |= {"text_lang": language, "prompt_lang": language, "speed_factor": speed}
        entry |= _sampling(shipped if _has_own_model(content, base, folder) else content) or _sampling(shipped)
        if not content.get("model"):
            content["model"] = _relative(folder, base)
            content |= {"languages": shipped["languages"]} if shipped else {}
        elif _has_own_model(content, base, folder):
            entry["model"] = _relative(folder, base)
            if "languages" in content:
                entry["languages"] = []
        # The first voice of a list without a default is its default, and stays it.
        kept = {name if key == taken else key: value for key, value in content["voices"].items()}
        content["voices"] = kept | {name: entry}
        default = content.get("default_voice")
        if default == taken if default else not kept:
            content["default_voice"] = name
        _write(voices, content)
    return Enrolled(voices, tuple(copies), codes, tuple(advice))


def add_style(
    voices: Path,
    name: str,
    style: str,
    recording: Path,
    settings: Settings,
    *,
    text: str,
    language: str = "auto",
    encoders: Path | None = None,
    replace: bool = False,
) -> Enrolled:
    """Add a style to a voice of a `voices.json`: a recording whose prosody the voice can follow.

    The recording is copied beside the file, with its codes.

    Args:
        voices: the file.
        name: of the voice, or an alias.
        style: name of the style.
        recording: 3 to 10 s of anybody, speaking `text`.
        settings: runtime and threads.
        text: exactly what it says.
        language: of the text.
        encoders: a folder with HuBERT; None looks where the voice will.
        replace: whether a style of that name may be replaced.

    Raises:
        FileNotFoundError: a file is missing, or the model has no content encoder.
        ValueError: there is no such voice, the recording or the text cannot be used, the name is taken, or the file is
            of a predecessor.
    """
    if not folded(style):
        raise ValueError("A style needs a name with a letter or a digit in it")
    if not text.strip():
        raise ValueError(f"A style is a recording and its words: say what {recording} says with --text")
    Fields(voices, {"ref_text": text}, style, "the style").text("ref_text")
    content, entry = _with_style(voices, name, style, replace)
    loaded = _loaded(entry.weights)
    frontend = Frontend(loaded.symbols, speaks=entry.languages)
    frontend.check(language)
    samples, rate = read_audio(recording)
    check_length(samples, rate, str(recording))
    advice = [*advise(samples, rate, str(recording))]
    advice += advise_pace(len(frontend(text, language).ids), len(samples) / rate, str(recording))
    found = _encoders(entry.folder, voices.parent, settings, encoders)
    codes = codes_from_samples(samples, rate, found, _runner(loaded, settings))
    with locked(voices.parent):
        content, entry = _with_style(voices, name, style, replace)  # another may have added a voice meanwhile
        base = resolve(voices.parent, content.get("models_base_path") or ".")
        place, (copy,) = _copied(voices.parent / RECORDINGS, f"{entry.name} {style}", [recording])
        styles = content["voices"][entry.name].setdefault("styles", {})
        for taken in [known for known in styles if folded(known) == folded(style)]:
            del styles[taken]
        styles[style] = {
            "ref_audio": _relative(copy, base),
            "ref_text": text.strip(),
            "codes_path": _relative(write_codes(place / "codes.npy", codes), base),
            "prompt_lang": language,
        }
        _write(voices, content)
    return Enrolled(voices, (copy,), codes, tuple(advice))


def _with_style(voices: Path, name: str, style: str, replace: bool) -> tuple[dict[str, Any], VoiceEntry]:
    """The content of the file, and the voice in it that may take a style of that name."""
    book, _ = list_voices(voices)
    if book is None:
        raise ValueError(f"{voices} lists no voice that can be used; primespeech voices says why")
    entry = book.find(name)
    content = _known(voices, entry.name, replace=True)
    if entry.style(style) is not None and not replace:
        raise ValueError(
            f"The voice {entry.name!r} has a style {style!r} already; choose another name or add --replace"
        )
    return content, entry


def _copied(root: Path, name: str, recordings: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Copies recordings into a folder of their own, which no other voice has and no other set of recordings.

    All are read before one is written, so that the copies of a voice can be given again in another order.
    """
    contents = [recording.read_bytes() for recording in recordings]
    digest = hashlib.sha256(folded(name).encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    safe = "".join(c if c.isalnum() else "_" for c in name)[:_LONGEST_FOLDER]
    place = root / f"{safe}-{digest.hexdigest()[:8]}"
    place.mkdir(parents=True, exist_ok=True)
    copies = [place / f"{number}{path.suffix.lower()}" for number, path in enumerate(recordings)]
    for copy, content in zip(copies, contents, strict=True):
        replace_file(copy, content)
    return place, copies


def _encoders(model: Path, beside: Path, settings: Settings, chosen: Path | None) -> Encoders:
    folders = [chosen] if chosen is not None else encoder_folders(model, beside)
    return Encoders(folders, choose(settings.runtime), threads=settings.threads, cache=settings.graph_cache)


def _shipped() -> tuple[dict[str, Any], Path]:
    """The list of the voices that ship, and the folder of their model."""
    content = read_json(SHIPPED_VOICES, "a list of voices")
    return content, resolve(resolve(SHIPPED_VOICES.parent, content["models_base_path"]), content["model"])


def _sampling(content: dict[str, Any]) -> dict[str, Any]:
    """How the default voice of a list draws codes, as far as its entry says."""
    default = content.get("voices", {}).get(content.get("default_voice"), {})
    return {name: default[name] for name in (*SAMPLING_NAMES, "noise_scale") if name in default}


def _has_own_model(content: dict[str, Any], base: Path, folder: Path) -> bool:
    """Whether the model in `folder` is another than the one that the file names."""
    return bool(content.get("model")) and resolve(base, content["model"]).resolve() != folder.resolve()


def _known(voices: Path, name: str, replace: bool) -> dict[str, Any]:
    """The content of the file, with a map of voices that may take one of this name."""
    if voices.is_dir():
        raise IsADirectoryError(f"{voices} is a folder: name the voices.json in it")
    if not voices.exists():
        return {"voices": {}}
    content = read_json(voices, "a list of voices")
    if content == {}:
        return {"voices": {}}
    if not isinstance(content, dict) or not isinstance(content.get("voices"), dict):
        raise ValueError(
            f"{voices} has the layout of a predecessor (no map `voices`), which is read but not added to; "
            "name another file with --voices, it is made new"
        )
    if content["voices"]:
        _, problems = list_voices(voices)
        for problem in problems.values():
            raise ValueError(f"{problem} Mend that before a voice is added")
    taken = _taken(content, name)
    if taken is not None and not replace:
        raise ValueError(f"{voices} has a voice {taken!r} already; choose another name or add --replace")
    for other, entry in content["voices"].items():
        aliases = entry.get("aliases") or []
        if other != taken and any(
            folded(alias) == folded(name) for alias in ([aliases] if isinstance(aliases, str) else aliases)
        ):
            raise ValueError(f"{voices}: {name!r} is an alias of the voice {other!r}; choose another name")
    return content


def _taken(content: dict[str, Any], name: str) -> str | None:
    return next((known for known in content["voices"] if folded(known) == folded(name)), None)


def _write(voices: Path, content: dict[str, Any]) -> None:
    replace_file(voices, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))


def _relative(path: Path, base: Path) -> str:
    """The path as an entry gives it: from the base where it lies below, else absolute."""
    path, base = path.resolve(), base.resolve()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
