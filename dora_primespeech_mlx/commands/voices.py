"""`primespeech voices` and `primespeech voice add`: the voices of a list, and new ones."""

import argparse
import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from dora_primespeech_mlx.commands.asked import advise, settings_of
from dora_primespeech_mlx.names.paths import is_file_name
from dora_primespeech_mlx.settings import SPEED, Settings, writable_voices

if TYPE_CHECKING:
    from dora_primespeech_mlx.voices.book import VoiceBook
    from dora_primespeech_mlx.voices.entry import VoiceEntry
    from dora_primespeech_mlx.voices.examine import Examined


def list_all(args: argparse.Namespace) -> int:
    """Print the voices of a list and what is wrong with them; the exit status, 1 if anything is."""
    from dora_primespeech_mlx.voices.book import list_voices
    from dora_primespeech_mlx.voices.examine import examine_voices

    settings = settings_of(args.voices)
    book, refused = list_voices(settings.voices)
    entries = [] if book is None else list(book.entries.values())
    found = {} if book is None else examine_voices(book)
    wrong = bool(refused) or not all(examined.sound for examined in found.values())
    if args.json:
        rows = [_row(entry, book, found[entry.name]) for entry in entries]
        listing = {"file": str(settings.voices), "voices": rows, "refused": refused}
        print(json.dumps(listing, ensure_ascii=False, indent=1))
        return 1 if wrong else 0
    for entry in entries:
        mark = "*" if book is not None and entry.name == book.default else " "
        state = "; ".join(found[entry.name].sentences()) or "ok"
        if entry.styles:
            state += f" (styles: {', '.join(style.name for style in entry.styles)})"
        print(f"{mark} {entry.name:<16} {entry.language:<5} {entry.speed:<5} {state}")
    for sentence in refused.values():
        print(f"  {sentence}")
    return 1 if wrong else 0


def _row(entry: "VoiceEntry", book: "VoiceBook | None", examined: "Examined") -> dict[str, Any]:
    """What `--json` says of a voice."""
    return {
        "name": entry.name,
        "default": book is not None and entry.name == book.default,
        "aliases": list(entry.aliases),
        "language": entry.language,
        "speed": entry.speed,
        "codes": entry.codes is not None,
        "styles": [style.name for style in entry.styles],
        "missing": [str(path) for path in examined.missing],
        "problems": list(examined.problems),
    }


def add(args: argparse.Namespace) -> int:
    """Add a voice, or a style of one; 0, the exit status. Errors as `add_voice` and `add_style`."""
    from dora_primespeech_mlx.voices.enrol import add_voice

    if not SPEED.accepts(args.speed):
        raise ValueError(f"--speed {args.speed:g} is not allowed; it must be {SPEED.allowed}.")
    if is_file_name(args.text):
        raise ValueError(f'{args.text} is a file; give the words in it: --text "$(cat {quote(args.text)})"')
    settings = settings_of(args.voices)
    voices = writable_voices(settings.voices)
    if args.style is not None:
        return _style_add(args, voices, settings)
    done = add_voice(
        voices,
        args.name,
        args.recordings,
        settings,
        text=args.text,
        language=args.lang,
        model=args.model,
        encoders=args.encoders,
        speed=args.speed,
        replace=args.replace,
    )
    advise(done.advice)
    taken = "its timbre alone" if done.codes is None else f"{len(done.codes)} codes and its timbre"
    where = "" if voices == writable_voices(Settings.from_env().voices) else f"--voices {quote(str(voices))} "
    hear = f"primespeech say {where}--voice {quote(args.name)} ..."
    print(f"{done.voices}: {args.name} added, with {taken}. Hear it: {hear}")
    if voices != settings.voices:
        print(f"The voices of the package stay as they are; for the node set VOICES_CONFIG={quote(str(voices))}")
    return 0


def _style_add(args: argparse.Namespace, voices: Path, settings: Settings) -> int:
    from dora_primespeech_mlx.voices.enrol import add_style

    if len(args.recordings) > 1:
        raise ValueError("A style is one recording; add each with a name of its own.")
    if args.model is not None:
        raise ValueError("A style is added to a voice, which has its model already; leave --model out.")
    options = {"text": args.text, "language": args.lang, "encoders": args.encoders, "replace": args.replace}
    done = add_style(voices, args.name, args.style, args.recordings[0], settings, **options)
    advise(done.advice)
    hear = f"primespeech say --voices {quote(str(voices))} --voice {quote(args.name)} --style {quote(args.style)} ..."
    print(f"{done.voices}: style {args.style} of {args.name} added. Hear it: {hear}")
    return 0
