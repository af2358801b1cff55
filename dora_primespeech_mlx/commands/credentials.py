"""Content Credentials (C2PA) in sound files: what made them, signed. Needs the extra `c2pa`; nothing is fetched."""

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from dora_primespeech_mlx.commands.installed import version_of
from dora_primespeech_mlx.files.sounds import SOFTWARE, SOURCE_TYPE, written_as

FORMATS = {"WAV": "audio/wav", "FLAC": "audio/flac"}
"""Formats that can carry a manifest, and their names in it."""
_CURVES = {256: "es256", 384: "es384", 521: "es512"}


class Credentials:
    """A certificate chain and its private key, both PEM, with which files are signed.

    Raises:
        FileNotFoundError: one of the files is not there.
        ValueError: c2pa-python is not installed, or a file is not what it should be.
    """

    def __init__(self, certificates: Path, key: Path):
        try:
            import c2pa
        except ImportError as error:
            raise ValueError("c2pa-python is not installed; pip install 'dora-primespeech-mlx[c2pa]'") from error
        secret = _text(key)
        self._c2pa: Any = c2pa
        chain = _text(certificates)
        self._info = c2pa.C2paSignerInfo(_algorithm(secret, key), chain.encode(), secret.encode(), None)
        trial = BytesIO()
        soundfile.write(trial, np.zeros(100), 8000, format="WAV")
        try:
            self._write(trial, BytesIO(), "WAV", "")
        except c2pa.C2paError as error:
            raise ValueError(f"{certificates} and {key} cannot sign: {error}") from error

    @staticmethod
    def check(path: Path) -> None:
        """ValueError if a sound file of that name cannot carry a manifest."""
        if written_as(path) not in FORMATS:
            raise ValueError(f"{path} cannot carry Content Credentials; write .wav or .flac")

    def sign(self, path: Path, model: str) -> None:
        """Adds a signed manifest to a sound file: created by `model`, a trained one. The samples stay.

        Raises:
            ValueError: the certificate is not one for content, or the file cannot carry a manifest.
        """
        self.check(path)
        draft = path.with_name(f".{path.name}.draft")
        try:
            with path.open("rb") as source, draft.open("w+b") as signed:
                self._write(source, signed, written_as(path), model)
            os.replace(draft, path)
        except self._c2pa.C2paError as error:
            raise ValueError(f"{path} cannot be signed: {error}") from error
        finally:
            draft.unlink(missing_ok=True)

    def _write(self, source: BinaryIO, signed: BinaryIO, kind: str, model: str) -> None:
        with self._c2pa.Signer.from_info(self._info) as signer, self._c2pa.Builder(_manifest(model)) as builder:
            builder.sign(signer, FORMATS[kind], source, signed)


def _manifest(model: str) -> str:
    created = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": {"name": model}}
    manifest = {
        "claim_generator_info": [{"name": SOFTWARE, "version": version_of(SOFTWARE) or "0"}],
        "title": "Synthetic speech",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    return json.dumps(manifest)


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; it should be a PEM file")
    return path.read_text("utf-8", errors="replace")


def _algorithm(key: str, path: Path) -> str:
    """The name that C2PA has for signatures by a key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        secret = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no private key in PEM without a password ({error})") from error
    if isinstance(secret, ec.EllipticCurvePrivateKey) and secret.key_size in _CURVES:
        return _CURVES[secret.key_size]
    if isinstance(secret, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(secret, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ValueError(f"{path} is a key of a kind that C2PA does not take; make one of P-256, RSA or Ed25519")
