"""Tiny models for all tests: official checkpoints of random weights, and what the official code gave with them."""

import ast
import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dora_primespeech_mlx.runtime.factory import has_mlx

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "data" / "golden"
PACKAGES = ("dora_primespeech_mlx", "benchmarks", "mlx", "training")
LEFT_OUT = pytest.StashKey[list[str]]()
PROCESSES = 4
"""Most processes that share the whole of the tests: each holds about a gigabyte."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-mlx", action="store_true", help="as if MLX were not installed")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """All tests, and nothing less than all, are shared by a process for each core, where pytest-xdist is installed."""
    option = config.option
    if not config.pluginmanager.has_plugin("xdist") or hasattr(config, "workerinput"):
        return
    everything = config.args_source is config.ArgsSource.TESTPATHS and option.markexpr == "not soak"
    otherwise = option.keyword or option.without_mlx or option.capture == "no" or option.numprocesses is not None
    if everything and not otherwise and has_mlx():
        option.numprocesses, option.maxprocesses, option.dist = "auto", PROCESSES, "loadfile"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-mlx"):
        sys.modules["mlx"] = None  # type: ignore[assignment]
    config.stash[LEFT_OUT] = []


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out, and counts, files of tests whose imports need MLX where there is none."""
    if has_mlx() or not collection_path.name.startswith("test_"):
        return None
    tree = ast.parse(collection_path.read_text("utf-8"))
    names = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    benchmarks = [f"benchmarks.{name}" for name in names if (ROOT / "benchmarks" / f"{name}.py").is_file()]
    helpers = [name for name in names if (ROOT / "tests" / f"{name}.py").is_file()]
    try:
        for name in [name for name in names if name.split(".")[0] in PACKAGES] + benchmarks + helpers:
            importlib.import_module(name)
    except ImportError as error:
        if "mlx" not in str(error.name) or str(error.name).startswith("dora_primespeech_mlx"):
            return None
        config.stash[LEFT_OUT].append(collection_path.name)
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _left_out():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _left_out():
        return (yield)


@contextmanager
def _left_out() -> Iterator[None]:
    """Skips a test that cannot go on without MLX where there is none."""
    try:
        yield
    except ImportError as error:
        if has_mlx() or "mlx" not in str(error).lower():
            raise
        pytest.skip(f"needs MLX: {error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not has_mlx():
        files = sorted(set(config.stash[LEFT_OUT]))
        skipped = sum("mlx" in str(report.longrepr).lower() for report in terminalreporter.stats.get("skipped", []))
        terminalreporter.write_line(f"Left out, for MLX is not here: {len(files)} files and {skipped} other tests.")
        terminalreporter.write_line(f"The files: {', '.join(files)}")


def convert(*arguments: Any, **options: Any) -> None:
    """As `weights.official.convert`, where that can be."""
    if not has_mlx():
        pytest.skip("converting needs MLX")
    from dora_primespeech_mlx.weights.official import convert as convert_here

    convert_here(*arguments, **options)


@pytest.fixture(scope="session", autouse=True)
def graph_cache(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Path]:
    """Graphs that tests make are kept for all of them, whatever process they run in or start, but not beyond."""
    place = tmp_path_factory.getbasetemp()
    folder = (place.parent if hasattr(pytestconfig, "workerinput") else place) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(folder))
        yield folder


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted model folder."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    convert(GOLDEN / "s1_tiny.ckpt", GOLDEN / "s2_tiny_v2.pth", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voices.json with a voice of v3, one of v4 and one of a v4 LoRA; their model folders beside it."""
    if not has_mlx():
        pytest.skip("converting needs MLX")
    from dora_primespeech_mlx.weights.official_v34 import Companions

    folder, data = tmp_path_factory.mktemp("diffusion"), GOLDEN / "v34"
    shutil.copy(data / "ref_32k_mono.wav", folder / "ref.wav")
    voices = {}
    for name in ("v3", "v4", "v4_lora"):
        version = name[:2]
        base = data / f"s2_tiny_{version}.pth"
        vocoder = data / ("bigvgan_tiny" if version == "v3" else "vocoder_tiny_v4.pth")
        lora = "lora" in name
        companions = Companions(base if lora else None, vocoder, None if lora else version)
        convert(GOLDEN / "s1_tiny.ckpt", data / f"s2_tiny_{name}.pth", folder / name, companions=companions)
        stored = np.load(data / f"e2e_{version}.npz")
        codes = stored[f"ref.{'lora_' if lora else ''}ref_32k_mono_en.prompt_codes"].reshape(-1).astype("<i4")
        codes.tofile(folder / f"{name}.bin")
        voices[name] = {
            "model": name,
            "ref_audio": "ref.wav",
            "ref_text": "This is the reference text.",
            "codes_path": f"{name}.bin",
            "text_lang": "en",
            "prompt_lang": "en",
        }
    (folder / "voices.json").write_text(json.dumps({"voices": voices}), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_voices(tiny_model: Path) -> Path:
    """A voices.json with one voice of the tiny model and its prompt codes."""
    folder = tiny_model.parent
    shutil.copy(GOLDEN / "e2e_tiny_ref.wav", folder / "ref.wav")
    codes = np.load(GOLDEN / "e2e_tiny.npz")["prompt_semantic"].reshape(-1).astype("<i4")
    (folder / "codes.bin").write_bytes(codes.tobytes())
    voice = {
        "ref_audio": "ref.wav",
        "ref_text": "This is the reference text.",
        "codes_path": "codes.bin",
        "text_lang": "en",
        "prompt_lang": "en",
        "speed_factor": 1.0,
        "aliases": ["Tiny One"],
    }
    content = {"default_voice": "tiny", "model": "model", "voices": {"tiny": voice}}
    (folder / "voices.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "voices.json"
