"""A model folder holds the old model or the new one, whatever happens while it is written."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from weight_files import content_of, save, unstamped

from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.files import writing
from dora_primespeech_mlx.weights import whole
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint
from dora_primespeech_mlx.weights.load import examine_model, load_model
from dora_primespeech_mlx.weights.official import convert
from dora_primespeech_mlx.weights.source import Source

FILES = ("t2s.safetensors", "sovits.safetensors", "config.json")


class KilledError(BaseException):
    """Stands for the end of the process: nothing after it is done."""


@pytest.fixture(scope="module")
def other(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Another pair of official files, of the same shapes."""
    folder = tmp_path_factory.mktemp("other")
    for name in ("s1_tiny.ckpt", "s2_tiny_v2.pth"):
        weights = {key: value * np.float16(0.5) for key, value in read_checkpoint(golden / name).weights.items()}
        save(folder / name, content_of(golden / name, weights))
    return folder / "s1_tiny.ckpt", folder / "s2_tiny_v2.pth"


def marks(folder: Path) -> tuple[float, float]:
    """A number of each network, by which the two models are told apart."""
    model = load_model(folder)
    return float(model.t2s.bert_proj.bias[0].item()), float(model.sovits.enc_p.proj.bias[0].item())


def problem(folder: Path) -> str | None:
    """What is wrong with a folder, or None."""
    try:
        examine_model(folder)
    except (ValueError, OSError) as error:
        return str(error)
    return None


class Machine:
    """Counts the steps that change the disk, and ends the process before one of them, perhaps in its middle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int):
        self.steps, self.last = 0, last
        monkeypatch.setattr(whole, "write_synced", self.write)
        monkeypatch.setattr(whole.os, "replace", self.around(os.replace))

    def around(self, act: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object) -> object:
            self.tick()
            return act(*args)

        return step

    def tick(self) -> None:
        self.steps += 1
        if self.steps >= self.last:
            raise KilledError

    def write(self, path: Path, data: bytes) -> None:
        self.tick()
        path.write_bytes(data[: len(data) // 2])
        self.tick()
        path.write_bytes(data)


def test_killed_before_any_step_a_folder_holds_one_of_the_two_models(
    golden: Path, other: tuple[Path, Path], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(*other, tmp_path / "new")
    old, new = marks(tiny_model), marks(tmp_path / "new")
    assert old[0] != new[0] and old[1] != new[1]
    seen = []
    for last in range(1, 30):
        folder = Path(shutil.copytree(tiny_model, tmp_path / f"{last}"))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", lambda *_, **__: None)  # the dead tidy up nothing
            machine = Machine(patch, last)
            try:
                convert(*other, folder)
            except KilledError:
                pass
            else:
                break
        seen.append(marks(folder))
        assert main(["voices", "--voices", str(_voices(folder))]) == 0
    assert machine.steps == len(seen) == 11
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=[old, new].index)
    convert(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth", folder)
    assert {path.name for path in folder.iterdir()} == set(FILES)


def _voices(model: Path) -> Path:
    shutil.copy(Path(__file__).parent / "data" / "golden" / "e2e_tiny_ref.wav", model / "ref.wav")
    path = model / "voices.json"
    path.write_text(json.dumps({"model": ".", "voices": {"a": {"ref_audio": "ref.wav"}}}), encoding="utf-8")
    return path


def test_killed_in_a_fresh_folder_the_model_is_missing_or_whole(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for last in range(1, 12):
        folder = tmp_path / str(last)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            Machine(patch, last)
            with pytest.raises(KilledError):
                convert(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth", folder)
        outcomes.append(problem(folder))
    assert [outcome is None for outcome in outcomes] == [False] * 9 + [True] * 2
    assert all(outcome is None or "is missing. Make the folder with: primespeech" in outcome for outcome in outcomes)


def test_no_room_leaves_the_old_model_and_says_how_much_is_needed(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    convert(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole.os, "fsync", full)
    with pytest.raises(OSError, match=r"no room for .*model: [\d.]+ MB are needed and .* MB are free; nothing"):
        convert(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth", folder, half=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_models_are_loaded_while_others_take_their_place(
    golden: Path, other: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    folder, stop, problems = tmp_path / "model", threading.Event(), []
    pairs = [(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth"), other]
    convert(*other, folder)
    known = {marks(folder), marks(tiny_model)}

    def write() -> None:
        try:
            for _ in range(4):
                for pair in pairs:
                    convert(*pair, folder)
        finally:
            stop.set()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = problem(folder)
        problems += [found] if found else []
    assert problems == []
    assert marks(folder) in known


def test_a_file_that_is_cut_while_it_is_read_ends_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"x" * 1_000_000)
    with Source(path) as source:
        os.truncate(path, 10)
        with pytest.raises(CheckpointError, match="cut short"):
            source.read(0, 1_000_000)


def mixed(folder: Path, other: Path) -> None:
    shutil.copy(other / "t2s.safetensors", folder)


def empty(folder: Path, other: Path) -> None:
    (folder / "sovits.safetensors").write_bytes(b"")


def pointer(folder: Path, other: Path) -> None:
    (folder / "sovits.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")


def half(folder: Path, other: Path) -> None:
    content = (folder / "t2s.safetensors").read_bytes()
    (folder / "t2s.safetensors").write_bytes(content[: len(content) // 2])


def flipped(folder: Path, other: Path) -> None:
    content = bytearray((folder / "t2s.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "t2s.safetensors").write_bytes(content)


def gone(folder: Path, other: Path) -> None:
    (folder / "t2s.safetensors").unlink()


@pytest.mark.parametrize("stamps", [True, False], ids=["with sizes and hashes", "of an earlier version"])
@pytest.mark.parametrize("damage", [mixed, empty, pointer, half, flipped, gone])
def test_a_folder_that_is_not_whole_is_seen_before_it_speaks(
    damage: Callable[[Path, Path], None],
    stamps: bool,
    other: tuple[Path, Path],
    tiny_voices: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_voices.parent, tmp_path / "voices")
    voices = tmp_path / "voices" / "voices.json"
    convert(*other, tmp_path / "b")
    if not stamps:
        unstamped(voices.parent / "model")
    assert main(["voices", "--voices", str(voices)]) == 0
    damage(voices.parent / "model", tmp_path / "b")
    unseen = not stamps and damage in (mixed, flipped)
    assert main(["voices", "--voices", str(voices)]) == (0 if unseen else 1)
    assert main(["doctor", "--voices", str(voices)]) == (0 if unseen else 1)
    if not unseen:
        assert ".safetensors" in capsys.readouterr().out
        assert main(["say", "Hello.", "--voices", str(voices), "--out", str(tmp_path / "a.wav")]) == 1
        said = capsys.readouterr().err
        assert str(voices.parent / "model") in said and "onvert" in said


def test_a_file_that_another_program_changed_is_taken_and_one_of_another_conversion_is_not(
    other: tuple[Path, Path], tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    weights = load_file(folder / "t2s.safetensors")
    save_file(weights | {"bert_proj.bias": weights["bert_proj.bias"] + 1}, folder / "t2s.safetensors")
    load_model(folder)
    assert "t2s.safetensors was written anew by another program" in caplog.text
    convert(*other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "t2s.safetensors", folder)
    with pytest.raises(CheckpointError, match='take "files" out of'):
        load_model(folder)
    assert load_model(unstamped(folder)).version == "v2"


def test_the_manifest_says_what_the_files_are(tiny_model: Path) -> None:
    said = json.loads((tiny_model / "config.json").read_text("utf-8"))["files"]
    assert set(said) == {"t2s.safetensors", "sovits.safetensors"}
    for name, stamp in said.items():
        content = (tiny_model / name).read_bytes()
        assert stamp == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_the_model_that_ships_is_the_one_its_manifest_names() -> None:
    folder = Path(__file__).parents[1] / "models" / "demo"
    said = json.loads((folder / "config.json").read_text("utf-8"))["files"]
    for name in ("t2s.safetensors", "sovits.safetensors"):
        content = (folder / name).read_bytes()
        assert said[name] == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dora_primespeech_mlx.files.writing import locked\n"
        "with locked(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None and first.stdin is not None
    assert first.stdout.readline() == "in\n"
    entered = threading.Event()

    def second() -> None:
        with writing.locked(tmp_path):
            entered.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    assert not entered.wait(0.2)
    first.stdin.close()
    waiting.join(20)
    assert entered.is_set() and first.wait(20) == 0


def test_a_writer_on_windows_waits_for_others_and_not_for_a_file_system_that_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[int] = [errno.EDEADLK, errno.EDEADLK, errno.EINVAL]

    def locking(file: int, how: int, count: int) -> None:
        raise OSError(answers.pop(0), "as Windows says it")

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_LOCK=1))
    monkeypatch.setattr(sys, "platform", "win32")
    with writing.locked(tmp_path):
        assert not answers
