"""What is between the command and its terminal: pipes, encodings, Ctrl-C, and arguments that are nearly right."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dora_primespeech_mlx.commands import main as command
from dora_primespeech_mlx.commands.start import INTERRUPTED, NOBODY_READS, start
from dora_primespeech_mlx.files import writing
from dora_primespeech_mlx.names.values import expand

ROOT = Path(__file__).parents[1]


def started(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["primespeech", *arguments])
    return start()


def test_ctrl_c_ends_the_command_without_a_word_also_while_it_is_loaded(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    class Interrupted:
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "dora_primespeech_mlx.commands.main", Interrupted())
    assert started(monkeypatch, "voices") == INTERRUPTED
    assert capfd.readouterr() == ("", "")


def test_a_reader_that_has_gone_ends_the_command_without_a_word() -> None:
    code = "import sys; from dora_primespeech_mlx.commands.start import start; sys.exit(start())"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code, "phones", "Hello."],
        stdout=writing, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (NOBODY_READS, b"")


def test_letters_that_a_terminal_lacks_are_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert started(monkeypatch, "phones", "你好。") == 0
    assert b"\\u4f60\\u597d" in shown.getvalue()


@pytest.mark.parametrize(
    ("given", "said"),
    [("Grüße".encode("latin-1"), "standard input is not written in UTF-8"), (None, "no standard input")],
)
@pytest.mark.parametrize("arguments", [("phones",), ("say", "-")])
def test_what_standard_input_is_not_is_said(
    arguments: tuple[str, ...], given: bytes | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", None if given is None else io.TextIOWrapper(io.BytesIO(given), "latin-1"))
    assert command.main(arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("say", "Hi.", "--seed", "-5"), "--seed='-5' is not allowed; it must be a whole number from 0"),
        (("phones", "Hi.", "--pieces", "-1"), "--pieces -1 is not allowed; it must be a whole number from 0"),
    ],
)
def test_a_number_out_of_bounds_is_named(arguments: tuple[str, ...], said: str, capsys) -> None:
    assert command.main(arguments) == 1
    assert said in capsys.readouterr().err


def test_an_empty_path_is_named_and_a_home_is_found_behind_an_equals_sign(capsys, monkeypatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        command.main(["convert", "--out", ""])
    assert "argument --out: the path is empty" in capsys.readouterr().err
    monkeypatch.setenv("HOME", str(tmp_path))
    assert command.main(["voices", "--voices=~/none.json"]) == 1
    assert f"{tmp_path}/none.json does not exist" in capsys.readouterr().err


def test_without_a_home_nothing_is_found_or_kept_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not expand("~/voices.json").exists()
    with pytest.raises(OSError, match=r"Not a directory|No such file"):
        expand("~/.cache/graphs").mkdir(parents=True)


def test_a_file_that_cannot_be_written_again_stays_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link, old = tmp_path / "link.wav", tmp_path / "old.wav"
    old.write_bytes(b"old")
    link.symlink_to(old)
    writing.replace_file(link, b"new")
    assert (link.is_symlink(), old.read_bytes()) == (True, b"new")

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[:1])
        raise OSError("there is no room")

    monkeypatch.setattr(writing, "write_synced", full)
    with pytest.raises(OSError, match="no room"):
        writing.replace_file(link, b"newer")
    assert [path.name for path in tmp_path.iterdir() if path != link] == ["old.wav"]
    assert old.read_bytes() == b"new"
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError) as refused:
        writing.replace_file(tmp_path / "none" / "a.wav", b"")
    assert refused.value.filename == str(tmp_path / "none" / "a.wav")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("voice", "add", "A", "a.wav", "--voices", "."), r"\. is a folder: name the voices\.json in it"),
        (("bench", "--json", "none/a.json"), "none is no folder that is there: make it, or name another"),
        (("bench", "--report", "file"), "file is a file, or lies under one: name a folder to write into"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_said_before_the_work(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert command.main(arguments) == 1
    assert re.search(said, capsys.readouterr().err)
