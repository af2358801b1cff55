"""Whether the voices of a `voices.json` would speak, found out before one does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dora_primespeech_mlx.files.sounds import read_audio
from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.names.paths import UNFINISHED_HINT, is_absent, is_folder, perhaps, there
from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.text.languages import check_readable, evident_language
from dora_primespeech_mlx.text.scripts import NAMES, may_be_japanese
from dora_primespeech_mlx.voices.book import VoiceBook, read_lexicon
from dora_primespeech_mlx.voices.codes import CODE_COUNT, making, read_codes
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.voices.entry import VoiceEntry
from dora_primespeech_mlx.voices.library import closed, encoder_folders, words_lack
from dora_primespeech_mlx.voices.models import examine
from dora_primespeech_mlx.voices.recording import LEAST_HEARD, advise_codes, advise_pace, check_heard, check_length

S2Config = SovitsConfig | DiffusionConfig
"""Dimensions of the s2 network of any version."""


@dataclass(frozen=True)
class Examined:
    """What is wrong with a voice: files that are `missing` and how to make them, and sentences on all else."""

    missing: tuple[Path, ...]
    problems: tuple[str, ...]
    remedy: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.missing and not self.problems

    def sentences(self) -> list[str]:
        """All of it in words."""
        folders = [path for path in self.missing if is_folder(path)]
        absent = [path for path in self.missing if path not in folders]
        lacking = [f"missing {', '.join(map(str, absent))}"] if absent else []
        lacking += [f"{path} is a folder, where a file is expected" for path in folders]
        if lacking and self.remedy:
            lacking[0] += f". {self.remedy}"
        return lacking + list(self.problems)


def examine_voices(book: VoiceBook) -> dict[str, Examined]:
    """What is wrong with each voice of a book, by name. Each model is read once."""
    models: dict[Path | tuple[Path, Path], S2Config | str] = {}
    return {entry.name: _examined(entry, book, models) for entry in book.entries.values()}


def _examined(entry: VoiceEntry, book: VoiceBook, models: dict[Path | tuple[Path, Path], S2Config | str]) -> Examined:
    missing = tuple(path for path in entry.files() if is_absent(path) and not there(path.parent))
    if entry.weights not in models:
        try:
            models[entry.weights] = examine(entry.weights)
        except (ValueError, OSError, ImportError) as error:
            models[entry.weights] = sentence(error)
    model = models[entry.weights]
    hints = tuple(_hints(entry, book.path, missing))
    found = (*_problems(entry, book, None if isinstance(model, str) else model, missing), *hints)
    if isinstance(model, str) and any(str(path) in model for path in missing):
        return Examined(missing, found, model.partition(" is missing. ")[2])
    found = (model, *found) if isinstance(model, str) else found
    return Examined(missing, found, "" if hints else _remedy(entry, missing))


def _problems(entry: VoiceEntry, book: VoiceBook, model: S2Config | None, missing: tuple[Path, ...]) -> Iterator[str]:
    yield from entry.slips
    for check in _checks(entry, book, model, missing):
        try:
            check()
        except (ValueError, OSError) as error:
            yield sentence(error)


def _hints(entry: VoiceEntry, listed: Path, missing: tuple[Path, ...]) -> Iterator[str]:
    """What the list at `listed` and the paths of missing files tell of why they are."""
    plain = _plain(entry, missing)
    yield from dict.fromkeys(filter(None, map(perhaps, plain)))
    made = [path for path in missing if path not in plain and is_folder(path.parent)]
    yield from (hint for hint in map(perhaps, made) if hint.startswith("it is a link") or UNFINISHED_HINT in hint)
    folder, read = listed.parent, listed.resolve()
    beside = (read.parent / path.relative_to(folder) for path in missing if path.is_relative_to(folder))
    if listed.is_symlink() and any(map(there, beside)):
        yield f"{listed} is a link, and paths begin at its folder: name the list itself, {read}"
    for path in missing:
        if "\\" in path.name:
            yield f"{path.name!r} looks like a path of Windows: write / in place of \\"


def _plain(entry: VoiceEntry, missing: tuple[Path, ...]) -> list[Path]:
    """The missing files of which those that make a model tell nothing."""
    made = () if isinstance(entry.weights, tuple) else (entry.folder,)
    return [path for path in missing if path.parent not in made or "$" in str(path)]


def _remedy(entry: VoiceEntry, missing: tuple[Path, ...]) -> str:
    """What to do about missing files where nothing shows why they are; "" without any."""
    absent = [path for path in _plain(entry, missing) if not is_folder(path)]
    ways = dict.fromkeys(making(path) if path == entry.codes else "check the path" for path in absent)
    said = ", or ".join(ways)
    return said[:1].upper() + said[1:]


def _checks(
    entry: VoiceEntry, book: VoiceBook, model: S2Config | None, missing: tuple[Path, ...]
) -> Iterator[Callable[[], object]]:
    """What to look at, each a call that raises what is wrong."""
    for style in entry.styles:
        yield partial(_check_style, style, entry, book.path, CODE_COUNT if model is None else model.code_count, missing)
    for path in entry.references:
        if path not in missing:
            measured = entry.codes is None and bool(entry.prompt_text) and path == entry.references[0]
            yield partial(_check_recording, path, measured, path == entry.references[0])
    if entry.codes is not None and entry.codes not in missing:
        first = entry.references[0]
        heard = first if first not in missing else None
        yield partial(_check_codes, entry.codes, CODE_COUNT if model is None else model.code_count, heard)
    if entry.lexicon is not None and entry.lexicon not in missing:
        yield partial(read_lexicon, entry.lexicon)
    if entry.prompt_text and entry.references[0] not in missing:
        yield partial(_check_pace, entry, CODE_COUNT if model is None else model.code_count)
    if entry.prompt_text:
        whose = f"{book.path}: the text of the reference of {entry.name!r}"
        yield partial(_check_text, entry.prompt_text, entry.prompt_language, whose)
    if isinstance(model, DiffusionConfig):
        yield partial(_check_words, entry, book, model.version)
    if model is not None and model.speaker_dim:
        yield partial(_check_speaker, entry, book)


def _check_recording(path: Path, measured: bool, first: bool = False) -> None:
    samples, rate = read_audio(path)
    if measured:
        check_length(samples, rate, str(path))
    elif first:
        check_heard(samples, rate, str(path))


def _check_codes(path: Path, count: int, recording: Path | None) -> None:
    codes = read_codes(path, count)
    if recording is None:
        return
    try:
        samples, rate = read_audio(recording)
    except (ValueError, OSError):
        return  # said of the recording itself
    seconds = len(samples) / rate
    for flaw in advise_codes(len(codes), seconds, str(recording)) if seconds > LEAST_HEARD else ():
        raise ValueError(flaw)


def _check_pace(entry: VoiceEntry, count: int) -> None:
    """ValueError if the recording of a voice is hardly one of its text; what else is wrong is said elsewhere."""
    from dora_primespeech_mlx.text import Frontend

    try:
        samples, rate = read_audio(entry.references[0])
        told = None if entry.codes is None else len(read_codes(entry.codes, count))
        phones = Frontend(home=entry.home)(closed(entry.prompt_text, entry.prompt_language), entry.prompt_language)
    except (ValueError, OSError):
        return
    seconds, name = len(samples) / rate, str(entry.references[0])
    if seconds > LEAST_HEARD and (told is None or not advise_codes(told, seconds, name)):
        for flaw in advise_pace(len(phones.ids), seconds, name):
            raise ValueError(flaw)


def _check_style(style: Style, entry: VoiceEntry, path: Path, count: int, missing: tuple[Path, ...]) -> None:
    _check_text(style.text, style.language, f"{path}: the text of the style {style.name!r} of {entry.name!r}")
    if style.codes is not None:
        if style.codes not in missing:
            read_codes(style.codes, count)
    elif style.recording is not None and style.recording not in missing:
        _check_recording(style.recording, measured=True)
        encoders = _encoders(entry, path)
        if not encoders.reads_recordings():
            raise FileNotFoundError(
                f"{path}: the style {style.name!r} of {entry.name!r} has no codes, and {encoders.missing('hubert')}"
            )


def _check_text(text: str, language: str, whose: str) -> None:
    try:
        check_readable(text, language)
    except ValueError as error:
        raise ValueError(f"{whose} cannot be read: {error}. Give what the recording says") from error
    if language in {"ja", "ko"} and evident_language(text) == "zh" and not may_be_japanese(text):
        raise ValueError(
            f"{whose} is Mandarin or Cantonese, and would be read in {NAMES[language]}: "
            "write the language of the recording as prompt_lang"
        )


def _check_words(entry: VoiceEntry, book: VoiceBook, version: str) -> None:
    heard = entry.codes is not None or _encoders(entry, book.path).reads_recordings()
    if not (entry.prompt_text and heard):
        raise words_lack(entry.name, version)


def _check_speaker(entry: VoiceEntry, book: VoiceBook) -> None:
    encoders = _encoders(entry, book.path)
    if not encoders.has("speaker"):
        raise FileNotFoundError(encoders.missing("speaker"))


def _encoders(entry: VoiceEntry, path: Path) -> Encoders:
    return Encoders(encoder_folders(entry.folder, path.parent))
