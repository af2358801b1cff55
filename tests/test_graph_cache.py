"""Graphs are written once, read from then on, and made anew where they cannot be kept or are damaged."""

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dora_primespeech_mlx.nets.dimensions.written import as_json, from_json
from dora_primespeech_mlx.runtime import factory
from dora_primespeech_mlx.runtime.onnx import cache
from dora_primespeech_mlx.runtime.onnx.cache import NUMBERS, TABLE, GraphCache, code_digest, key_of
from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port, StoredGraph
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.settings import cache_folder
from dora_primespeech_mlx.voices import models
from dora_primespeech_mlx.voices.models import LoadedModel, load_on_onnx
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.safetensors_file import StampError

WEIGHT = np.random.default_rng(0).standard_normal((24, 16)).astype(np.float32)


def product() -> Graph:
    """A graph of one product."""
    graph = Graph(inputs=[Port("x", ("rows", 24), np.dtype(np.float32))])
    made = graph.add("MatMul", ["x", graph.constant(WEIGHT)])
    graph.bind_outputs([(made, Port("y", ("rows", 16), np.dtype(np.float32)))])
    return graph


def stored() -> dict[str, StoredGraph]:
    graph = product().stored()
    return {"a": graph, "b": graph}


def test_a_graph_is_read_as_it_was_written_and_weights_lie_there_once(tmp_path: Path) -> None:
    graphs = GraphCache(tmp_path / "graphs")
    assert graphs.read("k") is None
    assert graphs.write("k", {"heads": [1, 2]}, stored())
    said, found = graphs.read("k") or ({}, {})
    assert said == {"heads": [1, 2]} and list(found) == ["a", "b"]
    assert (tmp_path / "graphs" / "k" / NUMBERS).stat().st_size < 1.6 * WEIGHT.nbytes
    x = np.ones((2, 24), np.float32)
    np.testing.assert_array_equal(OnnxFunction(found["b"], 1)(x)[0], OnnxFunction(product(), 1)(x)[0])
    array = next(iter(found["a"].weights.values()))
    np.testing.assert_array_equal(array, WEIGHT)
    assert not array.flags.writeable, "it is the file itself"


def test_what_is_said_alone_is_kept_too(tmp_path: Path) -> None:
    graphs = GraphCache(tmp_path)
    assert graphs.write("k", {"found": None}, {"none": StoredGraph(b"", {})})
    said, found = graphs.read("k") or ({}, {})
    assert said == {"found": None} and not found["none"].weights


def test_a_second_writer_leaves_what_is_there_and_no_draft_stays(tmp_path: Path) -> None:
    graphs = GraphCache(tmp_path)
    assert graphs.write("k", {"by": 1}, stored()) and graphs.write("k", {"by": 2}, stored())
    said, _ = graphs.read("k") or ({}, {})
    assert said == {"by": 1} and os.listdir(tmp_path) == ["k"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / NUMBERS).write_bytes((folder / NUMBERS).read_bytes()[:-100]),
        lambda folder: (folder / TABLE).write_text("{"),
        lambda folder: (folder / TABLE).write_text(json.dumps({"size": (folder / NUMBERS).stat().st_size})),
    ],
    ids=["cut short", "no table", "another table"],
)
def test_an_entry_that_is_damaged_is_removed(
    tmp_path: Path, harm: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    graphs = GraphCache(tmp_path)
    graphs.write("k", {}, stored())
    harm(tmp_path / "k")
    assert graphs.read("k") is None and not (tmp_path / "k").exists() and "made anew" in caplog.text
    assert graphs.write("k", {}, stored()) and graphs.read("k")


def test_a_writer_that_is_killed_leaves_nothing_that_is_read_and_the_next_one_writes(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from dora_primespeech_mlx.runtime.onnx import cache
from tests.test_graph_cache import stored
os.fsync = lambda _: os._exit(9)
cache.GraphCache(Path({str(tmp_path)!r})).write("k", {{}}, stored())
"""
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=root).returncode == 9
    assert [path.name.startswith(".draft-") for path in tmp_path.iterdir()] == [True]
    graphs = GraphCache(tmp_path)
    assert graphs.read("k") is None and graphs.write("k", {}, stored()) and graphs.read("k")
    day_old = next(path for path in tmp_path.iterdir() if path.name.startswith(".draft-"))
    os.utime(day_old, (0, 0))
    graphs.write("other", {}, stored())
    assert not day_old.exists()


def test_entries_nobody_has_read_for_long_are_removed(tmp_path: Path) -> None:
    graphs = GraphCache(tmp_path)
    graphs.write("old", {}, stored())
    graphs.write("used", {}, stored())
    for name in ("old", "used"):
        os.utime(tmp_path / name / TABLE, (0, 0))
    graphs.read("used")
    graphs.write("new", {}, stored())
    assert sorted(os.listdir(tmp_path)) == ["new", "used"]


def test_a_full_disk_and_a_place_that_is_no_folder_mean_only_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    assert not GraphCache(tmp_path / "file" / "graphs").write("k", {}, stored())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(cache.os, "fsync", full)
    assert not GraphCache(tmp_path / "graphs").write("k", {}, stored())
    assert os.listdir(tmp_path / "graphs") == []


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    graphs, file = GraphCache(tmp_path / "graphs"), tmp_path / "file"
    file.write_bytes(b"one")
    first = graphs.digest(file)
    assert graphs.digest(file) == first
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert graphs.digest(file) != first


def test_keys_know_the_code_that_traces() -> None:
    assert key_of("int8", "x") == key_of("int8", "x") != key_of("fp32", "x")
    assert len(code_digest()) == 64


def test_dimensions_are_read_as_they_were_written(tiny_model: Path, tiny_diffusion: Path) -> None:
    models = load_model(tiny_model), load_model(tiny_diffusion / "v3"), load_model(tiny_diffusion / "v4")
    for config in (models[0].t2s.config, *(model.sovits.config for model in models)):
        assert from_json(json.loads(json.dumps(as_json(config)))) == config


def codes_and_samples(model: LoadedModel) -> tuple[np.ndarray, np.ndarray]:
    phones, codes = np.arange(1, 9, dtype=np.int32), np.arange(6, dtype=np.int32)
    scores = model.t2s.start([(phones, None)], codes).step(np.array([3]))
    vocoder = model.sovits.config.vocoder
    latent = np.random.default_rng(0).standard_normal((20, vocoder.inter_channels)).astype(np.float32)
    return scores, model.sovits.vocode(latent, np.ones(vocoder.gin_channels, np.float32))  # type: ignore[call-arg]


def test_a_model_is_traced_once_and_speaks_the_same_from_its_graphs(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    nowhere = tmp_path / "file"
    nowhere.touch()
    in_memory = codes_and_samples(load_on_onnx(folder, "int8", 1, nowhere / "graphs"))
    assert "Graphs are not kept" in caplog.text
    first = load_on_onnx(folder, "int8", 1, tmp_path / "graphs")

    def never(*_: object) -> None:
        raise AssertionError("traced again")

    with monkeypatch.context() as patch:
        patch.setattr(models, "_traced", never)
        second = load_on_onnx(folder, "int8", 1, tmp_path / "graphs")
        with pytest.raises(AssertionError):
            load_on_onnx(folder, "fp32", 1, tmp_path / "graphs")
    assert replace(second, t2s=first.t2s, sovits=first.sovits, finder=first.finder) == first
    for loaded in (first, second):
        for found, expected in zip(codes_and_samples(loaded), in_memory, strict=True):
            np.testing.assert_array_equal(found, expected)

    weights = folder / "sovits.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(StampError):
        load_on_onnx(folder, "int8", 1, tmp_path / "graphs")


def test_without_mlx_and_without_graphs_a_sentence_says_what_to_install(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "has_mlx", lambda: False)
    with pytest.raises(ImportError, match=r"pip install 'mlx\[cpu\]'"):
        load_on_onnx(tiny_model, "int8", 1, tmp_path)


def test_the_folder_for_what_can_be_made_anew_is_the_system_s() -> None:
    home = Path.home()
    assert cache_folder({}, "linux") == home / ".cache" / "dora-primespeech-mlx"
    assert cache_folder({"XDG_CACHE_HOME": "/c"}, "linux") == Path("/c/dora-primespeech-mlx")
    assert cache_folder({}, "darwin") == home / "Library" / "Caches" / "dora-primespeech-mlx"
    assert cache_folder({"LOCALAPPDATA": "/l"}, "win32") == Path("/l/dora-primespeech-mlx/cache")


def test_onnx_runtime_keeps_nothing_about_the_computer_and_sends_nothing(tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from test_graph_cache import product\n"
        "from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction\n"
        "OnnxFunction(product())(np.ones((2, 24), np.float32))\n"
    )
    tests = Path(__file__).parent
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"}
    environment.pop("XDG_CACHE_HOME", None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list(tmp_path.rglob("*"))
