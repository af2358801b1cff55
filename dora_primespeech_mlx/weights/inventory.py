"""Which symbol table a model was trained with: the official ones by their size, another only where it is given."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.files.texts import read_json, read_text
from dora_primespeech_mlx.names.paths import perhaps
from dora_primespeech_mlx.text.symbols import SIZES, symbol_table
from dora_primespeech_mlx.weights.source import CheckpointError

SOVITS_ROWS = {size: version for version, size in SIZES.items()}
T2S_ROWS = {**SOVITS_ROWS, 512: "v1"}
"""Rows of a phone embedding -> the symbol table. The official v1 T2S has 512 rows, of which it uses 322."""
FEWEST_SHARED = 40
LARGEST_LIST = 1 << 20
Symbols = str | tuple[str, ...]
"""A symbol table: "v1", "v2", or the names of another in the order of their ids."""


def stored_symbols(written: Any) -> Symbols | None:
    """A symbol table as JSON holds it, in a model's config or beside its graphs; None for what is none."""
    if isinstance(written, list | tuple):
        return tuple(written) if all(isinstance(name, str) for name in written) else None
    return written if isinstance(written, str) else None


def symbols_of(rows: int, what: str = "SoVITS") -> str:
    """The symbol table of so many rows in a T2S or SoVITS model.

    Raises:
        CheckpointError: no official table has so many.
    """
    table = T2S_ROWS if what == "T2S" else SOVITS_ROWS
    if rows not in table:
        known = " or ".join(f"{size} ({version})" for size, version in sorted(table.items()))
        raise CheckpointError(
            f"The {what} model knows {rows} symbols, where GPT-SoVITS has {known}: it was trained with a table of its "
            "own, and with another it speaks wrong sounds. Give its table: primespeech convert --symbols FILE, with "
            "the list `symbols` of its text/symbols2.py (or symbols.py) as JSON or one a line."
        )
    return table[rows]


def read_symbols(path: Path) -> tuple[str, ...]:
    """The names in a file: a list as JSON or as Python writes it, alone or as `symbols`, or one name a line.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it holds no such list.
    """
    if not path.is_file():
        hint = "a folder: name the file" if path.is_dir() else f"not there; {perhaps(path) or 'check the path'}"
        raise FileNotFoundError(f"The symbol table {path} is {hint}")
    if path.stat().st_size > LARGEST_LIST:
        raise CheckpointError(f"{path} is too large for a symbol table")
    content = read_text(path)
    is_program = path.suffix == ".py"
    names: Any = _literal(content) if is_program or content.lstrip().startswith("[") else None
    if names is None and is_program:
        raise CheckpointError(
            f"{path} is a program that makes the table: write what it makes, in the folder of that GPT-SoVITS, with "
            f"python -c 'import json, text.{path.stem} as made; print(json.dumps(made.symbols))' > symbols.json"
        )
    if names is None and content.lstrip().startswith(("[", "{")):
        names = read_json(path, "a symbol table")
        names = names.get("symbols", names) if isinstance(names, dict) else names
        if isinstance(names, dict) and sorted(map(str, names.values())) == sorted(map(str, range(len(names)))):
            names = sorted(names, key=lambda name: int(names[name]))
    return _checked(content.rstrip().splitlines() if names is None else names, str(path))


def _literal(content: str) -> list[Any] | None:
    """The list that Python text is, or that it calls `symbols`; None where it says none."""
    try:
        for node in reversed(ast.parse(content).body):
            if not isinstance(node, ast.Assign | ast.Expr):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else []
            if not targets or any(getattr(target, "id", "") == "symbols" for target in targets):
                found = ast.literal_eval(node.value)
                return found if isinstance(found, list) else None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return None


def own_symbols(configs: Sequence[Mapping[str, Any]], rows: int) -> tuple[str, ...] | None:
    """The symbol table that a fine-tune stored in its config, if one has a list `symbols` of so many names."""
    for config in configs:
        for part in (config, *(config.get(key) for key in ("model", "data"))):
            names = part.get("symbols") if isinstance(part, Mapping) else None
            if isinstance(names, list) and len(names) == rows:
                return _checked(names, "The config")
    return None


def _checked(names: Any, where: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise CheckpointError(f"{where} holds no list of symbols: give them as a JSON list of texts, or one a line")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CheckpointError(f"{where} lists the symbol {twice!r} twice: give the table as it was in training")
    if len(names) < 2:
        raise CheckpointError(f"{where} holds no list of symbols: give them as a JSON list of texts, or one a line")
    shared = sum(name in symbol_table("v2") for name in names)
    if shared < FEWEST_SHARED:
        raise CheckpointError(
            f"{where} shares {shared} symbols with GPT-SoVITS, too few for Mandarin or English, which is what is "
            "spoken here: give the table that the voice was trained with"
        )
    return tuple(names)
