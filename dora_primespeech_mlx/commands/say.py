"""`primespeech say`: a text into a sound file, or to the loudspeaker."""

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dora_primespeech_mlx.commands.asked import advise, settings_of, standard_input
from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.names.paths import is_file_name
from dora_primespeech_mlx.names.values import parse
from dora_primespeech_mlx.settings import SEED, SPEED, Settings, writable_voices

if TYPE_CHECKING:
    from dora_primespeech_mlx.commands.credentials import Credentials
    from dora_primespeech_mlx.speech import AudioChunk, Speech


NOTHING_TO_SAY = "There is nothing to say in this text: it has no word and no number."


def say(args: argparse.Namespace) -> int:
    """Speak what `args` say; 0, the exit status. Errors as `Engine.synthesize`, and ValueError for wrong arguments."""
    from dora_primespeech_mlx.commands.subtitles import write_words
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.files.sounds import audio_file
    from dora_primespeech_mlx.files.writing import replace_file

    _check(args)
    text, credentials = _text(args), _credentials(args)
    seed = None if args.seed is None else parse("--seed", args.seed, SEED)
    settings = _with_own(settings_of(args.voices), args.voice)
    with Progress("say", len(text), "character") as progress:
        progress.say("loading the voice")
        engine = Engine.from_config(settings.voices, replace(settings, voice=args.voice or settings.voice))
        progress.say("speaking")
        options = {"style": args.style, "language": args.lang, "seed": seed, "speed": args.speed}
        if args.play:
            return _play(engine.stream(text, **options), progress)
        speech = engine.synthesize(text, **options, on_chunk=lambda chunk: progress.reach(chunk.end))
        progress.reach(len(text))
    if not len(speech.audio):
        raise ValueError(NOTHING_TO_SAY)
    replace_file(args.out, audio_file(args.out, speech.audio, speech.sample_rate, speech.model))
    if credentials is not None:
        credentials.sign(args.out, speech.model)
    if args.words is not None:
        write_words(args.words, text, speech.words)
    _tell(args, speech)
    return 0


def _check(args: argparse.Namespace) -> None:
    """ValueError for arguments that do not go together, OSError for a file that cannot be written."""
    from dora_primespeech_mlx.commands.subtitles import check_words_file
    from dora_primespeech_mlx.files.sounds import written_as
    from dora_primespeech_mlx.files.writing import check_place

    if (args.text is None) == (args.file is None):
        raise ValueError("Give either a text or --file; - reads the text from standard input.")
    if not args.play:
        check_place(args.out)
        written_as(args.out)
    if args.speed is not None and not SPEED.accepts(args.speed):
        raise ValueError(f"--speed {args.speed:g} is not allowed; it must be {SPEED.allowed}.")
    if args.words is not None and args.play:
        raise ValueError("--words goes with a file; leave --play out.")
    if args.words is not None:
        check_words_file(args.words)


def _text(args: argparse.Namespace) -> str:
    """What to say: the text, that of a file or of standard input."""
    from dora_primespeech_mlx.files.texts import decoded, read_text

    if args.file is not None:
        return read_text(args.file)
    if args.text == "-":
        return decoded(standard_input().read(), "standard input")
    if is_file_name(args.text):
        advise([f"{args.text} is the name of a file, spoken as it is: write --file before it to hear what is in it"])
    return str(args.text)


def _tell(args: argparse.Namespace, speech: "Speech") -> None:
    """Print what was written and how long it took."""
    if not args.json:
        print(f"{args.out}: {speech.duration:.2f} s of speech in {speech.timing.total:.2f} s")
        return
    figures = {
        "file": str(args.out),
        "seconds": round(speech.duration, 3),
        "sample_rate": speech.sample_rate,
        "real_time_factor": round(speech.real_time_factor, 3),
        "timing": {name: round(value, 4) for name, value in vars(speech.timing).items()},
    }
    print(json.dumps(figures, ensure_ascii=False))


def _with_own(settings: Settings, voice: str | None) -> Settings:
    """The settings with the user's own list in place of an installed package's, if the voice asked for is in it."""
    from dora_primespeech_mlx.voices.book import list_voices

    own = writable_voices(settings.voices)
    if voice is None or own == settings.voices or not own.is_file():
        return settings
    book, _ = list_voices(own)
    return replace(settings, voices=own) if book is not None and voice in book else settings


def _credentials(args: argparse.Namespace) -> "Credentials | None":
    """What to sign the file with, if anything."""
    if args.certificate is None and args.key is None:
        return None
    if args.certificate is None or args.key is None:
        raise ValueError("Give both --certificate and --key, or neither.")
    from dora_primespeech_mlx.commands.credentials import Credentials

    Credentials.check(args.out)
    return Credentials(args.certificate, args.key)


def _play(chunks: Iterator["AudioChunk"], progress: Progress) -> int:
    from dora_primespeech_mlx.commands.loudspeaker import play

    first = next(chunks, None)
    if first is None:
        raise ValueError(NOTHING_TO_SAY)
    for chunk in play(itertools.chain([first], chunks)):
        progress.reach(chunk.end)
    return 0
