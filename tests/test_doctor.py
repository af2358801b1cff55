"""The doctor, progress bars, and playing aloud."""

import errno
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.commands import doctor
from dora_primespeech_mlx.commands.doctor import FAIL, OK, WARN, Finding, examine
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.commands.progress import Progress
from dora_primespeech_mlx.runtime.onnx import openvino, processor
from dora_primespeech_mlx.settings import Settings


def found(findings: list[Finding], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


def test_a_whole_installation_is_ok(tiny_voices: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--voices", str(tiny_voices), "--json"]) == 0
    findings = [Finding(**item) for item in json.loads(capsys.readouterr().out)]
    assert {"Python", "MLX", "executor", "dora", "voices", "encoders", "audio", "space"} <= {
        f.subject for f in findings
    }
    assert all(finding.mark in (OK, WARN) for finding in findings)
    assert all(finding.advice for finding in findings if finding.mark != OK)


def test_a_language_that_cannot_be_read_fails_only_where_it_is_meant(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dora_primespeech_mlx.text.find_spec", lambda name: None)
    japanese = [f for f in found(examine(Settings()), "languages") if "Japanese" in f.text]
    assert [(f.mark, f.advice) for f in japanese] == [(OK, "pip install 'dora-primespeech-mlx[ja]'")]
    meant = [f for f in found(examine(Settings(language="ja")), "languages") if f.mark == FAIL]
    assert len(meant) == 1 and "Japanese needs pyopenjtalk-plus" in meant[0].text


def test_missing_voices_fail_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--voices", str(tmp_path / "none.json")]) == 1
    out = capsys.readouterr().out
    assert "FAIL" in out and "none.json does not exist" in out and "-> Set VOICES_CONFIG" in out


def test_a_voice_without_its_files_is_named(tiny_voices: Path, tmp_path: Path):
    content = json.loads(tiny_voices.read_text("utf-8"))
    content["model"] = "elsewhere"
    (tmp_path / "voices.json").write_text(json.dumps(content), encoding="utf-8")
    lacking = [f for f in found(examine(Settings(voices=tmp_path / "voices.json")), "voices") if f.mark == FAIL]
    assert len(lacking) == 1 and "t2s.safetensors" in lacking[0].text


@pytest.mark.parametrize(
    ("command", "package", "mark"), [("dora-cli 1.1.0", "1.1.0", OK), ("dora-cli 0.3.12", "1.1.0", FAIL)]
)
def test_dora_command_and_package_must_match(command: str, package: str, mark: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(doctor, "version_of", lambda name: package)
    answer = types.SimpleNamespace(stdout=command)
    monkeypatch.setattr(doctor.subprocess, "run", lambda *args, **options: answer)
    (finding,) = doctor.check_dora(Settings())
    assert finding.mark == mark
    assert ("0.3.12" in finding.advice) == (mark == FAIL)


def test_no_dora_at_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "version_of", lambda name: None)
    (finding,) = doctor.check_dora(Settings())
    assert finding.mark == FAIL and "pip install dora-rs" in finding.advice


def test_mlx_on_a_cpu_warns_of_a_slow_blas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "loaded_blas", lambda: "libblas.so.3")
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    slow = found(list(doctor.check_mlx(Settings(runtime="mlx"))), "BLAS")
    fine = found(list(doctor.check_mlx(Settings(runtime="onnx"))), "BLAS")
    assert [finding.mark for finding in slow + fine] in ([WARN, OK], [])


def test_an_encoder_that_a_predecessor_named_is_seen(tiny_voices: Path, tmp_path: Path):
    settings = Settings(voices=tmp_path / "voices.json")
    content = json.loads(tiny_voices.read_text("utf-8"))
    folder = tiny_voices.parent
    content["model"] = str(folder / "model")
    content["voices"]["tiny"] |= {"ref_audio": str(folder / "ref.wav"), "codes_path": str(folder / "codes.bin")}
    (tmp_path / "voices.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "bert.safetensors").touch()
    texts = [finding.text for finding in found(list(doctor.check_voices(settings)), "encoders")]
    assert any(text.startswith("roberta is there") for text in texts)
    assert any(text.startswith("hubert is not there") for text in texts)


def test_soundfile_that_is_missing_is_named_with_what_to_do():
    script = """
import sys
sys.modules["soundfile"] = None
from dora_primespeech_mlx.commands import doctor
from dora_primespeech_mlx.runtime.onnx import openvino, processor
from dora_primespeech_mlx.settings import Settings
doctor.version_of = lambda name: None
print([finding.advice for finding in doctor.check_audio(Settings())][0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pip install soundfile"


def test_what_the_environment_names_and_is_not_there_is_found(tiny_voices: Path, tmp_path: Path):
    assert list(doctor.check_settings(Settings(voices=tiny_voices, graph_cache=tmp_path / "new" / "graphs"))) == []
    (tmp_path / "file").write_text("")
    lost, cache = (tmp_path / "a;b",), tmp_path / "file"
    wrong = Settings(voices=tiny_voices, voice="Bob", g2pw_dir=tmp_path, voice_dirs=lost, graph_cache=cache)
    marks = [(finding.mark, finding.text.split()[0]) for finding in doctor.check_settings(wrong)]
    assert marks == [("FAIL", "VOICE_NAME"), ("FAIL", "G2PW_DIR:"), ("WARN", "VOICE_DIRS"), ("WARN", "nothing")]
    (finding,) = doctor.check_settings(Settings(voices=tiny_voices, style="calm", graph_cache=tmp_path))
    assert finding.text.startswith("VOICE_STYLE is 'calm', no style of 'tiny'")


def test_a_polyphone_model_that_is_damaged_is_found(tiny_voices: Path, tmp_path: Path):
    (tmp_path / "POLYPHONIC_CHARS.txt").write_text("行\tㄏㄤ2\n", encoding="utf-8")
    (tmp_path / "bopomofo_to_pinyin_wo_tune_dict.json").write_text('{"ㄏㄤ": "hang"}', encoding="utf-8")
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n行\n", encoding="utf-8")
    (tmp_path / "g2pW.onnx").write_bytes(b"cut short")
    (finding,) = doctor.check_settings(Settings(voices=tiny_voices, g2pw_dir=tmp_path, graph_cache=tmp_path / "graphs"))
    assert finding.mark == FAIL and "g2pW.onnx is damaged" in finding.text


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch):
    def broken(settings: Settings) -> Iterator[Finding]:
        raise RuntimeError("lost")

    monkeypatch.setattr(doctor, "check_space", broken)
    (finding,) = found(examine(), "space")
    assert finding.mark == FAIL and "lost" in finding.text


def test_what_the_system_keeps_closed_is_a_finding_that_says_so(monkeypatch: pytest.MonkeyPatch):
    def closed(settings: Settings) -> Iterator[Finding]:
        raise PermissionError(errno.EACCES, "Permission denied", "encoders")

    monkeypatch.setattr(doctor, "check_space", closed)
    (finding,) = found(examine(), "space")
    assert finding.mark == FAIL and finding.text.startswith("encoders may not be read or written by you")


def test_progress_is_silent_in_a_pipe(monkeypatch: pytest.MonkeyPatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with Progress("work", 3) as progress:
        progress.next("one")
        progress.reach(3)
    assert pipe.getvalue() == ""


def test_progress_shows_on_a_terminal():
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    code = (
        "from dora_primespeech_mlx.commands.progress import Progress\n"
        "with Progress('work', 3) as p:\n p.next('one'); p.next('two'); p.reach(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=writer, stdout=subprocess.PIPE, check=True)
    os.close(writer)
    shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert "work" in shown and "100%" in shown and "3/3" in shown
    assert done.stdout == b""


class FakeStream:
    """Takes the place of sounddevice's output stream and keeps what it is given."""

    opened: list["FakeStream"] = []

    def __init__(self, samplerate: int, channels: int, dtype: str):
        self.rate, self.heard, self.state = samplerate, [], "made"
        assert (channels, dtype) == (1, "float32")
        FakeStream.opened.append(self)

    def start(self) -> None:
        self.state = "started"

    def write(self, samples: np.ndarray) -> None:
        assert self.state == "started" and samples.ndim == 2
        self.heard.append(samples)

    def stop(self) -> None:
        self.state = "stopped"

    def close(self) -> None:
        self.state = f"{self.state} and closed"


def fake_sounddevice(devices: bool) -> types.ModuleType:
    module = types.ModuleType("sounddevice")

    class PortAudioError(Exception):
        pass

    def query_devices(kind: str) -> dict[str, str]:
        if not devices:
            raise PortAudioError("no default")
        return {"name": "Speaker"}

    module.PortAudioError, module.query_devices = PortAudioError, query_devices  # type: ignore[attr-defined]
    module.OutputStream = FakeStream  # type: ignore[attr-defined]
    return module


def test_say_plays_what_it_makes(tiny_voices: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(devices=True))
    monkeypatch.chdir(tmp_path)
    FakeStream.opened.clear()
    assert main(["say", "Hello there.", "--play", "--seed", "1", "--voices", str(tiny_voices)]) == 0
    (stream,) = FakeStream.opened
    assert stream.state == "stopped and closed" and stream.rate == 32000
    assert sum(map(len, stream.heard)) > 3200
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "said"), [(None, "pip install 'dora-primespeech-mlx[play]'"), (False, "no loudspeaker on this machine")]
)
def test_say_cannot_play_and_says_why(
    module: bool | None,
    said: str,
    tiny_voices: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setitem(sys.modules, "sounddevice", None if module is None else fake_sounddevice(module))
    assert main(["say", "Hello there.", "--play", "--voices", str(tiny_voices)]) == 1
    assert said in capsys.readouterr().err


def test_say_knows_where_it_writes_before_it_speaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Grüße".encode("latin-1"))
    for out, file, said in (
        (tmp_path, latin, f"{tmp_path} is a folder"),
        (tmp_path / "none" / "a.wav", latin, f"{tmp_path / 'none'} is no folder that is there"),
        (tmp_path / "a.wav", latin, f"{latin} is not written in UTF-8"),
    ):
        assert main(["say", "--file", str(file), "--out", str(out)]) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("installed", "words", "mark", "said"),
    [
        (False, {"amx_bf16"}, WARN, "samples would take a third of the time here, or less"),
        (False, {"AuthenticAMD", "avx512_bf16"}, WARN, "samples would take a third of the time here, or less"),
        (False, {"GenuineIntel", "avx512_bf16"}, None, ""),
        (True, {"amx_bf16"}, OK, "renders samples"),
        (True, {"GenuineIntel", "avx512_bf16"}, OK, "is not used"),
    ],
)
def test_openvino_is_advised_where_samples_would_be_quicker(monkeypatch, installed, words, mark, said):
    monkeypatch.setattr(openvino, "available", lambda: installed)
    monkeypatch.setattr(openvino, "pays", lambda: installed and "amx_bf16" in words)
    monkeypatch.setattr(processor, "said", lambda: frozenset(words))
    found = [finding for finding in doctor.check_executor(Settings(runtime="onnx")) if "openvino" in finding.text]
    assert [finding.mark for finding in found] == ([mark] if mark else [])
    assert all(said in finding.text for finding in found)
