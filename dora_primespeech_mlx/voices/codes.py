"""Files of semantic codes: a NumPy array, or little-endian int32 and nothing else."""

from io import BytesIO
from pathlib import Path
from shlex import quote

import numpy as np

from dora_primespeech_mlx.files.contents import HEAD, stand_in
from dora_primespeech_mlx.files.writing import make_folder, replace_file
from dora_primespeech_mlx.names.errors import named
from dora_primespeech_mlx.names.paths import perhaps, there

CODE_FILES = (".bin", ".npy")
CODE_COUNT = 1024
MOST_CODES = 750
"""Codes of a reference: 30 s, where the models were trained with 3 to 10."""
LARGEST_CODES_FILE = 1 << 20


def making(path: Path) -> str:
    """How a file of codes is made."""
    return f"make them with primespeech codes RECORDING --model FOLDER --out {quote(str(path))}"


def read_codes(path: Path, count: int = CODE_COUNT) -> np.ndarray:
    """Semantic codes from a `.npy` file or raw little-endian int32; returns int32 [n].

    Raises:
        FileNotFoundError: no such file.
        ValueError: empty, too long, not of integers, or a code outside 0..count-1.
    """
    if not there(path):
        hint = perhaps(path)
        raise FileNotFoundError(f"The codes {path} do not exist: {f'{hint}; or ' if hint else ''}{making(path)}")
    if path.stat().st_size > LARGEST_CODES_FILE:
        raise ValueError(f"{path} is too large for the codes of a recording; make them with primespeech codes.")
    with named(path):
        content = path.read_bytes()
    if content and (kind := stand_in(content[:HEAD])):
        raise ValueError(f"{path} is {kind}")
    codes = _array(path, content) if content.startswith(b"\x93NUMPY") else _raw(path, content)
    if not len(codes):
        raise ValueError(f"{path} holds no codes: make them with primespeech codes.")
    if len(codes) > MOST_CODES:
        raise ValueError(
            f"{path} holds {len(codes)} codes, {len(codes) / 25:.0f} s; a reference takes 3 to 10 s, "
            f"{MOST_CODES // 25} at most: make them of a shorter recording."
        )
    if codes.min() < 0 or codes.max() >= count:
        raise ValueError(
            f"{path} holds codes from {codes.min()} to {codes.max()}; this model's lie between 0 and {count - 1}. "
            "Was the file made for another model?"
        )
    return codes.astype(np.int32)


def _raw(path: Path, content: bytes) -> np.ndarray:
    """The numbers of a file without a header; ValueError for what is none."""
    if content.startswith(b"PK"):
        raise ValueError(f"{path} is an archive of arrays (.npz): write the codes alone, with numpy.save.")
    if content and content.isascii() and content.translate(None, b"\r\n").decode("ascii").isprintable():
        raise ValueError(f"{path} is a text, where numbers are expected: write them with numpy.save.")
    if len(content) % 4:
        raise ValueError(
            f"{path} has {len(content)} bytes, which is no whole number of int32 codes: make them with primespeech "
            "codes."
        )
    codes = np.frombuffer(content, dtype="<i4")
    if len(codes) > 3 and len(codes) % 2 == 0 and not codes[1::2].any() and codes[::2].any():
        raise ValueError(
            f"{path} holds 64-bit numbers, where 32-bit ones are expected: write it with "
            "codes.astype('<i4').tofile(...), or as .npy."
        )
    return codes


def _array(path: Path, content: bytes) -> np.ndarray:
    try:
        codes = np.load(BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError) as error:
        raise ValueError(f"{path} is not a .npy file of numbers ({error}): make it with primespeech codes.") from None
    if codes.dtype.kind not in "iu":
        raise ValueError(f"{path} holds {codes.dtype} numbers; codes are integers: make them with primespeech codes.")
    if codes.size and codes.size != max(codes.shape, default=0):
        raise ValueError(
            f"{path} holds numbers of the shape {list(codes.shape)}; the codes of a recording are one row: make them "
            "with primespeech codes."
        )
    return codes.reshape(-1)


def write_codes(path: str | Path, codes: np.ndarray) -> Path:
    """Write codes [n] as `.bin` (little-endian int32, nothing else) or `.npy`; returns the path.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    if path.suffix not in CODE_FILES:
        raise ValueError(f"Codes are written as {' or '.join(CODE_FILES)}, not as {path.name!r}")
    make_folder(path.parent)
    numbers = np.asarray(codes).astype("<i4")
    content = BytesIO()
    if path.suffix == ".npy":
        np.save(content, numbers)
    else:
        content.write(numbers.tobytes())
    replace_file(path, content.getvalue())
    return path
