"""The plan of the house: which rooms there are, and that imports only go down."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "dora_primespeech_mlx"
FLOORS = (
    ("",),
    ("node", "commands"),
    ("engine",),
    ("synthesis",),
    ("voices",),
    ("runtime", "weights"),
    ("nets",),
    ("text",),
    ("settings", "audio"),
    ("speech", "names", "files"),
    ("sampling",),
)
"""Rooms from the top floor down; "" is the package itself, the door through which others come in."""


def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(path: Path) -> list[ast.AST]:
    """All that a file's text is made of."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the package that a file imports, whether at once, later, or for its types."""
    for node in parsed(path):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else str(node.module) for name in names if node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def arrows(known: dict[str, Path]) -> dict[str, set[str]]:
    """Module -> the modules of the package it imports."""
    return {name: {other for other in imported(path, known) if other in known} - {name} for name, path in known.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def upward(found: dict[str, set[str]]) -> list[str]:
    """Imports from a lower floor to a higher one."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    return [f"{a} imports {b}" for a, others in found.items() for b in others if floor[room(b)] < floor[room(a)]]


def circles(found: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules that reach one another (Tarjan's strongly connected components of more than one)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    groups: list[set[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for other in found[module]:
            if other not in order:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == order[module]:
            at = path.index(module)
            groups.append(set(path[at:]))
            del path[at:]

    for module in found:
        if module not in order:
            visit(module)
    return [group for group in groups if len(group) > 1]


def test_at_most_six_files_lie_outside_the_rooms() -> None:
    assert len(list((ROOT / PACKAGE).glob("*.py"))) <= 6


def test_imports_only_go_down() -> None:
    assert upward(arrows(modules())) == []


def test_imports_make_no_circles() -> None:
    assert circles(arrows(modules())) == []


@cache
def defined(path: Path) -> set[str]:
    """The names that a module has at its top, imported ones among them."""
    names: set[str] = set()
    for node in parsed(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("folder", ["benchmarks", "dataflows", "training"])
def test_what_other_folders_import_of_the_package_is_there(folder: str) -> None:
    known = modules()
    public = set(importlib.import_module(PACKAGE).__all__)
    lost = [
        f"{path}: {node.module}.{alias.name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in parsed(path)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE
        for alias in node.names
        if f"{node.module}.{alias.name}" not in known
        and alias.name not in (public if node.module == PACKAGE else defined(known[node.module]))
    ]
    assert lost == []


def test_an_import_that_goes_up_and_a_circle_would_be_seen() -> None:
    found = {"p.text": {"p.nets.t2s"}, "p.nets.t2s": {"p.nets.layers"}, "p.nets.layers": {"p.nets.t2s"}}
    assert upward(found) == ["p.text imports p.nets.t2s"]
    assert circles(found) == [{"p.nets.t2s", "p.nets.layers"}]


def test_the_public_names_are_there_and_importing_the_package_loads_no_network_library() -> None:
    script = """
import sys
import dora_primespeech_mlx as package
assert not {"mlx", "numpy", "onnxruntime", "dora"} & set(sys.modules), sorted(sys.modules)
assert all(hasattr(package, name) for name in package.__all__)
from dora_primespeech_mlx import Engine, Schedule, Settings
assert Engine.__module__ == "dora_primespeech_mlx.engine" and "Speech" in dir(package)
try:
    package.Motor
except AttributeError as error:
    assert "Motor" in str(error)
else:
    raise AssertionError("a name that is none was found")
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_a_newcomer_is_told_to_look_for_is_there() -> None:
    """Each name of the table "Where is ...?" stands in a file that its row names."""
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8").split("## Where is")[1].split("## Words")[0]
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    assert len(rows) >= 7
    for _, path, names in rows[2:]:
        files = [file for name in re.findall(r"`([\w/]+\.py)`", path + names) for file in (ROOT / PACKAGE).rglob(name)]
        assert files, path
        source = "".join(file.read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`(\w+(?:\.\w+)?)`(?!\.py)", names):
            assert name.endswith(".py") or name.split(".")[-1] in source, name


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        name
        for name, path in modules().items()
        for node in parsed(path)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    told = {f"{PACKAGE}.runtime.mlx_start", f"{PACKAGE}.text.mandarin.dictionary"}  # write what a library then reads
    assert readers <= {*told, f"{PACKAGE}.settings"}
