"""What a file is by its first bytes, where it is not what it should be, as the end of a sentence with the way out.

Whoever wanted a file says what it was to be: "weight file", "sound file".
"""

import re
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_AGAIN = "download or copy it again"
HEAD = 4096
"""First bytes of a file that tell what it is."""
_POINTER = b"version https://git-lfs"
_TAR_AT = 257
_LONGEST_ANSWER = 512
_TEXTS = frozenset((".txt", ".md", ".json", ".yaml", ".yml", ".csv", ".tsv", ".srt", ".list", ".py", ".log", ".toml"))


@dataclass(frozen=True)
class _Kind:
    """A kind of file: the bytes it has at a place, what it is, and to which group it belongs."""

    magic: bytes
    what: str
    group: str
    at: int = 0


_KINDS = (
    _Kind(b"\x1f\x8b", "packed with gzip", "packed"),
    _Kind(b"\xfd7zXZ", "packed with xz", "packed"),
    _Kind(b"BZh", "packed with bzip2", "packed"),
    _Kind(b"\x28\xb5\x2f\xfd", "packed with zstd", "packed"),
    _Kind(b"7z\xbc\xaf\x27\x1c", "a 7z archive", "packed"),
    _Kind(b"Rar!", "a rar archive", "packed"),
    _Kind(b"ustar", "a tar archive", "packed", _TAR_AT),
    _Kind(b"MZ", "a Windows program", "program"),
    _Kind(b"\x7fELF", "a program", "program"),
    _Kind(b"AVI ", "an avi file", "convertible sound", 8),
    _Kind(b"RIFF", "a sound file", "sound"),
    _Kind(b"fLaC", "a sound file", "sound"),
    _Kind(b"OggS", "a sound file", "sound"),
    _Kind(b"ID3", "a sound file", "sound"),
    _Kind(b"ftyp", "an m4a, mp4 or mov file", "convertible sound", 4),
    _Kind(b"\x1aE\xdf\xa3", "a webm or mkv file", "convertible sound"),
    _Kind(b"FLV\x01", "an flv file", "convertible sound"),
    _Kind(b"#!AMR", "an amr file", "convertible sound"),
    _Kind(b"\x30\x26\xb2\x75", "a wma file", "convertible sound"),
    _Kind(b"MAC ", "an ape file", "convertible sound"),
    _Kind(b"wvpk", "a wavpack file", "convertible sound"),
    _Kind(b"TTA1", "a tta file", "convertible sound"),
    _Kind(b"DSD ", "a dsf file", "convertible sound"),
    _Kind(b"\xff\xf1", "an aac file", "convertible sound"),
    _Kind(b"\xff\xf9", "an aac file", "convertible sound"),
    _Kind(b"#!SILK_V3", "a silk file of a chat program", "other"),
    _Kind(b"\x02#!SILK_V3", "a silk file of a chat program", "other"),
    _Kind(b"MThd", "a midi file", "other"),
    _Kind(b"\x89PNG", "a picture", "other"),
    _Kind(b"\xff\xd8\xff", "a picture", "other"),
    _Kind(b"GIF8", "a picture", "other"),
    _Kind(b"%PDF", "a PDF document", "document"),
    _Kind(b"\xd0\xcf\x11\xe0", "a document of an office program", "document"),
    _Kind(b"{\\rtf", "a document in rich text", "document"),
    _Kind(b"PK\x03\x04", "an archive, as zip, office programs and torch write", "archive"),
    _Kind(b"GGUF", "a GGUF file of another program", "weights"),
    _Kind(b"\x89HDF", "an HDF5 file of another program", "weights"),
    _Kind(b"\x93NUMPY", "a NumPy array", "weights"),
)  # fmt: skip


def kind_of(head: bytes) -> tuple[str, str] | None:
    """What a file that begins with `head` is, and its group; None if that is not known.

    The groups are "packed", "program", "sound", "convertible sound", "document", "archive", "weights" and "other".
    """
    found = next((kind for kind in _KINDS if head[kind.at :].startswith(kind.magic)), None)
    return None if found is None else (found.what, found.group)


def stand_in(head: bytes) -> str | None:
    """What stands in place of a file of any kind that begins with `head`, with what to do; None if nothing does."""
    if head.startswith(_POINTER):
        return "a Git LFS pointer, not the file it stands for: fetch that with git lfs pull"
    if not head:
        return f"empty: {DOWNLOAD_AGAIN}"
    if not head.strip(b"\0"):
        return f"all zeros, a download that was begun and not finished: {DOWNLOAD_AGAIN}"
    if re.match(r"<[!?/a-zA-Z]", _text_of(head)):
        return f"a web page saved in place of the file: {DOWNLOAD_AGAIN}, with the link that downloads the file itself"
    return None


def other_kind(head: bytes, path: Path, wanted: str) -> str | None:
    """What a file is that begins with `head` and is not what is `wanted`, with what to do; None if that is not known.

    Args:
        head: its first bytes, `HEAD` of them if it has so many.
        path: its name, whose ending may tell.
        wanted: what it was to be: "weight file".
    """
    if stands := stand_in(head):
        return stands
    what, group = kind_of(head) or ("", "")
    if group == "packed":
        return f"{what}: unpack it and give the {wanted} itself"
    if group == "program":
        return f"{what}, no {wanted}: delete it and get the file from its author"
    if group:
        return f"{what}, no {wanted}: give the {wanted} itself"
    text = _text_of(head)
    if path.suffix.lower() in _TEXTS and "\0" not in text:
        return f"a text, no {wanted}: give the {wanted} itself"
    if text.startswith(("{", "[")) or (len(head) < _LONGEST_ANSWER and text.isascii() and text.isprintable()):
        said = " ".join(text.lower().split())[:60]
        return f"a server's answer saved in place of the file: {DOWNLOAD_AGAIN}: it says {said!r}"
    return None


def _text_of(head: bytes) -> str:
    return head.decode("utf-8-sig", "replace").lstrip()
