"""Files signed as C2PA, with a certificate made here; c2pa-python is optional."""

import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dora_primespeech_mlx.commands.credentials import Credentials
from dora_primespeech_mlx.commands.main import main
from dora_primespeech_mlx.files.sounds import write_audio

c2pa = pytest.importorskip("c2pa", reason="c2pa-python is not installed")
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402

USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
USES += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def certificate(holder: str, key, issuer: str, issuer_key, authority: bool) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])

    now = datetime.datetime.now(datetime.UTC)
    used = {"key_cert_sign"} if authority else {"digital_signature"}
    made = (
        x509.CertificateBuilder()
        .subject_name(name(holder)).issuer_name(name(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.KeyUsage(**{use: use in used for use in USES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )  # fmt: skip
    if not authority:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def signer(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate chain and its key."""
    folder = tmp_path_factory.mktemp("signer")
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = [certificate("Ada", key, "Root", root, False), certificate("Root", root, "Root", root, True)]
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(b"".join(each.public_bytes(pem) for each in chain))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return folder / "chain.pem", folder / "key.pem"


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_a_signed_file_says_what_made_it_and_sounds_the_same(tmp_path, signer, ending):
    path, samples = tmp_path / f"a{ending}", 0.3 * np.sin(np.arange(32000) / 20).astype(np.float32)
    write_audio(path, samples, 32000, "GPT-SoVITS v2 (demo)")
    before = soundfile.read(path)[0]
    Credentials(*signer).sign(path, "GPT-SoVITS v2 (demo)")
    with c2pa.Reader(path) as reader:
        state, told = reader.get_validation_state(), reader.json()
    assert state == "Valid"
    assert "trainedAlgorithmicMedia" in told
    assert "GPT-SoVITS v2 (demo)" in told
    np.testing.assert_array_equal(soundfile.read(path)[0], before)
    assert "synthetic=true" in soundfile.SoundFile(path).comment
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with c2pa.Reader(path) as reader:
        assert reader.get_validation_state() == "Invalid"


def test_what_cannot_sign_is_said_before_anything_is_spoken(tmp_path, signer, tiny_voices, capsys):
    chain, key = map(str, signer)
    (tmp_path / "no.pem").write_text("no key")
    for out, certificates, secret, said in (
        ("a.ogg", chain, key, "a.ogg cannot carry Content Credentials; write .wav or .flac"),
        ("a.wav", chain, str(tmp_path / "no.pem"), "no.pem is no private key in PEM without a password"),
        ("a.wav", str(tmp_path / "none.pem"), key, "none.pem does not exist; it should be a PEM file"),
        ("a.wav", str(tmp_path / "no.pem"), key, "cannot sign"),
    ):
        options = ["--out", str(tmp_path / out), "--certificate", certificates, "--key", secret]
        assert main(["say", "Hello.", "--voices", str(tiny_voices), *options]) == 1
        assert said in capsys.readouterr().err
    assert main(["say", "Hello.", "--out", str(tmp_path / "a.wav"), "--key", key]) == 1
    assert "Give both --certificate and --key" in capsys.readouterr().err
