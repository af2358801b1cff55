"""The `primespeech` command: each subcommand is thin, over one public function."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from dora_primespeech_mlx.commands.arguments import ENCODERS, parser
from dora_primespeech_mlx.commands.asked import advise, lines, settings_of
from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.settings import Settings

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
        print(f"primespeech: {sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _say(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.say import say

    return say(args)


def _voices(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.voices import list_all

    return list_all(args)


def _voice_add(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.voices import add

    return add(args)


def _phones(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.commands.phones import PIECES, answers, reader
    from dora_primespeech_mlx.text import Frontend

    if not PIECES.accepts(args.pieces):
        raise ValueError(f"--pieces {args.pieces} is not allowed; it must be {PIECES.allowed}.")
    failed = False
    frontend, language = Frontend(), "auto"
    if args.voice is not None or args.voices is not None:
        frontend, language = reader(args.voice, settings_of(args.voices))
    asked = [args.text] if args.text is not None else lines()
    for line, answer in answers(asked, args.language or language, args.cut, args.pieces, args.json, frontend):
        print(line, flush=True)
        failed = failed or answer["error"] is not None
    return 1 if failed and args.text is not None else 0


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
        advise(done.notes)
        print(f"{done.folder}: {done.version}, T2S {millions[0]:.1f} M and SoVITS {millions[1]:.1f} M parameters")
    for kind, source in sources.items():
        encoder = convert_encoder(kind, source, args.out)
        print(f"{encoder.path}: {encoder.parameters / 1e6:.1f} M parameters")
    return 0


def _codes(args: argparse.Namespace) -> int:
    from dora_primespeech_mlx.voices.enrol import codes_file

    done = codes_file(args.recording, args.model, args.out, Settings.from_env(), args.encoders)
    advise(done.advice)
    print(f"{args.out}: {0 if done.codes is None else len(done.codes)} codes")
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
        return _parity(settings_of(args.voices), args.json)
    if args.warm:
        return _warm(settings_of(args.voices))
    findings = examine(settings_of(args.voices))
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
