"""A file that a user brings, opened to be read in pieces, and what it is where it is not what it should be.

Files are read, never mapped: one that is cut or overwritten meanwhile is then a short read with a sentence, where a
mapped one would end the process.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dora_primespeech_mlx.names.paths import perhaps

DOWNLOAD_AGAIN = "download or copy it again"
_HEAD = 4096
_POINTER = b"version https://git-lfs"
_KINDS = (
    (b"\x1f\x8b", "packed with gzip: unpack it and give the weight file itself"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it and give the weight file itself"),
    (b"Rar!", "a rar archive: unpack it and give the weight file itself"),
    (b"\xfd7zXZ", "packed with xz: unpack it and give the weight file itself"),
    (b"BZh", "packed with bzip2: unpack it and give the weight file itself"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it and give the weight file itself"),
    (b"GGUF", "a GGUF file of another program: give the .ckpt or .pth of GPT-SoVITS"),
    (b"\x89HDF", "an HDF5 file of another program: give the .ckpt or .pth of GPT-SoVITS"),
    (b"\x93NUMPY", "a NumPy array, not weights: give the .ckpt or .pth of GPT-SoVITS"),
    (b"RIFF", "a sound file, not weights: give the .ckpt or .pth of GPT-SoVITS"),
    (b"%PDF", "a PDF document, not weights: give the .ckpt or .pth of GPT-SoVITS"),
    (b"MZ", "a Windows program, not weights: delete it and get the voice from its author"),
    (b"\x7fELF", "a program, not weights: delete it and get the voice from its author"),
)
_DOCUMENTS = (
    (b"PK\x03\x04", "a document of an office program or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "a document of an office program"),
    (b"{\\rtf", "a document in rich text"),
    (b"%PDF", "a PDF document"),
)
_CURLY = frozenset("“”„‘’「」『』，：；｛｝【】＂＇")
_PYTHON = {"True": "true", "False": "false", "None": "null"}
_WEB_PAGE = f"a web page saved in place of the file: {DOWNLOAD_AGAIN}, with the link that downloads the file itself"
_ANSWER = f"a server's answer saved in place of the file: {DOWNLOAD_AGAIN}"


class CheckpointError(ValueError):
    """A weight file cannot be used; the message names the file, what is wrong and the remedy."""


class TwiceError(ValueError):
    """Two objects of a JSON file have one name."""


class Source:
    """A file open for reading. Use it in a `with` block."""

    def __init__(self, path: Path):
        """Open the file.

        Raises:
            FileNotFoundError: there is no such file, or it is a folder.
            CheckpointError: it is empty.
        """
        self.path = Path(path)
        if not self.path.is_file():
            is_folder = self.path.is_dir()
            hint = "a folder, not a file: give the file in it" if is_folder else _not_there(self.path)
            raise FileNotFoundError(f"The weight file {self.path} is {hint}")
        self.file = self.path.open("rb")
        self.size = os.fstat(self.file.fileno()).st_size
        if self.size == 0:
            self.file.close()
            raise CheckpointError(f"{self.path} is empty: {DOWNLOAD_AGAIN}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.file.close()

    def read(self, start: int, count: int, what: str = "") -> bytearray:
        """Bytes from `start`; CheckpointError if the file has fewer, naming the part `what`."""
        if not 0 <= start <= self.size or not 0 <= count <= self.size - start:
            raise self.cut_short(what)
        content = bytearray(count)
        self.file.seek(start)
        if self.file.readinto(content) != count:
            raise self.cut_short(what)
        return content

    def head(self) -> bytes:
        """The first bytes of the file, at most 4096."""
        return bytes(self.read(0, min(self.size, _HEAD)))

    def cut_short(self, what: str = "") -> CheckpointError:
        """The error for a file that ends too early."""
        return CheckpointError(f"{self.path} is cut short{f' inside {what}' if what else ''}: {DOWNLOAD_AGAIN}")


def _not_there(path: Path) -> str:
    return f"not there; {perhaps(path) or 'check the path'}"


def other_kind(head: bytes, path: Path) -> str | None:
    """What a file is that begins with `head` and is no weight file, with what to do; None if that is not known."""
    if kind := stand_in(head):
        return kind
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it and give the weight file itself"
    if is_safetensors(head):
        return "a safetensors file under another name: give it the ending .safetensors"
    if path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and b"pytorch" in head[:64]):
        return "an ONNX model, which holds no weights that can be converted: give the .ckpt or .pth it was made from"
    text = head.decode("utf-8-sig", "replace").lstrip().lower()
    if text.startswith(("{", "[")) or (len(head) < 512 and text.isascii() and text.isprintable()):
        return f"{_ANSWER}: it says {' '.join(text.split())[:60]!r}"
    return None


def stand_in(head: bytes) -> str | None:
    """What stands in place of a file of any kind that begins with `head`, with what to do; None if nothing does."""
    if head.startswith(_POINTER):
        return "a Git LFS pointer, not the file it stands for: fetch that with git lfs pull"
    if not head:
        return f"empty: {DOWNLOAD_AGAIN}"
    if not head.strip(b"\0"):
        return f"all zeros, a download that was begun and not finished: {DOWNLOAD_AGAIN}"
    return _WEB_PAGE if head.decode("utf-8-sig", "replace").lstrip().startswith("<") else None


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins so is a safetensors file: the length of a JSON object, and that object."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= 1 << 27


def read_text(path: Path) -> str:
    """The content of a text file in UTF-8, with or without a byte-order mark; ValueError names a file in another."""
    return decoded(path.read_bytes(), str(path))


def decoded(content: bytes, what: str) -> str:
    """Text in UTF-8, with or without a byte-order mark; ValueError says that `what` holds it is in another."""
    document = next((kind for magic, kind in _DOCUMENTS if content.startswith(magic)), None)
    if document is not None:
        raise ValueError(f"{what} is {document}, not plain text: save it as text in UTF-8, or copy the words out")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
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
        if kind := stand_in(text[:_HEAD].strip().encode()):
            raise ValueError(f"{path} is {kind}") from None
        assert isinstance(error, json.JSONDecodeError)
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
