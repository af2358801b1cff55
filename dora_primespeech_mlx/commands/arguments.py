"""The arguments of the `primespeech` command: which subcommands there are, and what each takes."""

import argparse
import os
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.commands.installed import version_of
from dora_primespeech_mlx.settings import LANGUAGES, PROJECT, SHIPPED_VOICES, SPEED, SPLIT_METHODS, writable_voices

ENCODERS = {
    "hubert": "folder of chinese-hubert-base, for voices from recordings",
    "roberta": "folder of chinese-roberta-wwm-ext-large, for the prosody of Mandarin",
    "speaker": "the file pretrained_eres2netv2w24s4ep4.ckpt, for v2Pro and v2ProPlus",
    "content": "the content encoder that a model of its own codes was trained with, into the folder of that model",
}


class _Version(argparse.Action):
    """Prints the version and ends; it is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(PROJECT, version_of(PROJECT))
        parser.exit()


def _path(written: str) -> Path:
    """A path as it is written, also behind `=`, where shells leave `~` as it is."""
    if not written:
        raise argparse.ArgumentTypeError("the path is empty; name a file or a folder")
    return Path(os.path.expanduser(written))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="primespeech", description="GPT-SoVITS text-to-speech in MLX.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
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
    say.add_argument("--file", type=_path, help="read the text from this file (UTF-8)")
    say.add_argument("--voice", help="name or alias of a voice (default: the one voices.json names)")
    say.add_argument("--style", help="a style of the voice, or a voice whose prosody it follows (default: its own)")
    say.add_argument(
        "--voices", type=_path, help=f"the voices.json to use (default: VOICES_CONFIG or {SHIPPED_VOICES})"
    )
    say.add_argument(
        "--lang", type=LANGUAGES.read, choices=LANGUAGES.options, help="language of the text (default: the voice's)"
    )
    say.add_argument("--out", type=_path, default=Path("speech.wav"), help="sound file to write (default: %(default)s)")
    say.add_argument("--seed", help="fixes the result: the same seed speaks the same way")
    say.add_argument("--speed", type=float, help=f"{SPEED.allowed}; above 1 is faster (default: the voice's)")
    say.add_argument("--play", action="store_true", help="play it while it is made, instead of writing a file")
    say.add_argument("--certificate", type=_path, help="PEM chain to sign the file with, as C2PA (needs --key)")
    say.add_argument("--key", type=_path, help="its private key, PEM")
    say.add_argument("--words", type=_path, help="write when each word is spoken: a .json, .srt or .vtt file")
    say.add_argument("--json", action="store_true", help="print the figures as JSON")
    say.set_defaults(command="say")


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
    phones.add_argument("--voices", type=_path, help="the voices.json it is in; alone: its default voice")
    phones.add_argument("--pieces", type=int, default=0, help="characters that come at a time (default: all at once)")
    phones.add_argument("--json", action="store_true", help="print a line of JSON for each text")
    phones.set_defaults(command="phones")


def _add_voices(commands: Any) -> None:
    voices = commands.add_parser(
        "voices",
        help="list the voices and check their files",
        description="Lists the voices of a voices.json and checks every file that each needs. "
        "Exit status 1 if anything is missing.",
    )
    voices.add_argument("--voices", type=_path, help=f"the voices.json (default: VOICES_CONFIG or {SHIPPED_VOICES})")
    voices.add_argument("--json", action="store_true", help="print the list as JSON")
    voices.set_defaults(command="voices")


def _add_convert(commands: Any) -> None:
    convert = commands.add_parser(
        "convert",
        help="convert official GPT-SoVITS checkpoints and encoders",
        description="Converts official GPT-SoVITS checkpoints (v1, v2, v2Pro, v2ProPlus, v3, v4) into a model folder, "
        "and the encoders they use. Nothing in a file is executed, and torch is not needed.",
        epilog="Examples: primespeech convert --t2s voice.ckpt --sovits voice.pth --out models/voice; "
        "primespeech convert --t2s s1v3.ckpt --sovits lora.pth --base s2Gv4.pth --vocoder vocoder.pth --out models/v4",
    )
    convert.add_argument("--t2s", type=_path, help="the s1 file, *.ckpt (GPT weights)")
    convert.add_argument("--sovits", type=_path, help="the s2 file, *.pth (SoVITS weights)")
    convert.add_argument("--base", type=_path, help="the base model of a v3 or v4 LoRA: s2Gv3.pth or s2Gv4.pth")
    convert.add_argument("--vocoder", type=_path, help="for v3 BigVGAN's folder, for v4 the file vocoder.pth")
    convert.add_argument(
        "--version", type=str.lower, choices=("v3", "v4"), help="of the s2 file, where it does not tell"
    )
    for kind, meaning in ENCODERS.items():
        convert.add_argument(f"--{kind}", type=_path, help=meaning)
    convert.add_argument("--out", type=_path, required=True, help="folder to write")
    convert.add_argument("--symbols", type=_path, help="symbol table of a fine-tune that has its own (JSON or lines)")
    convert.add_argument("--half", action="store_true", help="store all tensors in 16 bits (smaller, no longer exact)")
    convert.set_defaults(command="convert")


def _add_codes(commands: Any) -> None:
    codes = commands.add_parser(
        "codes",
        help="semantic codes of a recording",
        description="Computes the semantic codes of a recording for a model; needs the model's content encoder.",
        epilog="Example: primespeech codes ref.wav --model models/voice --out ref.npy",
    )
    codes.add_argument("recording", type=_path, help="a sound file of 3 to 10 s")
    codes.add_argument("--model", type=_path, required=True, help="folder that primespeech convert wrote")
    codes.add_argument("--out", type=_path, required=True, help="file to write: .bin (raw int32) or .npy")
    codes.add_argument("--encoders", type=_path, help="folder of the encoders (default: with the model)")
    codes.set_defaults(command="codes")


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
    add.add_argument("recordings", type=_path, nargs="+", metavar="RECORDING", help="wav, flac, ogg or mp3")
    add.add_argument("--text", default="", help="exactly what the first recording says")
    add.add_argument(
        "--lang", type=LANGUAGES.read, choices=LANGUAGES.options, default="auto", help="language (default: %(default)s)"
    )
    add.add_argument(
        "--voices",
        type=_path,
        help=f"the voices.json (default: VOICES_CONFIG or {writable_voices(SHIPPED_VOICES)}; made if it is not there)",
    )
    add.add_argument("--model", type=_path, help="folder of the weights (default: the one the voices.json names)")
    add.add_argument("--encoders", type=_path, help="folder of the encoders (default: with the model)")
    add.add_argument("--speed", type=float, default=1.0, help=f"{SPEED.allowed} (default: %(default)s)")
    add.add_argument(
        "--style", help="add the recording to the voice NAME as a style of this name, for its prosody alone"
    )
    add.add_argument("--replace", action="store_true", help="replace a voice, or style, of that name")
    add.set_defaults(command="voice add")


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
    export.add_argument("--encoders", type=_path, help="folder of the converted encoders")
    export.add_argument("--coreml", type=_path, help="folder to write the encoders to")
    export.add_argument("--model", type=_path, help="folder of a converted model")
    export.add_argument("--onnx", type=_path, help="folder to write the networks to")
    export.add_argument("--graphs", action="store_true", help="write graphs.zip into the model's folder")
    export.add_argument(
        "--precision",
        choices=("fp16", "fp32", "int8"),
        help="of CoreML packages: fp16 (default) or fp32; of the T2S layers in ONNX files: fp32 (default) or int8",
    )
    export.set_defaults(command="export")


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
    bench.add_argument("--json", type=_path, metavar="FILE", help="write all figures as JSON")
    bench.add_argument("--report", type=_path, metavar="DIR", help="write a page with plots")
    bench.set_defaults(command="bench")


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check this installation",
        description="Looks at everything that speaking needs here; each line is ok, or says what to do. "
        "Exit status 1 if something that is needed is missing.",
    )
    doctor.add_argument("--voices", type=_path, help=f"the voices.json (default: VOICES_CONFIG or {SHIPPED_VOICES})")
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
    doctor.set_defaults(command="doctor")
