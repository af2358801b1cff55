"""Official v3 and v4 files to model folders, and the sentences that say what is missing."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from dora_primespeech_mlx.weights import official_v34
from dora_primespeech_mlx.weights.checkpoint import Checkpoint, CheckpointError, read_checkpoint, read_torch
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.official import convert, read_sovits
from dora_primespeech_mlx.weights.official_v34 import Companions, merge, read_vocoder


@pytest.fixture(scope="module")
def data(golden: Path) -> Path:
    return golden / "v34"


@pytest.fixture(scope="module")
def lora(data: Path) -> Checkpoint:
    return read_checkpoint(data / "s2_tiny_v4_lora.pth")


def with_header(source: Path, target: Path, header: bytes) -> Path:
    """A copy of a checkpoint with other first two bytes."""
    target.write_bytes(header + source.read_bytes()[2:])
    return target


def test_folders_hold_network_vocoder_and_what_they_are(tiny_diffusion: Path) -> None:
    for name in ("v3", "v4", "v4_lora"):
        config = json.loads((tiny_diffusion / name / "config.json").read_text())
        assert (config["version"], config["symbols"]) == (name[:2], "v2")
        assert ("vocoder" in config["sovits"]) == (name == "v3")
        model = load_model(tiny_diffusion / name)
        assert model.sovits.config.version == name[:2]
        assert model.sovits.config.sample_rate == {"v3": 24000, "v4": 48000}[name[:2]]
        dit = model.sovits.config.dit
        assert (dit.mel, dit.dim, dit.depth, dit.head_dim, dit.text_blocks) == (100, 64, 3, 32, 2)


def test_everything_a_lora_holds_takes_the_place_of_the_base(data: Path, lora: Checkpoint) -> None:
    base = read_checkpoint(data / "s2_tiny_v4.pth").weights
    merged = merge(lora, data / "lora", base)
    assert set(merged) == set(base)
    changed = {name for name in base if not np.array_equal(merged[name], base[name])}
    tops = {name.split(".")[0] for name in changed}
    assert {"ref_enc", "bridge", "wns1", "cfm"} <= tops
    assert "enc_p" not in tops
    adapted = {name for name in changed if name.startswith("cfm.")}
    assert len(adapted) == 3 * 4
    assert all(name.endswith((".to_q.weight", ".to_k.weight", ".to_v.weight", ".to_out.0.weight")) for name in adapted)
    assert {merged[name].dtype for name in adapted} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(merged["bridge.0.weight"], lora.weights["bridge.0.weight"])


def test_a_lora_says_which_base_it_needs(data: Path, golden: Path) -> None:
    vocoder, path = data / "vocoder_tiny_v4.pth", data / "s2_tiny_v4_lora.pth"
    with pytest.raises(CheckpointError, match=r"v4 LoRA of rank 8, which needs its base model s2Gv4.pth: add --base"):
        read_sovits(path, Companions(vocoder=vocoder))
    for base, reason in (
        (data / "s2_tiny_v3_lora.pth", "is a LoRA itself"),
        (golden / "s2_tiny_v2.pth", "without a diffusion decoder"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            read_sovits(path, Companions(base, vocoder))


def test_a_base_of_the_other_version_is_refused_where_it_can_be_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocoder, path = data / "vocoder_tiny_v4.pth", data / "s2_tiny_v4_lora.pth"
    tagged = with_header(data / "s2_tiny_v3.pth", tmp_path / "base.pth", b"02")
    with pytest.raises(CheckpointError, match="is the base of v3"):
        read_sovits(path, Companions(tagged, vocoder))
    named = tmp_path / "s2Gv3.pth"
    named.write_bytes((data / "s2_tiny_v3.pth").read_bytes())
    with pytest.raises(CheckpointError, match="has the name of the base of v3: give the other one, or rename it"):
        read_sovits(path, Companions(named, vocoder))
    known = hashlib.md5((data / "s2_tiny_v3.pth").read_bytes()[:8192], usedforsecurity=False).hexdigest()
    monkeypatch.setitem(official_v34.VERSIONS_BY_HASH, known, "v3")
    with pytest.raises(CheckpointError, match="is the base of v3"):
        read_sovits(path, Companions(data / "s2_tiny_v3.pth", vocoder))
    _, _, version = read_sovits(data / "s2_tiny_v3.pth", Companions(vocoder=data / "bigvgan_tiny"))
    assert version == "v3"


def test_ranks_that_differ_are_named(data: Path, lora: Checkpoint) -> None:
    base = Companions(data / "s2_tiny_v4.pth", data / "vocoder_tiny_v4.pth")
    wrong = Checkpoint(lora.weights, lora.config, lora.info, lora.header, 16)
    with pytest.raises(CheckpointError, match="several ranks \\(8, 16\\)"):
        official_v34.read_diffusion(wrong, data / "s2_tiny_v4_lora.pth", base)


def test_tensors_that_have_no_place_in_the_base_are_named(data: Path, lora: Checkpoint) -> None:
    base = read_checkpoint(data / "s2_tiny_v4.pth").weights
    name = next(name for name in lora.weights if ".to_v.lora_A." in name)

    def changed(**weights: np.ndarray) -> Checkpoint:
        return Checkpoint({**lora.weights, **weights}, lora.config, lora.info, lora.header, lora.lora_rank)

    for checkpoint, reason in (
        (changed(stranger=np.zeros(2, np.float16)), "stranger of lora.pth does not fit the base base.pth"),
        (changed(**{name: np.zeros((8, 5), np.float16)}), "to_v.weight in lora.pth does not fit"),
        (changed(**{"bridge.0.weight": np.zeros((3, 3, 1), np.float16)}), "bridge.0.weight of lora.pth does not fit"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            merge(checkpoint, Path("lora.pth"), base, Path("base.pth"))
    halved = Checkpoint({n: v for n, v in lora.weights.items() if n != name}, {}, "", "04")
    with pytest.raises(CheckpointError, match="only half of the change"):
        merge(halved, Path("lora.pth"), base)


def test_the_version_comes_from_hash_header_or_the_user(data: Path, tmp_path: Path) -> None:
    path, vocoder = data / "s2_tiny_v4.pth", data / "vocoder_tiny_v4.pth"
    with pytest.raises(CheckpointError, match="add --version v3 or --version v4"):
        read_sovits(path, Companions(vocoder=vocoder))
    with pytest.raises(CheckpointError, match="not a version with a diffusion decoder"):
        read_sovits(path, Companions(vocoder=vocoder, version="v2"))
    assert read_sovits(path, Companions(vocoder=vocoder, version="v4"))[2] == "v4"
    tagged = with_header(data / "s2_tiny_v3.pth", tmp_path / "full.pth", b"02")
    assert read_sovits(tagged, Companions(vocoder=data / "bigvgan_tiny"))[2] == "v3"
    with pytest.raises(CheckpointError, match="is a v3 model; leave out --version v4"):
        read_sovits(tagged, Companions(vocoder=vocoder, version="v4"))


def test_what_a_file_has_no_use_for_is_named(data: Path, golden: Path) -> None:
    base, vocoder = data / "s2_tiny_v4.pth", data / "vocoder_tiny_v4.pth"
    with pytest.raises(CheckpointError, match="is a v2 model: leave out --base and --vocoder and --version"):
        read_sovits(golden / "s2_tiny_v2.pth", Companions(base, vocoder, "v4"))
    with pytest.raises(CheckpointError, match="is a whole v4 model and no LoRA: leave out --base"):
        read_sovits(base, Companions(base, vocoder, "v4"))


def test_the_vocoder_of_the_other_version_or_none_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="needs its vocoder: add --vocoder with the file vocoder.pth"):
        read_sovits(data / "s2_tiny_v4.pth", Companions(version="v4"))
    with pytest.raises(CheckpointError, match="not the vocoder of v4"):
        read_vocoder(data / "bigvgan_tiny", "v4")
    with pytest.raises(CheckpointError, match="not the vocoder of v4"):
        read_vocoder(data / "bigvgan_tiny" / "bigvgan_generator.pt", "v4")
    with pytest.raises(CheckpointError, match="not the vocoder of v3"):
        read_vocoder(data / "vocoder_tiny_v4.pth", "v3")
    with pytest.raises(FileNotFoundError, match="bigvgan_generator.pt"):
        read_vocoder(tmp_path / "nothing", "v3")
    shutil.copytree(data / "bigvgan_tiny", tmp_path / "voc")
    settings = json.loads((tmp_path / "voc" / "config.json").read_text())
    (tmp_path / "voc" / "config.json").write_text(json.dumps({**settings, "resblock": "2"}))
    with pytest.raises(CheckpointError, match="resblock 1"):
        read_vocoder(tmp_path / "voc", "v3")
    for wrong, reason in (
        ("[]", "does not describe"),
        ("[" * 100_000, "too deeply.*give the folder"),
        ("<html>", "web page"),
    ):
        (tmp_path / "voc" / "config.json").write_text(wrong)
        with pytest.raises(ValueError, match=reason):
            read_vocoder(tmp_path / "voc", "v3")
    (tmp_path / "voc" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="as downloaded"):
        read_vocoder(tmp_path / "voc", "v3")


def test_a_vocoder_may_be_named_by_its_file_and_be_safetensors(data: Path, tmp_path: Path) -> None:
    expected, settings = read_vocoder(data / "bigvgan_tiny", "v3")
    named, _ = read_vocoder(data / "bigvgan_tiny" / "bigvgan_generator.pt", "v3")
    weights = read_torch(data / "bigvgan_tiny" / "bigvgan_generator.pt", "generator")
    save_file({k: np.ascontiguousarray(v) for k, v in weights.items()}, tmp_path / "bigvgan_generator.safetensors")
    shutil.copy(data / "bigvgan_tiny" / "config.json", tmp_path)
    stored, _ = read_vocoder(tmp_path, "v3")
    assert settings["vocoder"]["num_mels"] == 100
    cached = tmp_path / "models--nvidia--bigvgan" / "snapshots" / "633ff70"
    shutil.copytree(data / "bigvgan_tiny", cached)
    (cached / "config.json").write_text("\ufeff" + (cached / "config.json").read_text(), encoding="utf-8")
    in_cache, _ = read_vocoder(tmp_path / "models--nvidia--bigvgan", "v3")
    for other in (named, stored, in_cache):
        assert set(other) == set(expected)
        assert all(np.array_equal(other[name], expected[name]) for name in expected)


def test_half_storage_and_a_folder_without_a_tensor(data: Path, golden: Path, tmp_path: Path) -> None:
    companions = Companions(vocoder=data / "bigvgan_tiny", version="v3")
    convert(golden / "s1_tiny.ckpt", data / "s2_tiny_v3.pth", tmp_path, half=True, companions=companions)
    weights = load_file(tmp_path / "sovits.safetensors")
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float16)}
    load_model(tmp_path)
    for name in ("estimator.blocks.1.expand.bias", "estimator.modulations", "bridge.weight", "dec.conv_pre.weight"):
        save_file({n: v for n, v in weights.items() if n != name}, tmp_path / "sovits.safetensors")
        with pytest.raises(CheckpointError, match=name.split(".")[-2]):
            load_model(tmp_path)


def test_a_v4_file_without_its_estimator_is_named(data: Path, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(data / "s2_tiny_v4.pth")
    weights = {name: value for name, value in checkpoint.weights.items() if "rotary" not in name}
    cut = Checkpoint(weights, checkpoint.config, checkpoint.info, checkpoint.header)
    with pytest.raises(CheckpointError, match=r"lacks the tensor rotary_embed.inv_freq"):
        official_v34.read_diffusion(
            cut, data / "s2_tiny_v4.pth", Companions(vocoder=data / "vocoder_tiny_v4.pth", version="v4")
        )
