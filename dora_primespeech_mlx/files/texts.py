"""Text files and JSON in UTF-8, as people write them, and what is wrong with one in a sentence."""

import json
import sys
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.files.contents import HEAD, kind_of, stand_in
from dora_primespeech_mlx.names.errors import named

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CURLY = frozenset("“”„‘’「」『』，：；｛｝【】＂＇")
_PYTHON = {"True": "true", "False": "false", "None": "null"}


class TwiceError(ValueError):
    """Two objects of a JSON file have one name."""


def read_text(path: Path) -> str:
    """The content of a text file in UTF-8, with or without a byte-order mark; ValueError names a file in another."""
    with named(path):
        content = path.read_bytes()
    return decoded(content, str(path))


def decoded(content: bytes, what: str) -> str:
    """Text in UTF-8, with or without a byte-order mark; ValueError says that `what` holds it is in another."""
    kind, group = kind_of(content[:HEAD]) or ("", "")
    if group in ("document", "archive"):
        raise ValueError(f"{what} is {kind}, not plain text: save it as text in UTF-8, or copy the words out")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if group:
            raise ValueError(f"{what} is {kind}, not plain text: name the text file") from None
        if b"\0" in content[:HEAD] and not content.startswith(_UTF_16):
            raise ValueError(f"{what} holds numbers or a program, not plain text: name the text file") from None
        raise ValueError(f"{what} is not written in UTF-8: open it in an editor and save it as UTF-8") from None


def read_json(path: Path, what: str) -> Any:
    """The content of a JSON file in UTF-8, with or without a byte-order mark.

    Args:
        path: the file, which exists.
        what: what such a file is, for the messages: "a list of voices".

    Raises:
        ValueError: it is no JSON; the message names the file, the place and the way out.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, path))
    except TwiceError:
        raise
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply for {what}: write it again") from None
    except ValueError as error:
        if kind := stand_in(text[:HEAD].strip().encode()):
            raise ValueError(f"{path} is {kind}") from None
        if not isinstance(error, json.JSONDecodeError):
            digits = sys.get_int_max_str_digits()
            raise ValueError(f"{path} has a number of more than {digits} digits: write a shorter one") from None
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(
            f"{path} is not JSON, so it is not {what}: {_slip(text, error)} ({place}); mend it there"
        ) from None


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """An object of JSON; ValueError where two objects in it have one name, since the first would be lost."""
    names = [name for name, value in pairs if isinstance(value, dict)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise TwiceError(f"{path} has {twice!r} twice: rename one of them, or take it out")
    return dict(pairs)


def _slip(text: str, error: json.JSONDecodeError) -> str:
    """What people write that JSON does not allow, at the place where it cannot be read on."""
    before, after = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if after.startswith(",") and after[1:].lstrip()[:1] in ("}", "]"):
        before, after = before + ",", after[1:].lstrip()
    if after.startswith(("//", "/*", "#")):
        return "a comment, which JSON does not have"
    if before.endswith(",") and after[:1] in ("}", "]"):
        return f"a comma too many before {after[0]}"
    if after[:1] in _CURLY:
        return f'{after[0]} in place of a plain sign: write it in half width, and texts between " and "'
    if after.startswith(("'", "`")) or after[:1].isalpha() and error.msg.startswith("Expecting"):
        wrong = after.split("\n")[0].split(",")[0].split(":")[0].strip()[:20]
        if wrong in _PYTHON:
            return f"{wrong} is written {_PYTHON[wrong]}"
        return f'{wrong} is not between " and "'
    if "escape" in error.msg:
        return "a single \\ in a text: write it twice, or / in a path"
    if "control character" in error.msg:
        return "a text with a line break or a tab in it: write \\n or \\t"
    if "Unterminated" in error.msg:
        return 'a text without its closing "'
    if error.msg == "Extra data":
        return "something behind the end of the list"
    if not after:
        return "its end is missing, with its closing } or ]"
    return "a comma is missing before this" if "',' delimiter" in error.msg else error.msg
