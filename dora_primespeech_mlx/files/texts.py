"""Text files and JSON in UTF-8, as people write them, and what is wrong with one in a sentence."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from unicodedata import category

from dora_primespeech_mlx.files.contents import HEAD, kind_of, stand_in
from dora_primespeech_mlx.names.errors import named

LARGEST = 1 << 28
"""Bytes of a text file that is read."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CURLY = frozenset("“”„‘’「」『』，：；｛｝【】＂＇")
_PYTHON = {"True": "true", "False": "false", "None": "null"}


class TwiceError(ValueError):
    """Two objects of a JSON file have one name."""


def read_text(path: Path) -> str:
    """The content of a text file in UTF-8, with or without a byte-order mark; ValueError names one that is no such."""
    with named(path):
        size = path.stat().st_size
        if size > LARGEST:
            raise ValueError(f"{path} has {size >> 20} MB, more than a text here may have: name the text file")
        content = path.read_bytes()
    return decoded(content, str(path))


def decoded(content: bytes, what: str) -> str:
    """Text in UTF-8, with or without a byte-order mark; ValueError says that `what` holds it is in another."""
    kind, group = kind_of(content[:HEAD]) or ("", "")
    if group in ("document", "archive"):
        raise ValueError(f"{what} is {kind}, not plain text: save it as text in UTF-8, or copy the words out")
    head = content[:HEAD]
    if not _is_wide(head):
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            if group:
                raise ValueError(f"{what} is {kind}, not plain text: name the text file") from None
            if b"\0" in head and not head.startswith(_UTF_16):
                raise ValueError(f"{what} holds numbers or a program, not plain text: name the text file") from None
    raise ValueError(f"{what} is not written in UTF-8: open it in an editor and save it as UTF-8")


def _is_wide(head: bytes) -> bool:
    """Whether a file begins with Latin letters in UTF-16: every other byte is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return min(even, odd) * 8 < max(even, odd) and max(even, odd) * 4 > len(head)


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
    before, at, after = text[: error.pos].rstrip(), text[error.pos : error.pos + 1], text[error.pos :].lstrip()
    if after.startswith(",") and after[1:].lstrip()[:1] in ("}", "]"):
        before, after = before + ",", after[1:].lstrip()
    if found := _slip_of_signs(before, at, after) or _slip_of_numbers(before, text[error.pos - 1 : error.pos], after):
        return found
    if not before and after[:1] not in ("{", "["):
        return "it does not begin with {, as an object of JSON does"
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
    if "':' delimiter" in error.msg:
        return "a : is missing before this"
    return "a comma is missing before this" if "',' delimiter" in error.msg else error.msg


def _slip_of_signs(before: str, at: str, after: str) -> str:
    """What is wrong with the sign `at` the place that cannot be read, which `after` begins with; "" if nothing is."""
    if after.startswith(("//", "/*", "#")):
        return "a comment, which JSON does not have"
    if after.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return "two versions that git could not join"
    if before.endswith(",") and after[:1] in ("}", "]"):
        return f"a comma too many before {after[0]}"
    if before.endswith((",", "{", "[")) and after.startswith(","):
        return "a comma too many"
    if at and at not in " \t\r\n" and (at.isspace() or category(at) in ("Cf", "Cc")):
        return f"a blank of another kind, U+{ord(at):04X}: write a plain one"
    if after[:1] in _CURLY:
        return f'{after[0]} in place of a plain sign: write it in half width, and texts between " and "'
    if after.startswith("=") and before.endswith('"'):
        return "= in place of :"
    if after.startswith(";") and before:
        return "; in place of a comma"
    return ""


def _slip_of_numbers(before: str, last: str, after: str) -> str:
    """What is wrong with a number behind `before`, whose `last` sign stands at the place; "" if nothing is."""
    if re.search(r"[:\[]\s*[+-]?\d+,$", before) and after[:1].isdigit():
        return "a comma in a number: write a point"
    wrong = re.match(r"[+-]?[\w.%]+", after)
    if wrong is None or not (last.isdigit() or re.match(r"[+-]|\.\d", after)):
        return ""
    begun = re.search(r"[\d.]*$", before) if last.isdigit() else None
    return f"{begun[0] if begun else ''}{wrong[0]} is no number of JSON: write it as 0.5, 1 or -2"
