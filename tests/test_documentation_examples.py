"""The shell and Python examples of README.md, run as they stand."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from test_enrol import write_content_encoder
from test_recording import speech

from dora_primespeech_mlx import settings
from dora_primespeech_mlx.commands.arguments import parser
from dora_primespeech_mlx.commands.main import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("primespeech ")]


@pytest.fixture
def workplace(tmp_path, monkeypatch, golden, tiny_model) -> Path:
    """A folder with what the examples name: checkpoints, a recording, and the repository's voices."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(golden / "s1_tiny.ckpt", "voice.ckpt")
    shutil.copy(golden / "s2_tiny_v2.pth", "voice.pth")
    shutil.copy(golden / "v34" / "s2_tiny_v4_lora.pth", "lora.pth")
    shutil.copy(golden / "v34" / "s2_tiny_v4.pth", "s2Gv4.pth")
    shutil.copy(golden / "v34" / "vocoder_tiny_v4.pth", "vocoder.pth")
    soundfile.write("ada.wav", speech(3.2), 32000)
    soundfile.write("me.wav", *soundfile.read(ROOT / "models" / "demo" / "voices" / "mira.flac"))
    monkeypatch.setattr(settings, "INSTALLED_VOICES", settings.SHIPPED_VOICES)  # as if the package were installed
    monkeypatch.setattr(settings, "OWN_VOICES", str(tmp_path / "own"))
    write_content_encoder(tiny_model, tmp_path / "models" / "encoders")
    return tmp_path


def test_the_shell_examples_run_one_after_the_other(workplace, capsys):
    run = [line for block in blocks("bash") for line in commands(block)]
    assert len(run) >= 3
    for line in run:
        assert main(shlex.split(line)[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    assert soundfile.info("hello.wav").duration > 0.5
    assert soundfile.info("me_too.wav").duration > 1.5
    own = json.loads((workplace / "own" / "voices.json").read_text("utf-8"))
    assert Path(own["model"]).samefile(ROOT / "models" / "demo") and own["languages"] == ["zh", "en"]
    assert own["voices"]["Me"]["top_k"] == 3  # as the voices that ship draw
    assert (workplace / "models" / "mine" / "t2s.safetensors").is_file()


def test_the_python_examples_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    played = []
    names = {"play": lambda samples, rate: played.append((len(samples), rate))}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert sum(count for count, _ in played) > 32000
    assert {rate for _, rate in played} == {32000}
    assert max(count for count, _ in played) <= 32000
    speech = names["speech"]
    assert speech.duration > 0.5
    assert np.abs(speech.audio).max() > 0.05


def test_the_dataflow_examples_name_what_the_node_has():
    manifest = yaml.safe_load((ROOT / "dora-node.yml").read_text(encoding="utf-8"))
    variables = {name for variable in settings.VARIABLES for name in variable.names}
    flows = [yaml.safe_load(block) for block in blocks("yaml")]
    nodes = [node for flow in flows for node in (flow["nodes"] if isinstance(flow, dict) else flow)]
    ours = [node for node in nodes if node["id"] == "tts"]
    assert len(ours) >= 2
    for node in ours:
        assert node.get("inputs", {}).keys() <= manifest["inputs"].keys()
        assert {*node.get("outputs", [])} <= manifest["outputs"].keys()
        assert node.get("env", {}).keys() <= variables
        settings.Settings.from_env({name: str(value) for name, value in node.get("env", {}).items()})
    for wire in (wire for node in nodes for wire in node["inputs"].values()):
        assert wire["queue_policy"] == "backpressure"


def test_every_command_named_in_a_sentence_is_one(capsys):
    pages = [README, *(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))]
    named = {line for page in pages for line in re.findall(r"`(primespeech [^`]+)`", page)}
    assert len(named) >= 5
    for line in sorted(named):
        if "..." in line:
            continue
        words = shlex.split(line)[1:]
        try:
            parser().parse_args([*words, "--help"])
        except SystemExit as ended:
            assert ended.code == 0, line
    capsys.readouterr()
