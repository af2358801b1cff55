"""Paths that lead to no file: why, and what may be meant."""

import errno
import os
from pathlib import Path

import pytest

from dora_primespeech_mlx.files.writing import check_place, replace_file
from dora_primespeech_mlx.names.errors import named, sentence
from dora_primespeech_mlx.names.paths import RIGHTS, elsewhere, is_absent, is_folder, perhaps, there
from dora_primespeech_mlx.names.values import addressed


def test_a_path_that_is_nearly_right_is_told_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "声音 1.wav").write_bytes(b"")
    (tmp_path / "ref.wav").write_bytes(b"")
    for written, meant in (
        ("声音 1.WAV", "声音 1.wav"),
        ("ref.mp3", "ref.wav"),
        ("REF", "ref.wav"),
        ("reff.wav", "ref.wav"),
    ):
        assert perhaps(tmp_path / written) == f"write {tmp_path / meant} if that is meant"
    (tmp_path / "ref.flac").write_bytes(b"")
    assert perhaps(tmp_path / "ref") == ""  # two may be meant
    (tmp_path / "voice.pth.crdownload").write_bytes(b"")
    assert "voice.pth.crdownload is a download that is not finished: wait" in perhaps(tmp_path / "voice.pth")
    assert perhaps(Path("https://voices.example/ref.wav")).startswith("it is an address in the web")
    assert perhaps(Path("C:\\voices\\ref.wav")).startswith("it is a path of Windows")
    assert perhaps(tmp_path / "other.wav") == perhaps(tmp_path) == perhaps(tmp_path / ("x" * 999)) == ""
    assert (
        is_absent(tmp_path / "other.wav") and is_absent(tmp_path / ("x" * 999)) and not is_absent(tmp_path / "ref.wav")
    )
    assert perhaps(tmp_path / "no" / "where" / "ref.wav") == f"there is no folder {tmp_path / 'no'}: check the path"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a%20b.wav", "a%20b.wav"),
        ("file:///voices/a%20b.wav", "/voices/a b.wav"),
        ("file://localhost/voices/a.wav", "/voices/a.wav"),
        ("file:///C:/voices/a.wav", "C:/voices/a.wav"),
        ("file://voices/a.wav", "voices/a.wav"),
        ("file:///take#2.wav", "/take#2.wav"),
        ("file:/voices/a.wav", "/voices/a.wav"),
        ("file:a.wav", "a.wav"),
        ("FILE:///voices/a.wav", "/voices/a.wav"),
        ("profile:a.wav", "profile:a.wav"),
        ("file://[", "["),
    ],
)
def test_an_address_of_a_file_is_its_path(written: str, path: str) -> None:
    assert addressed(written) == path


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_dir", closed)
    monkeypatch.setattr(Path, "is_file", closed)
    path = tmp_path / "closed" / "ref.wav"
    assert (there(path), is_folder(path)) == (False, False)
    assert perhaps(path).startswith(f"{path.parent} may not be looked into by you: give yourself the right to (chmod)")
    assert not is_absent(path)  # as far as one may look


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("https://voices.example/ref.wav", "an address in the web"),
        ("s3://voices/ref.wav", "an address in the web"),
        ("sftp:/voices/ref.wav", "an address in the web"),  # as a path has it
        ("data:audio/wav;base64,UklGRg==", "a file written out as text"),
        ("C:\\voices\\ref.wav", "a path of Windows"),
        ("\\\\server\\ref.wav", "a path of Windows"),
        ("%APPDATA%\\ref.wav", "a path of Windows"),
    ],
)
def test_what_lies_elsewhere_is_told(written: str, what: str) -> None:
    assert elsewhere(written).startswith(what)


@pytest.mark.parametrize(
    "written", ["ref.wav", "file:///ref.wav", "a:b.wav", "%E5%A3%B0.wav", "100%.wav", "data/ref.wav"]
)
def test_what_may_lie_here_is_not_taken_for_elsewhere(written: str) -> None:
    assert elsewhere(written) == ""


def test_links_that_lead_back_and_variables_that_are_not_set_are_told(tmp_path: Path) -> None:
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    (tmp_path / "lost.wav").symlink_to("gone.wav")
    assert perhaps(tmp_path / "loop.wav").endswith("loop.wav, which leads back to it: make it anew")
    assert perhaps(tmp_path / "lost.wav") == "it is a link to gone.wav, which is not there: make it anew"
    assert perhaps(tmp_path / "$NOT_SET" / "ref.wav").startswith("it names a variable that is not set: set it")
    with pytest.raises(OSError, match=r"loop\.wav") as raised:
        replace_file(tmp_path / "loop.wav", b"")
    assert sentence(raised.value) == f"{tmp_path / 'loop.wav'} is a link that leads back to itself: make it anew"


def test_an_error_of_reading_has_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output error.*a.wav"), named(tmp_path / "a.wav"):
        raise OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="^our own$"), named(tmp_path / "a.wav"):
        raise OSError("our own")


def test_an_error_of_writing_has_the_name_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"a\.wav") as raised:
        replace_file(tmp_path / "a.wav", b"sound")
    assert sentence(raised.value).startswith(f"{tmp_path / 'a.wav'} cannot be used: ")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    assert "gone" not in sentence(FileNotFoundError("our own"))
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError) as raised:
        Path("a.wav").resolve()
    assert sentence(raised.value) == "the folder in which you are is not there any more: go to another one (cd)"
    monkeypatch.chdir(tmp_path)


def test_where_nothing_can_be_written_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_place(tmp_path / "a.wav")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"a\.wav"):
        check_place(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, f"a.wav may not be read or written by you: {RIGHTS}"),
        (errno.EROFS, "a.wav is read-only: use another place"),
        (errno.ENOSPC, "a.wav has no room left: make room, or use another place"),
        (errno.ENAMETOOLONG, "a.wav has too long a name: give it a shorter one"),
        (errno.EISDIR, "a.wav is a folder: name a file"),
        (errno.ENOENT, "a.wav is not there; check the path"),
        (errno.EIO, f"a.wav cannot be used: {os.strerror(errno.EIO)}"),
    ],
)
def test_what_the_system_says_is_a_sentence(number: int, said: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence(OSError(number, os.strerror(number), "a.wav")) == said
    assert sentence(ConnectionError("our own")) == "our own"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("of ours,\n  on  two lines"), "of ours, on  two lines"),
        (RuntimeError("of others"), "RuntimeError: of others"),
        (KeyError("name"), "KeyError: 'name'"),
        (ValueError(), "ValueError: "),
        (MemoryError(), "there is not enough memory for this; close other programs, or use a smaller model"),
    ],
)
def test_an_error_is_a_sentence(error: Exception, said: str) -> None:
    assert sentence(error) == said
