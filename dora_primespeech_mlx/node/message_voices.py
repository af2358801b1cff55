"""Voices that a message describes by files: which files it may name, and the voices made of them, kept for a while."""

import hashlib
import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dora_primespeech_mlx.names.paths import elsewhere, is_folder, perhaps, real, there
from dora_primespeech_mlx.names.values import addressed, expand, unquoted
from dora_primespeech_mlx.node.messages import VoiceFiles
from dora_primespeech_mlx.settings import OWN_VOICES, Settings
from dora_primespeech_mlx.speech import Style, Wishes
from dora_primespeech_mlx.voices.layouts import weights_of

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.voices.entry import VoiceEntry
    from dora_primespeech_mlx.voices.library import Voice

LARGEST_RECORDING = 50 * 2**20
LARGEST_WEIGHTS = 4 * 2**30
"""Bytes of the largest files that a message may name."""
KEPT_VOICES = 8
"""Voices of messages that are kept, the latest."""
WEIGHTS = ".safetensors"
"""How the only files of weights end that a message may name."""


class MessageVoices:
    """Makes voices of recordings, and keeps the latest, by what the recording holds and says."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._voices: OrderedDict[tuple[object, ...], Voice] = OrderedDict()

    def voice(self, engine: "Engine", files: VoiceFiles, base: str | None) -> "Voice":
        """The voice of a recording, with the weights of the voice `base` unless it brings its own.

        Raises:
            FileNotFoundError: a file is not there.
            ValueError: a file may not be read or is no good; the message says why.
        """
        entry = describe(files, engine.describe_voice(base), self._settings)
        heard = hashlib.sha256(entry.references[0].read_bytes()).digest()
        written = (path.stat().st_mtime_ns for path in entry.files() if path.suffix == WEIGHTS)
        key = (heard, files.text, files.language, base, entry.weights, *written)
        if key not in self._voices:
            self._voices[key] = engine.build_voice(entry)
        self._voices = OrderedDict((old, voice) for old, voice in self._voices.items() if engine.keeps_voice(voice))
        engine.use_voice(self._voices[key])
        self._voices.move_to_end(key)
        if len(self._voices) > KEPT_VOICES:
            self._voices.popitem(last=False)
        return self._voices[key]


def describe(files: VoiceFiles, base: "VoiceEntry", settings: Settings) -> "VoiceEntry":
    """An entry as voices.json would have it, for a recording. Errors as `MessageVoices.voice`."""
    weights = base.weights
    if files.t2s is not None and files.sovits is not None:
        weights = trained_weights(files.t2s, files.sovits, settings)
    return replace(
        base,
        name="custom",
        weights=weights,
        languages=base.languages if weights == base.weights else (),
        styles=base.styles if weights == base.weights else (),
        references=(permitted(files.reference, LARGEST_RECORDING, settings),),
        prompt_text=files.text,
        prompt_language=files.language,
        language=files.language,
        speed=1.0,
        codes=None,
        aliases=(),
    )


def permitted_wishes(wishes: Wishes, settings: Settings) -> Wishes:
    """Wishes whose style may be read, if it is a recording. Errors as `permitted`."""
    style = wishes.get("style")
    if not isinstance(style, Style) or style.recording is None:
        return wishes
    return {**wishes, "style": replace(style, recording=permitted(str(style.recording), LARGEST_RECORDING, settings))}


def trained_weights(t2s: str, sovits: str, settings: Settings) -> Path | tuple[Path, Path]:
    """The files, or the folder they are in if it is one that `primespeech convert` wrote.

    Only safetensors are taken: reading official checkpoints means reading pickles, and none is read from a message.
    """
    paths = permitted(t2s, LARGEST_WEIGHTS, settings), permitted(sovits, LARGEST_WEIGHTS, settings)
    for path in paths:
        if path.suffix != WEIGHTS:
            raise ValueError(
                f"{path.name} is no {WEIGHTS} file; convert it first: primespeech convert --t2s S1.ckpt "
                "--sovits S2.pth --out FOLDER, and send FOLDER/t2s.safetensors and FOLDER/sovits.safetensors"
            )
    return weights_of(*paths)


def permitted(name: str, largest: int, settings: Settings) -> Path:
    """The file of that name, if messages may read it: in one of the folders, links followed, at most `largest` bytes.

    Raises:
        FileNotFoundError: there is none.
        ValueError: messages may not read it, or it is too large.
    """
    if "\0" in name:
        raise ValueError("a file name in the message holds a zero character")
    if away := elsewhere(name):
        raise ValueError(f"the message names {name[:200]}, {away}")
    folders = [*settings.voice_dirs, settings.voices.parent, expand(OWN_VOICES)]
    given = Path(os.path.expanduser(addressed(unquoted(name.strip()))))
    candidates = [given] if given.is_absolute() else [folder / given for folder in folders]
    path = real(next(filter(there, candidates), candidates[0]))
    roots = None if settings.voice_paths == "any" else [real(folder) for folder in folders]
    if not _inside(path, roots):
        raise ValueError(
            f"messages may not read {name[:200]}; put it under {' or '.join(map(str, folders))}, "
            "add its folder to VOICE_DIRS, or set VOICE_PATHS=any"
        )
    if not path.is_file():
        places = "" if given.is_absolute() else f"; it was looked for in {', '.join(map(str, folders))}"
        known = [candidate for candidate in candidates if _inside(real(candidate), roots)]
        if folder := next(filter(is_folder, known), None):
            raise FileNotFoundError(f"the message names {folder}, which is a folder: name a file in it")
        meant = next((f": {hint}" for hint in map(perhaps, known) if hint.startswith("write ")), "")
        raise FileNotFoundError(f"the file {name[:200]} of the message is not there{places}{meant}")
    if path.stat().st_size > largest:
        raise ValueError(f"{name[:200]} is larger than {largest >> 20} MB")
    return path


def _inside(path: Path, roots: list[Path] | None) -> bool:
    """Whether a path lies in one of the folders; anywhere does where there are none to keep to."""
    return roots is None or any(path.is_relative_to(root) for root in roots)
