"""What runs where MLX is not installed: everything, once there are graphs, but what traces or converts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dora_primespeech_mlx import Engine, Settings

ROOT = Path(__file__).parents[1]
WITHOUT = """
import sys
sys.modules["mlx"] = None
import dora_primespeech_mlx.node.main
from dora_primespeech_mlx.commands.main import main
code = main(sys.argv[1:])
from dora_primespeech_mlx.runtime.onnx import openvino
assert not {"mlx.core", *(["onnx"] if not openvino.pays() else [])} & set(sys.modules), "neither is needed"
sys.exit(code)
"""


def without_mlx(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", WITHOUT, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_text_is_spoken_as_with_it(tiny_voices: Path, tmp_path: Path) -> None:
    engine = Engine.from_config(tiny_voices, Settings(voices=tiny_voices, runtime="onnx"))
    engine.synthesize("Hello there.", language="en", seed=7)
    out = tmp_path / "said.wav"
    spoken = without_mlx(
        "say", "Hello there.", "--voices", str(tiny_voices), "--lang", "en", "--seed", "7", "--out", str(out)
    )
    assert spoken.returncode == 0, spoken.stderr
    samples, _ = soundfile.read(out, dtype="float32")
    pieces = [chunk.samples for chunk in engine.stream("Hello there.", language="en", seed=7)]
    assert np.abs(samples - np.concatenate(pieces)).max() < 2**-14


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("convert", "--t2s", "a", "--sovits", "b", "--out", "c"), "Nothing is converted without MLX"),
        (("export", "--model", "a", "--onnx", "c"), "Nothing is exported without MLX"),
        (("bench",), "The bench does not run without MLX"),
    ],
)
def test_what_needs_it_says_so_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    refused = without_mlx(*arguments)
    (sentence,) = refused.stderr.strip().splitlines()[-1:]
    assert refused.returncode == 1 and said in sentence and "pip install 'mlx[cpu]'" in sentence
    assert "Traceback" not in refused.stderr


def test_a_voice_of_timbre_alone_is_added_and_speaks(tmp_path: Path) -> None:
    model = ROOT / "models" / "demo"
    own, sound = ("--voices", str(tmp_path / "own.json")), str(model / "voices" / "thea.flac")
    added = without_mlx("voice", "add", "Me", sound, *own, "--model", str(model))
    assert added.returncode == 0 and "Me added, with its timbre alone" in added.stdout, added.stderr
    refused = without_mlx("voice", "add", "Ada", sound, *own, "--model", str(model), "--text", "Hello there.")
    assert refused.returncode == 1 and "gives no codes" in refused.stderr and "without MLX" in refused.stderr


def test_the_doctor_names_it_and_goes_on(tiny_voices: Path) -> None:
    found = without_mlx("doctor", "--voices", str(tiny_voices))
    assert "WARN  MLX       not installed" in found.stdout and "ok    executor  onnxruntime" in found.stdout
    assert json.loads(tiny_voices.read_text("utf-8"))["default_voice"] in found.stdout
