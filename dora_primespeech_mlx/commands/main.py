"""The `primespeech` command: each subcommand is thin, over one public function."""

import argparse
import errno
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.settings import LANGUAGES, SHIPPED_VOICES, SPEED, SPLIT_METHODS, Settings, writable_voices

if TYPE_CHECKING:
    from dora_primespeech_mlx.commands.credentials import Credentials
    from dora_primespeech_mlx.engine import AudioChunk

ENCODERS = {
    "hubert": "folder of chinese-hubert-base, for voices from recordings",
    "roberta": "folder of chinese-roberta-wwm-ext-large, for the prosody of Mandarin",
    "speaker": "the file pretrained_eres2netv2w24s4ep4.ckpt, for v2Pro and v2ProPlus",
    "content": "the content encoder that a model of its own codes was trained with, into the folder of that model",
}

NOTHING_TO_SAY = "There is nothing to say in this text: it has no word and no number."

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; an error is one sentence on standard error and exit status 1."""
    args = parser().parse_args(arguments)
    command: Command = args.command
    try:
        return command(args)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f"primespeech: {_sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _sentence(error: Exception) -> str:
    """An error in words; what the system says of a file begins with its name."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; close other programs, or use a smaller model"
    if isinstance(error, OSError) and error.strerror and error.filename:
        reason = {errno.EACCES: "may not be read or written by you", errno.EROFS: "is read-only"}
        return f"{error.filename} {reason.get(error.errno or 0, f'cannot be used: {error.strerror}')}"
    return str(error)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="primespeech", description="GPT-SoVITS text-to-speech in MLX.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_say(commands)
    _add_phones(commands)
    _add_voices(commands)
    _add_convert(commands)
    _add_codes(commands)
    _add_voice(commands)
    _add_export(commands)
    _add_bench(commands)
    _add_doctor(commands)
    return top


def _add_say(commands: Any) -> None:
    say = commands.add_parser(
        "say",
        help="speak a text into a sound file",
        description="Speaks a text into a sound file (.wav, .flac or .ogg, marked as synthetic) and prints how long it "
        "is and how long it took.",
        epilog='Example: primespeech say "Hello, world." --out hello.wav',
    )
    say.add_argument("text", nargs="?", help="what to say; - reads standard input")
    say.add_argument("--file", type=Path, help="read the text from this file (UTF-8)")
    say.add_argument("--voice", help="name or alias of a voice (default: the one voices.json names)")
    say.add_argument("--style", help="a style of the voice, or a voice whose prosody it follows (default: its own)")
    say.add_argument("--voices", type=Path, help=f"the voices.json to use (default: VOICES_CONFIG or {SHIPPED_VOICES})")
    say.add_argument(
        "--lang", type=LANGUAGES.read, choices=LANGUAGES.options, help="language of the text (default: the voice's)"
    )
    say.add_argument("--out", type=Path, default=Path("speech.wav"), help="sound file to write (default: %(default)s)")
    say.add_argument("--seed", type=int, help="fixes the result: the same seed speaks the same way")
    say.add_argument("--speed", type=float, help=f"{SPEED.allowed}; above 1 is faster (default: the voice's)")
    say.add_argument("--play", action="store_true", help="play it while it is made, instead of writing a file")
    say.add_argument("--certificate", type=Path, help="PEM chain to sign the file with, as C2PA (needs --key)")
    say.add_argument("--key", type=Path, help="its private key, PEM")
    say.add_argument("--words", type=Path, help="write when each word is spoken: a .json, .srt or .vtt file")
    say.add_argument("--json", action="store_true", help="print the figures as JSON")
    say.set_defaults(command=_say)


def _add_phones(commands: Any) -> None:
    phones = commands.add_parser(
        "phones",
        help="show how a text will be read",
        description="Shows the sentences of a text, what is said, and its phones. Without a text it reads lines from "
        "standard input; with --json a line may be an object with text, language, cut and pieces.",
        epilog='Example: primespeech phones "It costs $20/month."',
    )
    phones.add_argument("text", nargs="?", help="what to read")
    phones.add_argument(
        "--language",
        type=LANGUAGES.read,
        choices=LANGUAGES.options,
        help="(default: the voice's, auto without one)",
    )
    phones.add_argument("--cut", choices=SPLIT_METHODS.options, default="sentence", help="(default: %(default)s)")
    phones.add_argument("--voice", help="the voice whose lexicon counts; no network is loaded (default: none)")
    phones.add_argument("--voices", type=Path, help="the voices.json it is in; alone: its default voice")
    phones.add_argument("--pieces", type=int, default=0, help="characters that come at a time (default: all at once)")
    phones.add_argument("--json", action="store_true", help="print a line of JSON for each text")
    phones.set_defaults(command=_phones)


def _add_voices(commands: Any) -> None:
    voices = commands.add_parser(
        "voices",
        help="list the voices and check their files",
        description="Lists the voices of a voices.json and checks every file that each needs. "
        "Exit status 1 if anything is missing.",
    )
    voices.add_argument("--voices", type=Path, help=f"the voices.json (default: VOICES_CONFIG or {SHIPPED_VOICES})")
    voices.add_argument("--json", action="store_true", help="print the list as JSON")
    voices.set_defaults(command=_voices)


def _add_convert(commands: Any) -> None:
    convert = commands.add_parser(
        "convert",
        help="convert official GPT-SoVITS checkpoints and encoders",
        description="Converts official GPT-SoVITS checkpoints (v1, v2, v2Pro, v2ProPlus, v3, v4) into a model folder, "
        "and the encoders they use. Nothing in a file is executed, and torch is not needed.",
        epilog="Examples: primespeech convert --t2s voice.ckpt --sovits voice.pth --out models/voice; "
        "primespeech convert --t2s s1v3.ckpt --sovits lora.pth --base s2Gv4.pth --vocoder vocoder.pth --out models/v4",
    )
    convert.add_argument("--t2s", type=Path, help="the s1 file, *.ckpt (GPT weights)")
    convert.add_argument("--sovits", type=Path, help="the s2 file, *.pth (SoVITS weights)")
    convert.add_argument("--base", type=Path, help="the base model of a v3 or v4 LoRA: s2Gv3.pth or s2Gv4.pth")
    convert.add_argument("--vocoder", type=Path, help="for v3 BigVGAN's folder, for v4 the file vocoder.pth")
    convert.add_argument("--version", choices=("v3", "v4"), help="of the s2 file, where nothing in it tells")
    for kind, meaning in ENCODERS.items():
        convert.add_argument(f"--{kind}", type=Path, help=meaning)
    convert.add_argument("--out", type=Path, required=True, help="folder to write")
    convert.add_argument("--symbols", type=Path, help="symbol table of a fine-tune that has its own (JSON or lines)")
    convert.add_argument("--half", action="store_true", help="store all tensors in 16 bits (smaller, no longer exact)")
    convert.set_defaults(command=_convert)


def _add_codes(commands: Any) -> None:
    codes = commands.add_parser(
        "codes",
        help="semantic codes of a recording",
        description="Computes the semantic codes of a recording for a model; needs the model's content encoder.",
        epilog="Example: primespeech codes ref.wav --model models/voice --out ref.npy",
    )
    codes.add_argument("recording", type=Path, help="a sound file of 3 to 10 s")
    codes.add_argument("--model", type=Path, required=True, help="folder that primespeech convert wrote")
    codes.add_argument("--out", type=Path, required=True, help="file to write: .bin (raw int32) or .npy")
    codes.add_argument("--encoders", type=Path, help="folder of the encoders (default: with the model)")
    codes.set_defaults(command=_codes)


def _add_voice(commands: Any) -> None:
    actions = commands.add_parser("voice", help="add a voice").add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser(
        "add",
        help="add a voice made of recordings",
        description="Checks recordings of a speaker and adds a voice made of them to a voices.json. The first is 3 to "
        "10 s long and says the text; more of them steady the timbre. Without a text the voice takes the timbre alone.",
        epilog='Example: primespeech voice add Ada ada.wav --text "The quick brown fox." --model models/voice',
    )
    add.add_argument("name", help="of the voice")
    add.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING", help="wav, flac, ogg or mp3")
    add.add_argument("--text", default="", help="exactly what the first recording says")
    add.add_argument(
        "--lang", type=LANGUAGES.read, choices=LANGUAGES.options, default="auto", help="language (default: %(default)s)"
    )
    add.add_argument(
        "--voices",
        type=Path,
        help=f"the voices.json (default: VOICES_CONFIG or {writable_voices(SHIPPED_VOICES)}; made if it is not there)",
    )
    add.add_argument("--model", type=Path, help="folder of the weights (default: the one the voices.json names)")
    add.add_argument("--encoders", type=Path, help="folder of the encoders (default: with the model)")
    add.add_argument("--speed", type=float, default=1.0, help=f"{SPEED.allowed} (default: %(default)s)")
    add.add_argument(
        "--style", help="add the recording to the voice NAME as a style of this name, for its prosody alone"
    )
    add.add_argument("--replace", action="store_true", help="replace a voice, or style, of that name")
    add.set_defaults(command=_voice_add)


def _add_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="write the encoders for Apple's Neural Engine, or the networks of a voice as ONNX files",
        description="Writes CoreML packages of the encoders; they run on macOS 15 or later when they lie beside the "
        "encoders' weights. Or writes the networks of a model folder as ONNX files for other programs, or a small file "
        "beside its weights with which it speaks on computers without MLX.",
        epilog="Examples: primespeech export --encoders models/encoders --coreml models/encoders; "
        "primespeech export --model models/demo --onnx models/demo-onnx; "
        "primespeech export --model models/demo --graphs",
    )
    export.add_argument("--encoders", type=Path, help="folder of the converted encoders")
    export.add_argument("--coreml", type=Path, help="folder to write the encoders to")
    export.add_argument("--model", type=Path, help="folder of a converted model")
    export.add_argument("--onnx", type=Path, help="folder to write the networks to")
    export.add_argument("--graphs", action="store_true", help="write graphs.zip into the model's folder")
    export.add_argument(
        "--precision",
        choices=("fp16", "fp32", "int8"),
        help="of CoreML packages: fp16 (default) or fp32; of the T2S layers in ONNX files: fp32 (default) or int8",
    )
    export.set_defaults(command=_export)


def _add_bench(commands: Any) -> None:
    bench = commands.add_parser(
        "bench",
        help="measure this machine",
        description="Measures the networks and whole texts: every result is evaluated within the timed region, after a "
        "warm-up, as medians with 10th and 90th percentile. The sizes v2, v2ProPlus, v3 and v4 run with random "
        "weights of the released sizes, made in place: the sound is noise, the arithmetic is real.",
        epilog="Example: primespeech bench --size v2 --json v2.json --report report",
    )
    bench.add_argument("--runtime", choices=("auto", "mlx", "onnx"), help="where the networks run (default: RUNTIME)")
    bench.add_argument("--size", default="demo", help="demo, v2, v2ProPlus, v3 or v4 (default: %(default)s)")
    bench.add_argument("--only", default="", help="sections to run, separated by commas (default: all)")
    bench.add_argument("--streams", action="store_true", help="only many sessions at once, with simulated players")
    bench.add_argument("--quick", action="store_true", help="few lengths and repeats")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    bench.add_argument("--report", type=Path, metavar="DIR", help="write a page with plots")
    bench.set_defaults(command=_bench)


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check this installation",
        description="Looks at everything that speaking needs here; each line is ok, or says what to do. "
        "Exit status 1 if something that is needed is missing.",
    )
    doctor.add_argument("--voices", type=Path, help=f"the voices.json (default: VOICES_CONFIG or {SHIPPED_VOICES})")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.add_argument(
        "--parity",
        action="store_true",
        help="compute with the voice that ships and compare with stored numbers: does this computer compute what it "
        "should? RUNTIME and PRECISION choose how",
    )
    doctor.add_argument(
        "--warm",
        action="store_true",
        help="compile the device's kernels, or write the CPU's graphs, which the first sentence would wait for",
    )
    doctor.set_defaults(command=_doctor)


def _settings(voices: Path | None) -> Settings:
    settings = Settings.from_env()
    return settings if voices is None else replace(settings, voices=voices)


def _say(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.audio import write_audio, written_as
    from dora_primespeech_mlx.commands.subtitles import check_words_file, write_words
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.weights.source import read_text

    if (args.text is None) == (args.file is None):
        raise ValueError("Give either a text or --file; - reads the text from standard input.")
    if not args.play and args.out.is_dir():
        raise IsADirectoryError(f"{args.out} is a folder: name the file to write with --out.")
    if not args.play and not args.out.parent.is_dir():
        raise FileNotFoundError(f"{args.out.parent} is no folder that is there: make it, or name another with --out.")
    given = sys.stdin.read() if args.text == "-" else args.text
    text = given if args.file is None else read_text(args.file)
    if args.speed is not None and not SPEED.accepts(args.speed):
        raise ValueError(f"--speed {args.speed:g} is not allowed; it must be {SPEED.allowed}.")
    written_as(args.out)
    if args.words is not None and args.play:
        raise ValueError("--words goes with a file; leave --play out.")
    if args.words is not None:
        check_words_file(args.words)
    credentials = _credentials(args)
    settings = _settings(args.voices)
    with Progress("say", len(text), "character") as progress:
        progress.say("loading the voice")
        engine = Engine.from_config(settings.voices, replace(settings, voice=args.voice or settings.voice))
        progress.say("speaking")
        options = {"style": args.style, "language": args.lang, "seed": args.seed, "speed": args.speed}
        if args.play:
            return _play(engine.stream(text, **options), progress)
        speech = engine.synthesize(text, **options, on_chunk=lambda chunk: progress.reach(chunk.end))
        progress.reach(len(text))
    if not len(speech.audio):
        raise ValueError(NOTHING_TO_SAY)
    write_audio(args.out, speech.audio, speech.sample_rate, speech.model)
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
    from dora_primespeech_mlx.commands.phones import answers, reader
    from dora_primespeech_mlx.text import Frontend

    failed = False
    frontend, language = Frontend(), "auto"
    if args.voice is not None or args.voices is not None:
        frontend, language = reader(args.voice, _settings(args.voices))
    lines = [args.text] if args.text is not None else (line.rstrip("\n") for line in sys.stdin)
    for line, answer in answers(lines, args.language or language, args.cut, args.pieces, args.json, frontend):
        print(line, flush=True)
        failed = failed or answer["error"] is not None
    return 1 if failed and args.text is not None else 0


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
    where = "" if voices == Settings.from_env().voices else f"--voices {quote(str(voices))} "
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


if __name__ == "__main__":
    sys.exit(main())
