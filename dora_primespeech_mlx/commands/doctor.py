"""Looks over an installation: what speaking needs, each thing ok or with what to do about it."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dora_primespeech_mlx.commands.installed import version_of
from dora_primespeech_mlx.files.texts import read_json
from dora_primespeech_mlx.names.errors import sentence
from dora_primespeech_mlx.names.paths import is_folder
from dora_primespeech_mlx.names.values import Folders
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.scripts import NAMES
from dora_primespeech_mlx.voices.entry import VoiceEntry
from dora_primespeech_mlx.weights.whole import CONFIG_FILE

OK, WARN, FAIL = "ok", "WARN", "FAIL"
OLDEST_PYTHON = (3, 11)
SPEAKING_KINDS = {
    "content": "voices from recordings, with the model's own codes",
    "hubert": "voices from recordings, with official models",
    "roberta": "prosody of Mandarin",
    "speaker": "v2Pro voices",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        mark: "ok"; "WARN" where something works less well; "FAIL" where something needed is missing.
        subject: what was looked at.
        text: what was found.
        advice: what to do; empty if nothing.
    """

    mark: str
    subject: str
    text: str
    advice: str = ""


def examine(settings: Settings | None = None) -> list[Finding]:
    """Looks at everything; never raises for what it finds.

    Args:
        settings: the runtime and the voices.json that are meant to be used; None for the defaults.
    """
    settings = settings or Settings()
    findings: list[Finding] = []
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("Python", check_python),
        ("MLX", check_mlx),
        ("executor", check_executor),
        ("languages", check_languages),
        ("dora", check_dora),
        ("voices", check_voices),
        ("settings", check_settings),
        ("audio", check_audio),
        ("space", check_space),
    )
    for subject, check in checks:
        try:
            findings += check(settings)
        except OSError as error:
            findings.append(Finding(FAIL, subject, sentence(error), "Put that right, and look again."))
        except Exception as error:  # noqa: BLE001 - a doctor that breaks down is no help
            findings.append(
                Finding(FAIL, subject, f"could not be looked at: {error}", "Report this with the line above.")
            )
    return findings


def check_python(settings: Settings) -> Iterator[Finding]:
    """The interpreter's version, and whether it runs in a virtual environment."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding(FAIL, "Python", version, "Install Python 3.11 or newer and make the virtual environment with it.")
    else:
        yield Finding(OK, "Python", f"{version}, {sys.prefix}")


def check_mlx(settings: Settings) -> Iterator[Finding]:
    """MLX, its device, and the BLAS that its CPU backend is linked to."""
    from dora_primespeech_mlx.runtime.factory import INSTALL_MLX, has_mlx

    if not has_mlx():
        yield Finding(WARN, "MLX", "not installed; models speak from graphs that were made before", INSTALL_MLX)
        return
    try:
        import mlx.core  # noqa: F401
    except ImportError as error:
        yield Finding(FAIL, "MLX", f"cannot be imported: {error}", INSTALL_MLX)
        return
    from dora_primespeech_mlx.commands.bench.machine import device
    from dora_primespeech_mlx.runtime.factory import accelerated

    yield Finding(OK, "MLX", f"{version_of('mlx')}, {device()}")
    if accelerated() or sys.platform != "linux":
        return
    if shutil.which("nvidia-smi") and importlib.util.find_spec("torch") is None:
        yield Finding(WARN, "MLX", "there is an NVIDIA driver, and MLX runs on the CPU", "pip install 'mlx[cuda13]'")
    blas = loaded_blas()
    if settings.runtime == "mlx" and "openblas" not in blas and "mkl" not in blas:
        advice = "Use RUNTIME=onnx on a CPU, or preload OpenBLAS: LD_PRELOAD=libopenblas.so.0"
        yield Finding(WARN, "BLAS", f"{blas or 'unknown'}: products are slow", advice)
    else:
        yield Finding(OK, "BLAS", f"{blas or 'unknown'} (ONNX Runtime brings its own)")


def loaded_blas() -> str:
    """Names of the BLAS libraries in this process, as far as Linux tells."""
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        return ""
    names = (line.rsplit("/", 1)[-1].strip() for line in maps.read_text("utf-8").splitlines() if "/" in line)
    return ", ".join(sorted({name for name in names if re.search(r"blas|mkl_rt", name)}))


def check_executor(settings: Settings) -> Iterator[Finding]:
    """Which executor would run, and whether it is there."""
    from dora_primespeech_mlx.runtime.factory import choose

    chosen = choose(settings.runtime)
    if chosen == "mlx":
        yield Finding(OK, "executor", "MLX")
        return
    version = version_of("onnxruntime")
    if not version:
        yield Finding(FAIL, "executor", "onnxruntime is not installed", "pip install onnxruntime")
        return
    yield Finding(OK, "executor", f"onnxruntime {version}")
    yield from _openvino(settings)


def _openvino(settings: Settings) -> Iterator[Finding]:
    """Whether OpenVINO renders samples, or would."""
    from dora_primespeech_mlx.runtime.onnx import openvino

    if openvino.available():
        used = openvino.pays() and settings.precision != "fp32"
        why = "renders samples" if used else "is not used: ONNX Runtime is as quick here, or the precision is fp32"
        yield Finding(OK, "executor", f"openvino {version_of('openvino')} {why}")
    elif openvino.would_pay():
        text = "openvino is not installed: samples would take a third of the time here, or less"
        yield Finding(WARN, "executor", text, "pip install 'dora-primespeech-mlx[openvino]'")


def check_languages(settings: Settings) -> Iterator[Finding]:
    """Which languages can be read; one that is meant to be spoken must be."""
    frontend = Frontend()
    for language, name in NAMES.items():
        try:
            frontend.check(language)
        except ValueError as error:
            what, _, way = str(error).partition(": ")
            yield Finding(FAIL if settings.language == language else OK, "languages", what, way)
        else:
            yield Finding(OK, "languages", f"{name} can be read")


def check_dora(settings: Settings) -> Iterator[Finding]:
    """The dora command and the Python package that nodes use: both must speak the same protocol."""
    package = version_of("dora-rs")
    if package is None:
        yield Finding(FAIL, "dora", "the Python package is not installed", "pip install dora-rs")
        return
    command = shutil.which("dora")
    if command is None:
        advice = f"pip install dora-rs-cli=={package} (only to run dataflows; primespeech say works without)"
        yield Finding(WARN, "dora", f"package {package}, no dora command on the PATH", advice)
        return
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False, timeout=20)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    version = found.group() if found else "unknown"
    if minor(version) == minor(package):
        yield Finding(OK, "dora", f"command {version}, package {package}")
    else:
        advice = f"pip install dora-rs=={version}, or the command of version {package}: a node of another version hangs"
        yield Finding(FAIL, "dora", f"command {version}, package {package}: they do not match", advice)


def minor(version: str) -> tuple[str, ...]:
    """The part of a version within which dora's messages stay the same."""
    return tuple(version.split(".")[:2])


def check_voices(settings: Settings) -> Iterator[Finding]:
    """The voices.json, the files of each voice, and encoders."""
    from dora_primespeech_mlx.voices.book import list_voices
    from dora_primespeech_mlx.voices.encoders import Encoders
    from dora_primespeech_mlx.voices.examine import examine_voices
    from dora_primespeech_mlx.voices.library import encoder_folders

    try:
        book, refused = list_voices(settings.voices)
    except (OSError, ValueError) as error:
        advice = "Set VOICES_CONFIG to a voices.json, or convert a voice: primespeech convert --help"
        yield Finding(FAIL, "voices", sentence(error), advice)
        return
    for problem in refused.values():
        yield Finding(FAIL, "voices", problem, "Mend that in the file, or take the voice out of it.")
    if book is None:
        return
    yield Finding(OK, "voices", f"{book.path}: {len(book.names)}, default {book.default}")
    for name, examined in examine_voices(book).items():
        for problem in examined.sentences():
            advice = "Put that right, or take the voice out of the file."
            yield Finding(FAIL, "voices", f"{name}: {problem}", advice)
    for entry in book.entries.values():
        if diffuses(entry) and not on_device(settings):
            text = f"{entry.name} has a diffusion decoder (v3, v4), which a CPU runs slower than real time"
            yield Finding(WARN, "voices", text, "Use a GPU, a voice of v2 to v2ProPlus, or speak into files.")
    entry = book.entries[book.default]
    encoders = Encoders(encoder_folders(entry.folder, book.path.parent))
    for kind, use in SPEAKING_KINDS.items():
        there = encoders.has(kind)
        yield Finding(OK, "encoders", f"{kind} {'is there' if there else 'is not there'} ({use})")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """What the environment names: a voice, a style, folders."""
    from dora_primespeech_mlx.text.mandarin.g2pw import G2PW
    from dora_primespeech_mlx.voices.book import list_voices

    with suppress(OSError, ValueError):  # said of the voices already
        book, _ = list_voices(settings.voices)
        if book is not None and settings.voice is not None and settings.voice not in book:
            text = f"VOICE_NAME is {settings.voice!r}, and {book.path} has no voice of that name"
            yield Finding(FAIL, "settings", text, f"Set it to one of {', '.join(book.names)}.")
        elif book is not None and settings.style is not None:
            entry = book.find(settings.voice)
            if entry.style(settings.style) is None and settings.style not in book:
                text = f"VOICE_STYLE is {settings.style!r}, no style of {entry.name!r} and no voice of the list"
                yield Finding(
                    FAIL, "settings", text, "Set it to a style of the voice, or to another voice of its model."
                )
    if settings.g2pw_dir is not None:
        try:
            G2PW(settings.g2pw_dir)
        except (OSError, ValueError) as error:
            yield Finding(
                FAIL, "settings", f"G2PW_DIR: {sentence(error)}", "Put that model into that folder, or unset G2PW_DIR."
            )
    for folder in settings.voice_dirs:
        if not is_folder(folder):
            text = f"VOICE_DIRS has {folder}, which is not there"
            yield Finding(WARN, "settings", text, f"It must be {Folders().allowed}.")
    if not writable(settings.graph_cache):
        text = f"nothing can be written to {settings.graph_cache}, so a model's graphs are made anew at every start"
        yield Finding(WARN, "settings", text, "Set GRAPH_CACHE to a folder that can be written.")


def writable(folder: Path) -> bool:
    """Whether files can be written into a folder, or into the one in which it would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def diffuses(entry: VoiceEntry) -> bool:
    """Whether a voice's model is of v3 or v4."""
    from dora_primespeech_mlx.nets.dimensions.diffusion import MEL_BASES

    try:
        content = read_json(entry.folder / CONFIG_FILE, "a model's config")
    except (OSError, ValueError):  # said of the voice already
        return False
    return isinstance(content, dict) and content.get("version") in MEL_BASES


def on_device(settings: Settings) -> bool:
    """Whether the networks run on Metal or CUDA."""
    from dora_primespeech_mlx.runtime.factory import accelerated, choose

    return choose(settings.runtime) == "mlx" and accelerated()


def check_audio(settings: Settings) -> Iterator[Finding]:
    """Reading and playing sound."""
    from dora_primespeech_mlx.commands.loudspeaker import SpeakerError, default_output

    if version_of("soundfile") is None:
        yield Finding(FAIL, "audio", "soundfile is not installed", "pip install soundfile")
    try:
        yield Finding(OK, "audio", f"loudspeaker: {default_output()}")
    except SpeakerError as error:
        yield Finding(WARN, "audio", str(error), "Needed only for primespeech say --play; --out writes a file.")


def check_space(settings: Settings) -> Iterator[Finding]:
    """Room on the disk for models and temporary files."""
    import tempfile

    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < 1:
        yield Finding(WARN, "space", f"{free:.1f} GB free in {tempfile.gettempdir()}", "Free a gigabyte or set TMPDIR.")
    else:
        yield Finding(OK, "space", f"{free:.0f} GB free in {tempfile.gettempdir()}")
