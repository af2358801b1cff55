"""LoRAs of v3 and v4: from their files, by the commands a user types, to what a dataflow hears."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from dataflow_tools import TESTS, faked, rows, run, written
from test_enrol import write_content_encoder
from weight_files import content_of, never_ending, save

from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.node.playout import Shaper
from dora_primespeech_mlx.settings import Settings

RATE = 48000
TEXTS = {"v3": "Is this the train to the coast?", "v4": "The old lamp still works."}
VOCODERS = {"v3": "bigvgan_tiny", "v4": "vocoder_tiny_v4.pth"}


def command(*words: object) -> int:
    """`primespeech WORDS`; its exit status."""
    return main([str(word) for word in words])


def conversion(golden: Path, version: str, **changes: Path | None) -> list[object]:
    """`convert` and the files of a LoRA; `changes` are other files by option, None for none."""
    data = golden / "v34"
    files = {
        "t2s": golden / "s1_tiny.ckpt",
        "sovits": data / f"s2_tiny_{version}_lora.pth",
        "base": data / f"s2_tiny_{version}.pth",
        "vocoder": data / VOCODERS[version],
    } | changes
    return ["convert", *(word for name, file in files.items() if file for word in (f"--{name}", file))]


@pytest.fixture
def voices(golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A voices.json with a voice of a LoRA of either version, called after it."""
    path = tmp_path / "voices.json"
    for version in TEXTS:
        model = tmp_path / version
        assert command(*conversion(golden, version), "--out", model) == 0
        never_ending(model, 1)
        recording = [golden / "v34" / "ref_32k_mono.wav", "--text", "This is the reference text.", "--lang", "en"]
        add = ["voice", "add", version, *recording, "--model", model, "--voices", path]
        if version == "v3":
            assert command(*add) == 1
            assert capsys.readouterr().err.endswith(f"--hubert chinese-hubert-base --out {model}\n")
            write_content_encoder(model, tmp_path / "encoders")
        assert command(*add) == 0
    content = json.loads(path.read_text("utf-8"))
    for entry in content["voices"].values():
        entry["steps"] = 2
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_a_lora_of_either_version_is_converted_and_streamed_by_a_dataflow(voices: Path, tmp_path: Path) -> None:
    env = {"VOICES_CONFIG": str(voices), "RUNTIME": "onnx", "SEED": "1", "SAMPLE_RATE": str(RATE)}
    flow = faked("say.yml", tmp_path, tts=env)
    dataflow = yaml.safe_load(flow.read_text())
    _, tts, recorder = dataflow["nodes"]
    tts |= {"path": sys.executable, "args": "-m dora_primespeech_mlx.node"}
    listener = {"id": "listener", "path": str(TESTS / "listen.py"), "inputs": {"audio": recorder["inputs"]["audio"]}}
    dataflow["nodes"].append(listener | {"env": {"LISTEN_FILE": "heard.jsonl"}})
    (tmp_path / "say.txt").write_text("".join(f"VOICE:{name}|{text}\n" for name, text in TEXTS.items()))
    run(written(dataflow, flow))

    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert rate == RATE
    heard = rows(tmp_path / "heard.jsonl")
    engine = Engine.from_config(voices, Settings.from_env(env))
    for number, (version, text) in enumerate(TEXTS.items()):
        speech = engine.synthesize(text, voice=version, seed=1)
        expected = Shaper(speech.sample_rate, RATE)(speech.audio, last=True)
        ours, samples = samples[: len(expected)], samples[len(expected) :]
        np.testing.assert_allclose(ours, expected, atol=3e-4)
        assert np.abs(ours).max() > 0.01
        chunks = [row for row in heard if row["segment_id"] == number]
        assert sum(row["count"] for row in chunks) == len(expected)
        assert len([row for row in chunks if not row["sentence_final"]]) > 1, "parts of the sentence, then its pause"
    assert len(samples) == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"base": None}, "is a v4 LoRA of rank 8, which needs its base model s2Gv4.pth: add --base s2Gv4.pth"),
        ({"base": "s2_tiny_v2.pth"}, "needs its base model s2Gv4.pth; {base} is a model without a diffusion decoder"),
        ({"base": "base_of_v3.pth"}, "needs its base model s2Gv4.pth; {base} is the base of v3"),
        ({"sovits": "other_rank.pth"}, "{sovits} is a LoRA of several ranks (8, 16): it is damaged, export it again"),
        ({"vocoder": None}, "is a v4 model, which needs its vocoder: add --vocoder with the file vocoder.pth"),
        ({"vocoder": "v34/bigvgan_tiny"}, "{vocoder} is not the vocoder of v4: give the file vocoder.pth"),
        ({"vocoder": "v34/s2_tiny_v4.pth"}, "config), not the vocoder of v4: give the file vocoder.pth"),
    ],
    ids=["no base", "base of v2", "base of v3", "another rank", "no vocoder", "vocoder of v3", "base as vocoder"],
)
def test_what_does_not_belong_to_a_lora_is_said_in_a_sentence(
    golden: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str | None],
    sentence: str,
) -> None:
    data = golden / "v34"
    save(tmp_path / "base_of_v3.pth", content_of(data / "s2_tiny_v3.pth"), b"02")
    save(tmp_path / "other_rank.pth", content_of(data / "s2_tiny_v4_lora.pth", lora_rank=16), b"04")
    files = {
        name: file and next(path for path in (tmp_path / file, golden / file) if path.exists())
        for name, file in changes.items()
    }
    assert command(*conversion(golden, "v4", **files), "--out", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert said.startswith("primespeech: ")
    assert said.count("\n") == 1
    assert sentence.format(**files) in said
    assert not (tmp_path / "out").exists()
