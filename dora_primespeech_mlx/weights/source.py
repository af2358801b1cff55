"""A file that a user brings, opened to be read in pieces, and what it is where it is not what it should be.

Files are read, never mapped: one that is cut or overwritten meanwhile is then a short read with a sentence, where a
mapped one would end the process.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from dora_primespeech_mlx.files import contents
from dora_primespeech_mlx.files.contents import DOWNLOAD_AGAIN, HEAD
from dora_primespeech_mlx.names.errors import named
from dora_primespeech_mlx.names.paths import perhaps


class CheckpointError(ValueError):
    """A weight file cannot be used; the message names the file, what is wrong and the remedy."""


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
        with named(self.path):
            self.file.seek(start)
            done = self.file.readinto(content)
        if done != count:
            raise self.cut_short(what)
        return content

    def head(self) -> bytes:
        """The first bytes of the file, at most 4096."""
        return bytes(self.read(0, min(self.size, HEAD)))

    def cut_short(self, what: str = "") -> CheckpointError:
        """The error for a file that ends too early."""
        return CheckpointError(f"{self.path} is cut short{f' inside {what}' if what else ''}: {DOWNLOAD_AGAIN}")


def _not_there(path: Path) -> str:
    return f"not there; {perhaps(path) or 'check the path'}"


def other_kind(head: bytes, path: Path) -> str | None:
    """What a file is that begins with `head` and is no weight file, with what to do; None if that is not known."""
    if is_safetensors(head):
        return "a safetensors file under another name: give it the ending .safetensors"
    if path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and b"pytorch" in head[:64]):
        return "an ONNX model, which holds no weights that can be converted: give the .ckpt or .pth it was made from"
    return contents.other_kind(head, path, "weight file")


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins so is a safetensors file: the length of a JSON object, and that object."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= 1 << 27
