"""New voices from recordings: their codes as a file, and their entry in a `voices.json`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dora_primespeech_mlx.files.sounds import read_audio
from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.files.writing import locked, make_folder
from dora_primespeech_mlx.names.paths import real
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.runtime.factory import choose, require_mlx, s2_runner
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.voices.book import list_voices
from dora_primespeech_mlx.voices.codes import write_codes
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.voices.entry import VoiceEntry, folded
from dora_primespeech_mlx.voices.fields import Fields
from dora_primespeech_mlx.voices.library import encoder_folders
from dora_primespeech_mlx.voices.models import examine
from dora_primespeech_mlx.voices.own_list import RECORDINGS, OwnList, copy_recordings, sampling_of, shipped_list
from dora_primespeech_mlx.voices.recording import advise, advise_pace, check_length, codes_from_samples
from dora_primespeech_mlx.weights.inventory import Symbols, stored_symbols
from dora_primespeech_mlx.weights.whole import CONFIG_FILE

if TYPE_CHECKING:
    from dora_primespeech_mlx.weights.load import Model

Sound = tuple[np.ndarray, int]
"""Samples float32 [n] and their rate in Hz."""
Ear = Callable[[np.ndarray, int], np.ndarray]
"""Samples float32 [n] and their rate in Hz -> codes, int32 [m]."""


@dataclass(frozen=True)
class Enrolled:
    """A voice that was added: the files written, its codes (None without a text) and what to record better."""

    voices: Path
    references: tuple[Path, ...]
    codes: np.ndarray | None
    advice: tuple[str, ...]


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
    hear = _ear(_loaded(model), _encoders(model, out.parent, settings, encoders), settings)
    codes = hear(samples, rate)
    return Enrolled(write_codes(out, codes), (recording,), codes, advise(samples, rate, str(recording)))


def _loaded(weights: Path | tuple[Path, Path]) -> "Model":
    require_mlx(f"A recording gives no codes for {weights if isinstance(weights, Path) else weights[1]}")
    from dora_primespeech_mlx.weights.load import load_model

    return load_model(weights)


def _ear(model: "Model", encoders: Encoders, settings: Settings) -> Ear:
    """What makes codes of a recording for a model; errors as `codes_from_samples`."""

    def hear(samples: np.ndarray, rate: int) -> np.ndarray:
        network = s2_runner(model.sovits, settings.runtime, "fp32", settings.threads)
        return codes_from_samples(samples, rate, encoders, network)

    return hear


def _reader(symbols: Symbols, speaks: Sequence[str], language: str) -> Frontend:
    """The front end of a model, which speaks some languages; ValueError if `language` is none of them."""
    frontend = Frontend(symbols, speaks=speaks)
    frontend.check(language)
    return frontend


def _listened(recordings: Sequence[Path]) -> tuple[list[Sound], list[str]]:
    """Recordings, the first of the right length, and what to record better. Errors as `read_audio`, `check_length`."""
    sounds = [read_audio(recording) for recording in recordings]
    check_length(*sounds[0], str(recordings[0]))
    return sounds, [
        sentence for sound, path in zip(sounds, recordings, strict=True) for sentence in advise(*sound, str(path))
    ]


def _pace(frontend: Frontend, text: str, language: str, sound: Sound, path: Path) -> Sequence[str]:
    """What `advise_pace` says of a recording and its text."""
    return advise_pace(len(frontend(text, language).ids), len(sound[0]) / sound[1], str(path))


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
    known = OwnList(voices, name, replace)
    shipped, home = shipped_list()
    folder = model or known.model or home
    if real(folder) != real(home):
        shipped = {}
    listed = tuple(shipped.get("languages", ())) if known.model is None else known.languages
    speaks = () if known.has_another_model(folder) else listed
    sounds, advice = _listened(recordings)
    codes = None
    if text.strip():
        loaded = _loaded(folder)
        hear = _ear(loaded, _encoders(folder, voices.parent, settings, encoders), settings)
        advice += _pace(_reader(loaded.symbols, speaks, language), text, language, sounds[0], recordings[0])
        codes = hear(*sounds[0])
    else:
        _check_timbre_alone(folder, speaks, language)

    make_folder(voices.parent)
    with locked(voices.parent):
        own = OwnList(voices, name, replace)  # another may have added a voice meanwhile
        place, copies = copy_recordings(voices.parent / RECORDINGS, name, recordings)
        entry: dict[str, Any] = {"ref_audios": [own.relative(copy) for copy in copies], "ref_text": text.strip()}
        if codes is not None:
            entry["codes_path"] = own.relative(write_codes(place / "codes.npy", codes))
        entry |= {"text_lang": language, "prompt_lang": language, "speed_factor": speed}
        entry |= sampling_of(shipped if own.has_another_model(folder) else own.content) or sampling_of(shipped)
        if own.model is None:
            own.content["model"] = own.relative(folder)
            own.content |= {"languages": shipped["languages"]} if shipped else {}
        elif own.has_another_model(folder):
            entry["model"] = own.relative(folder)
            entry |= {"languages": []} if "languages" in own.content else {}
        own.put(name, entry)
        own.write()
    return Enrolled(voices, tuple(copies), codes, tuple(advice))


def _check_timbre_alone(model: Path, speaks: Sequence[str], language: str) -> None:
    """ValueError if a model takes no voice without the words of its recording, or none that speaks `language`."""
    dimensions = examine(model)
    if isinstance(dimensions, DiffusionConfig):
        raise ValueError(
            f"{model} is a {dimensions.version} model, which takes a voice from a recording whose words it knows: "
            "say them with --text"
        )
    symbols = stored_symbols(read_json(model / CONFIG_FILE, "what convert writes").get("symbols"))
    assert symbols is not None, "the model was examined"
    _reader(symbols, speaks, language)


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
    _, entry = _with_style(voices, name, style, replace)
    found = _encoders(entry.folder, voices.parent, settings, encoders)
    (sound,), advice = _listened([recording])
    loaded = _loaded(entry.weights)
    advice += _pace(_reader(loaded.symbols, entry.languages, language), text, language, sound, recording)
    codes = _ear(loaded, found, settings)(*sound)
    with locked(voices.parent):
        own, entry = _with_style(voices, name, style, replace)  # another may have added a voice meanwhile
        place, (copy,) = copy_recordings(voices.parent / RECORDINGS, f"{entry.name} {style}", [recording])
        voice = own.content["voices"][entry.name]
        styles = voice["styles"] = voice.get("styles") or {}
        for taken in [known for known in styles if folded(known) == folded(style)]:
            del styles[taken]
        styles[style] = {
            "ref_audio": own.relative(copy),
            "ref_text": text.strip(),
            "codes_path": own.relative(write_codes(place / "codes.npy", codes)),
            "prompt_lang": language,
        }
        own.write()
    return Enrolled(voices, (copy,), codes, tuple(advice))


def _with_style(voices: Path, name: str, style: str, replace: bool) -> tuple[OwnList, VoiceEntry]:
    """The list, and the voice in it that may take a style of that name."""
    book, _ = list_voices(voices)
    if book is None:
        raise ValueError(f"{voices} lists no voice that can be used; primespeech voices says why")
    entry = book.find(name)
    own = OwnList(voices, entry.name, replace=True)
    if entry.style(style) is not None and not replace:
        raise ValueError(
            f"The voice {entry.name!r} has a style {style!r} already; choose another name or add --replace"
        )
    return own, entry


def _encoders(model: Path, beside: Path, settings: Settings, chosen: Path | None) -> Encoders:
    folders = [chosen] if chosen is not None else encoder_folders(model, beside)
    return Encoders(folders, choose(settings.runtime), threads=settings.threads, cache=settings.graph_cache)
