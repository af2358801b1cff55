"""A model's graphs without its weights: whole again, number for number, on a computer without MLX."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_without_mlx import without_mlx

from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.runtime.onnx import portable
from dora_primespeech_mlx.runtime.onnx.graph import StoredGraph
from dora_primespeech_mlx.runtime.onnx.portable import FILE, TABLE, read_order, read_portable, written_order
from dora_primespeech_mlx.settings import SHIPPED_VOICES
from dora_primespeech_mlx.voices import models
from dora_primespeech_mlx.voices.models import write_graphs
from dora_primespeech_mlx.weights.source import CheckpointError

DEMO = SHIPPED_VOICES.parent / "models" / "demo"


@pytest.fixture(scope="module")
def written(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with its graphs."""
    folder = tmp_path_factory.mktemp("portable") / "model"
    shutil.copytree(tiny_model, folder)
    write_graphs(folder)
    return folder


def equal(found: dict[str, StoredGraph], expected: dict[str, StoredGraph]) -> bool:
    return list(found) == list(expected) and all(
        found[name].model == graph.model
        and list(found[name].weights) == list(graph.weights)
        and all(
            array.dtype == graph.weights[weight].dtype and np.array_equal(array, graph.weights[weight])
            for weight, array in found[name].weights.items()
        )
        for name, graph in expected.items()
    )


def test_graphs_that_are_read_are_those_that_are_traced(written: Path) -> None:
    said, graphs = read_portable(written, "int8", any_code=False) or ({}, {})
    expected, traced = models._traced(written, "int8")
    assert said == json.loads(json.dumps(expected)) and equal(graphs, traced)
    broken = dict(graphs, s2_flow=StoredGraph(graphs["s2_flow"].model, graphs["s2_vocoder"].weights))
    assert not equal(broken, traced)


def test_the_graphs_that_ship_are_those_that_are_traced() -> None:
    said, graphs = read_portable(DEMO, "int8", any_code=True) or ({}, {})
    expected, traced = models._traced(DEMO, "int8")
    way = "Write them anew: primespeech export --model models/demo --graphs"
    assert said == json.loads(json.dumps(expected)) and equal(graphs, traced), way
    assert (DEMO / FILE).stat().st_size < 300_000


def test_orders_are_read_as_they_were_written() -> None:
    places = np.random.default_rng(0).permutation(1000).astype(np.float32)
    np.testing.assert_array_equal(read_order(written_order(places)), places)


def test_the_file_is_for_its_weights_its_precision_and_its_code(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_portable(written, "fp32", any_code=True) is None
    monkeypatch.setattr(portable, "code_digest", lambda: "another")
    assert read_portable(written, "int8", any_code=False) is None
    assert read_portable(written, "int8", any_code=True)
    other = tmp_path / "other"
    shutil.copytree(written, other)
    config = other / "config.json"
    config.write_text(config.read_text("utf-8").replace('"sha256"', '"unsaid"'), "utf-8")
    assert read_portable(other, "int8", any_code=True) is None


@pytest.mark.parametrize("harm", [lambda data: data[: len(data) // 2], lambda data: b"no zip"], ids=["half", "none"])
def test_a_damaged_file_is_named(written: Path, tmp_path: Path, harm) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "model"
    shutil.copytree(written, folder)
    (folder / FILE).write_bytes(harm((folder / FILE).read_bytes()))
    with pytest.raises(CheckpointError, match="graphs.zip is damaged: remove it"):
        read_portable(folder, "int8", any_code=True)


def test_a_file_of_the_model_that_is_missing_is_named_with_the_way_to_make_it(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(written, folder)
    (folder / "t2s.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="t2s.safetensors is missing. Make the folder with: primespeech"):
        read_portable(folder, "int8", any_code=True)


def test_the_same_model_gives_the_same_file(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(written, folder)
    assert main(["export", "--model", str(folder), "--graphs"]) == 0
    assert capsys.readouterr().out.strip() == str(folder / FILE)
    assert (folder / FILE).read_bytes() == (written / FILE).read_bytes()
    with zipfile.ZipFile(folder / FILE) as file:
        assert TABLE in file.namelist() and "s2_vocoder.onnx" in file.namelist()


def test_a_computer_that_never_had_mlx_speaks_and_checks_its_voices(
    tiny_voices: Path, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = tmp_path / "voices.json"
    content = json.loads(tiny_voices.read_text("utf-8"))
    for name in ("ref.wav", "codes.bin"):
        shutil.copy(tiny_voices.parent / name, tmp_path / name)
    voices.write_text(json.dumps({**content, "model": str(written)}), "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "said.wav"
    for _ in range(2):  # from the file with the weights, and then from the cache
        spoken = without_mlx("say", "Hello.", "--voices", str(voices), "--lang", "en", "--out", str(out))
        assert spoken.returncode == 0 and out.stat().st_size > 10_000, spoken.stderr
    listed = without_mlx("voices", "--voices", str(voices))
    assert listed.returncode == 0 and "MLX" not in listed.stdout, listed.stdout + listed.stderr
