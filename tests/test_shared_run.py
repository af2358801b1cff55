"""When the tests are shared by several processes (see conftest.py)."""

from types import SimpleNamespace

import pytest
from conftest import PROCESSES, pytest_cmdline_main

from dora_primespeech_mlx.runtime.factory import has_mlx

Source = pytest.Config.ArgsSource


def shared(source: Source = Source.TESTPATHS, xdist: bool = True, more: dict | None = None, **options: object) -> bool:
    """Whether a run of these options is one of several processes; `more` are attributes of its configuration."""
    option = SimpleNamespace(
        **{"markexpr": "not soak", "keyword": "", "without_mlx": False, "capture": "fd", "numprocesses": None} | options
    )
    plugins = SimpleNamespace(has_plugin=lambda name: xdist and name == "xdist")
    config = SimpleNamespace(
        option=option, args_source=source, ArgsSource=Source, pluginmanager=plugins, **(more or {})
    )
    pytest_cmdline_main(config)  # type: ignore[arg-type]
    changed = option.numprocesses == "auto"
    assert not changed or (option.maxprocesses, option.dist) == (PROCESSES, "loadfile")
    return changed


def test_all_tests_are_shared() -> None:
    assert shared() == has_mlx()


@pytest.mark.parametrize(
    "run",
    [
        {"source": Source.ARGS},
        {"xdist": False},
        {"markexpr": "soak"},
        {"keyword": "noise"},
        {"without_mlx": True},
        {"capture": "no"},
        {"numprocesses": 0},
        {"more": {"workerinput": {}}},
    ],
    ids=["files", "no plugin", "long runs", "by name", "without MLX", "shown", "told", "a share itself"],
)
def test_less_than_all_and_a_share_itself_are_not_shared(run: dict) -> None:
    assert not shared(**run)
