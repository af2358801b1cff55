"""Damaged files load or are refused with a sentence."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fuzz_files import checkpoints, fuzz, voices
from weight_files import content_of, save

from dora_primespeech_mlx.weights.checkpoint import read_checkpoint
from dora_primespeech_mlx.weights.load import examine_model
from dora_primespeech_mlx.weights.official import convert

HERE = Path(__file__).parent
GOLDEN = HERE / "data" / "golden"


@pytest.mark.parametrize(("make", "times"), [(checkpoints, 40), (voices, 400)], ids=["checkpoints", "voices.json"])
def test_damaged_files_load_or_are_refused_with_a_sentence(make, times) -> None:
    refused, _, _ = fuzz(make, times)
    assert 0 < refused < times


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["checkpoints", "voices"])
def test_two_thousand_damaged_files(kind: str) -> None:
    subprocess.run([sys.executable, HERE / "fuzz_files.py", kind, "2000"], check=True)


CONVERT = (
    "import sys; from pathlib import Path; from dora_primespeech_mlx.weights.official import convert\n"
    "sys.stdin.readline()\n"
    "for number in range(int(sys.argv[2])):\n"
    "    for t2s, sovits in (sys.argv[3:5], sys.argv[5:7]): convert(t2s, sovits, Path(sys.argv[1]))\n"
)


def converter(folder: Path, times: int, *files: Path) -> subprocess.Popen[str]:
    """A process that is ready to convert two pairs in turn, so many times."""
    arguments = [sys.executable, "-c", CONVERT, str(folder), str(times), *map(str, files)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, text=True)


@pytest.fixture
def pairs(tmp_path: Path) -> list[Path]:
    """Two pairs of official files."""
    made = []
    for name in ("s1_tiny.ckpt", "s2_tiny_v2.pth"):
        weights = {key: value * 0.5 for key, value in read_checkpoint(GOLDEN / name).weights.items()}
        made.append(save(tmp_path / name, content_of(GOLDEN / name, weights)))
    return [GOLDEN / "s1_tiny.ckpt", GOLDEN / "s2_tiny_v2.pth", *made]


@pytest.mark.soak
def test_a_conversion_killed_at_200_moments_leaves_a_whole_model(pairs: list[Path], tmp_path: Path) -> None:

    dice = random.Random(4)
    convert(*pairs[:2], tmp_path / "out")
    for number in range(200):
        folder = tmp_path / ("out" if number % 2 else f"fresh{number}")
        process = converter(folder, 50, *pairs)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        while not folder.exists():
            time.sleep(0.001)
        time.sleep(dice.random() * (1.5 if number % 2 else 0.5))
        process.kill()
        process.wait()
        if number % 2 or (folder / "config.json").exists():
            examine_model(folder)
        else:
            with pytest.raises(FileNotFoundError, match="is missing. Make the folder with"):
                examine_model(folder)


@pytest.mark.soak
def test_converting_and_loading_in_loops_for_a_minute(pairs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    writers = [converter(folder, 10_000, *pairs) for _ in range(2)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while not (folder / "config.json").exists():
        time.sleep(0.1)
    end, loaded = time.monotonic() + 60, 0
    while time.monotonic() < end:
        examine_model(folder)
        loaded += 1
    assert all(writer.poll() is None for writer in writers)
    for writer in writers:
        writer.kill()
        writer.wait()
    examine_model(folder)
    assert loaded > 20
