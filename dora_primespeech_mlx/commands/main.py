"""The `primespeech` command: each subcommand is thin, over one public function."""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, BinaryIO

from dora_primespeech_mlx.commands.arguments import ENCODERS, parser
from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.names.paths import in_words, is_file_name
from dora_primespeech_mlx.settings import SEED, SPEED, Settings, misspelt_variables, parse, writable_voices

if TYPE_CHECKING:
    from dora_primespeech_mlx.commands.credentials import Credentials
    from dora_primespeech_mlx.engine import AudioChunk


NOTHING_TO_SAY = "There is nothing to say in this text: it has no word and no number."

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; an error is one sentence on standard error and exit status 1.

    Raises:
        BrokenPipeError: nobody reads what is said any more.
    """
    args = parser().parse_args(arguments)
    try:
        return COMMANDS[args.command](args)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f"primespeech: {_sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _sentence(error: Exception) -> str:
    """An error in words; what the system says of a file begins with its name."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; close other programs, or use a smaller model"
    if isinstance(error, OSError):
        return in_words(error)
    return str(error)


def _settings(voices: Path | None) -> Settings:
    settings = Settings.from_env()
    _advise([f"{name} has no effect here: {reason}" for name, reason in misspelt_variables().items()])
    return settings if voices is None else replace(settings, voices=voices)


def _with_own(settings: Settings, voice: str | None) -> Settings:
    """The settings with the user's own list in place of an installed package's, if the voice asked for is in it."""
    from dora_primespeech_mlx.voices.book import list_voices

    own = writable_voices(settings.voices)
    if voice is None or own == settings.voices or not own.is_file():
        return settings
    book, _ = list_voices(own)
    return replace(settings, voices=own) if book is not None and voice in book else settings


def _say(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.audio import audio_file, written_as
    from dora_primespeech_mlx.commands.subtitles import check_words_file, write_words
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.files.texts import decoded, read_text
    from dora_primespeech_mlx.files.writing import check_place, replace_file

    if (args.text is None) == (args.file is None):
        raise ValueError("Give either a text or --file; - reads the text from standard input.")
    if not args.play:
        check_place(args.out)
        written_as(args.out)
    if args.text is not None and is_file_name(args.text):
        _advise([f"{args.text} is the name of a file, spoken as it is: write --file before it to hear what is in it"])
    given = decoded(_standard_input().read(), "standard input") if args.text == "-" else args.text
    text = given if args.file is None else read_text(args.file)
    if args.speed is not None and not SPEED.accepts(args.speed):
        raise ValueError(f"--speed {args.speed:g} is not allowed; it must be {SPEED.allowed}.")
    seed = None if args.seed is None else parse("--seed", args.seed, SEED)
    if args.words is not None and args.play:
        raise ValueError("--words goes with a file; leave --play out.")
    if args.words is not None:
        check_words_file(args.words)
    credentials = _credentials(args)
    settings = _with_own(_settings(args.voices), args.voice)
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
    figures = {
        "file": str(args.out),
        "seconds": round(speech.duration, 3),
        "sample_rate": speech.sample_rate,
        "real_time_factor": round(speech.real_time_factor, 3),
        "timing": {name: round(value, 4) for name, value in vars(speech.timing).items()},
    }
    if args.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print(f"{args.out}: {speech.duration:.2f} s of speech in {speech.timing.total:.2f} s")
    return 0


def _credentials(args: argparse.Namespace) -> "Credentials | None":
    """What to sign the file with, if anything."""
    if args.certificate is None and args.key is None:
        return None
    if args.certificate is None or args.key is None:
        raise ValueError("Give both --certificate and --key, or neither.")
    from dora_primespeech_mlx.commands.credentials import Credentials

    Credentials.check(args.out)
    return Credentials(args.certificate, args.key)


def _phones(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.phones import PIECES, answers, reader
    from dora_primespeech_mlx.text import Frontend

    if not PIECES.accepts(args.pieces):
        raise ValueError(f"--pieces {args.pieces} is not allowed; it must be {PIECES.allowed}.")
    failed = False
    frontend, language = Frontend(), "auto"
    if args.voice is not None or args.voices is not None:
        frontend, language = reader(args.voice, _settings(args.voices))
    lines = [args.text] if args.text is not None else _lines()
    for line, answer in answers(lines, args.language or language, args.cut, args.pieces, args.json, frontend):
        print(line, flush=True)
        failed = failed or answer["error"] is not None
    return 1 if failed and args.text is not None else 0


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise ValueError("There is no standard input here; give the text as an argument.")
    return sys.stdin.buffer


def _lines() -> Iterator[str]:
    """The lines of standard input as they come."""
    from dora_primespeech_mlx.files.texts import decoded

    for line in _standard_input():
        yield decoded(line, "standard input").rstrip("\r\n")


def _play(chunks: Iterator["AudioChunk"], progress: Progress) -> int:
    from dora_primespeech_mlx.commands.loudspeaker import play

    first = next(chunks, None)
    if first is None:
        raise ValueError(NOTHING_TO_SAY)
    for chunk in play(itertools.chain([first], chunks)):
        progress.reach(chunk.end)
    return 0


def _voices(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.voices.book import list_voices
    from dora_primespeech_mlx.voices.examine import examine_voices

    settings = _settings(args.voices)
    book, refused = list_voices(settings.voices)
    entries = [] if book is None else list(book.entries.values())
    found = {} if book is None else examine_voices(book)
    wrong = bool(refused) or not all(examined.sound for examined in found.values())
    if args.json:
        rows = [
            {
                "name": entry.name,
                "default": book is not None and entry.name == book.default,
                "aliases": list(entry.aliases),
                "language": entry.language,
                "speed": entry.speed,
                "codes": entry.codes is not None,
                "styles": [style.name for style in entry.styles],
                "missing": [str(path) for path in found[entry.name].missing],
                "problems": list(found[entry.name].problems),
            }
            for entry in entries
        ]
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


def _convert(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.runtime.factory import require_mlx

    require_mlx("Nothing is converted")
    from dora_primespeech_mlx.weights.official import convert
    from dora_primespeech_mlx.weights.official_encoders import convert_encoder
    from dora_primespeech_mlx.weights.official_v34 import Companions

    sources = {kind: getattr(args, kind) for kind in ENCODERS if getattr(args, kind) is not None}
    if (args.t2s is None) != (args.sovits is None) or not (args.t2s or sources):
        raise ValueError("Give --t2s and --sovits together, or an encoder: --" + ", --".join(ENCODERS))
    if args.t2s is not None:
        with Progress("convert", 3) as progress:
            companions = Companions(args.base, args.vocoder, args.version)
            done = convert(
                args.t2s,
                args.sovits,
                args.out,
                half=args.half,
                note=progress.next,
                symbols=args.symbols,
                companions=companions,
            )
            progress.reach(3)
        millions = (done.t2s_parameters / 1e6, done.sovits_parameters / 1e6)
        _advise(done.notes)
        print(f"{done.folder}: {done.version}, T2S {millions[0]:.1f} M and SoVITS {millions[1]:.1f} M parameters")
    for kind, source in sources.items():
        encoder = convert_encoder(kind, source, args.out)
        print(f"{encoder.path}: {encoder.parameters / 1e6:.1f} M parameters")
    return 0


def _codes(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.voices.enrol import codes_file

    done = codes_file(args.recording, args.model, args.out, Settings.from_env(), args.encoders)
    _advise(done.advice)
    print(f"{args.out}: {0 if done.codes is None else len(done.codes)} codes")
    return 0


def _voice_add(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.voices.enrol import add_voice

    if not SPEED.accepts(args.speed):
        raise ValueError(f"--speed {args.speed:g} is not allowed; it must be {SPEED.allowed}.")
    if is_file_name(args.text):
        raise ValueError(f'{args.text} is a file; give the words in it: --text "$(cat {quote(args.text)})"')
    settings = _settings(args.voices)
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
    _advise(done.advice)
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
    _advise(done.advice)
    hear = f"primespeech say --voices {quote(str(voices))} --voice {quote(args.name)} --style {quote(args.style)} ..."
    print(f"{done.voices}: style {args.style} of {args.name} added. Hear it: {hear}")
    return 0


def _export(args: argparse.Namespace) -> int:
    coreml, onnx = args.encoders and args.coreml, args.model and args.onnx
    graphs = args.model and args.graphs
    if not coreml and not onnx and not graphs:
        raise ValueError("Nothing to export: give --encoders with --coreml, or --model with --onnx or --graphs.")
    if (coreml and args.precision == "int8") or (onnx and args.precision == "fp16"):
        raise ValueError(f"{args.precision} is not a precision for this; see primespeech export --help.")
    from dora_primespeech_mlx.runtime.factory import require_mlx

    require_mlx("Nothing is exported")
    if coreml:
        from dora_primespeech_mlx.voices.encoders import Encoders

        for package in Encoders([args.encoders]).export_coreml(args.coreml, args.precision or "fp16"):
            print(package)
    if graphs:
        from dora_primespeech_mlx.voices.models import write_graphs

        print(write_graphs(args.model))
    if onnx:
        from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
        from dora_primespeech_mlx.runtime.onnx.export import export_onnx
        from dora_primespeech_mlx.weights.load import load_model

        model = load_model(args.model)
        if isinstance(model.sovits, DiffusionSovits):
            raise ValueError(f"{args.model} is a {model.version} model; only models of v1 to v2ProPlus are exported.")
        for path in export_onnx(model.t2s, model.sovits, args.onnx, args.precision or "fp32"):
            print(path)
    return 0


def _advise(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        print(f"primespeech: {sentence}", file=sys.stderr)


def _bench(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.runtime.factory import require_mlx

    require_mlx("The bench does not run")
    from dora_primespeech_mlx.commands.bench.figures import as_text
    from dora_primespeech_mlx.commands.bench.report import write_report
    from dora_primespeech_mlx.commands.bench.run import run
    from dora_primespeech_mlx.files.writing import check_place, make_folder

    if args.json is not None:
        check_place(args.json)
    if args.report is not None:
        make_folder(args.report)
    settings = Settings.from_env()
    only = ["streams"] if args.streams else [name.strip() for name in args.only.split(",") if name.strip()]
    results = run(args.size, replace(settings, runtime=args.runtime or settings.runtime), only, args.quick)
    print(as_text(results))
    if args.json is not None:
        results.write(args.json)
    if args.report is not None:
        print(f"\n{write_report(results, args.report)}")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.doctor import FAIL, examine

    if args.parity:
        return _parity(_settings(args.voices), args.json)
    if args.warm:
        return _warm(_settings(args.voices))
    findings = examine(_settings(args.voices))
    if args.json:
        print(json.dumps([vars(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print(f"{finding.mark:<5} {finding.subject:<9} {finding.text}")
            if finding.advice:
                print(f"{'':<15} -> {finding.advice}")
    return 1 if any(finding.mark == FAIL for finding in findings) else 0


def _parity(settings: Settings, as_json: bool) -> int:
    from dora_primespeech_mlx.commands.parity import shipped_checks, table, where

    found = shipped_checks(settings)
    if as_json:
        print(json.dumps({"where": where(settings), "checks": [vars(check) for check in found]}, indent=1))
    else:
        print(f"{where(settings)}\n\n{table(found)}")
    return 0 if all(check.passed for check in found) else 1


def _warm(settings: Settings) -> int:
    from dora_primespeech_mlx.commands.warm import warm

    for name, seconds in warm(settings):
        print(f"{seconds:6.1f} s  {name}", flush=True)
    return 0


COMMANDS: dict[str, Command] = {
    "say": _say,
    "phones": _phones,
    "voices": _voices,
    "convert": _convert,
    "codes": _codes,
    "voice add": _voice_add,
    "export": _export,
    "bench": _bench,
    "doctor": _doctor,
}

if __name__ == "__main__":
    sys.exit(main())
