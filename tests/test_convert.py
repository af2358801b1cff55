import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from weight_files import unstamped

from dora_primespeech_mlx.nets.dimensions.t2s import sine_table
from dora_primespeech_mlx.nets.sovits import fold_weight_norm
from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint
from dora_primespeech_mlx.weights.load import load_model
from dora_primespeech_mlx.weights.official import convert, detect_version


def test_folder_holds_both_networks_and_their_config(tiny_model: Path) -> None:
    assert {path.name for path in tiny_model.iterdir()} == {"t2s.safetensors", "sovits.safetensors", "config.json"}
    config = json.loads((tiny_model / "config.json").read_text())
    assert (config["version"], config["symbols"]) == ("v2", "v2")
    model = load_model(tiny_model)
    assert (model.t2s.config.hidden, model.t2s.config.layers, model.t2s.config.heads) == (64, 3, 4)
    assert model.sovits.config.mrte_channels == 64
    assert model.sovits.config.vocoder.upsample_kernels == (16, 16, 8, 2, 2)


def test_half_storage_is_smaller_and_close(tiny_model: Path, golden: Path, tmp_path: Path) -> None:
    convert(golden / "s1_tiny.ckpt", golden / "s2_tiny_v2.pth", tmp_path, half=True)
    exact, half = load_file(tiny_model / "sovits.safetensors"), load_file(tmp_path / "sovits.safetensors")
    assert {value.dtype for value in half.values()} == {np.dtype(np.float16)}
    worst = max(np.abs(exact[name].astype(np.float32) - half[name].astype(np.float32)).max() for name in exact)
    assert 0 < worst < 2e-3


def test_weights_are_as_readable_as_other_files(tiny_model: Path) -> None:
    modes = {path.name: path.stat().st_mode for path in tiny_model.iterdir() if path.is_file()}
    assert modes["t2s.safetensors"] == modes["sovits.safetensors"] == modes["config.json"]


@pytest.mark.parametrize("kind", ["t2s", "sovits"])
def test_missing_unknown_and_misshapen_tensors_are_named(tiny_model: Path, tmp_path: Path, kind: str) -> None:
    name = {"t2s": "h.layers.1.linear2.bias", "sovits": "dec.ups.1.bias"}[kind]
    original = load_file(tiny_model / f"{kind}.safetensors")
    for change in ("missing", "unknown", "shape"):
        folder = tmp_path / change
        unstamped(shutil.copytree(tiny_model, folder))
        weights = dict(original)
        if change == "missing":
            del weights[name]
        elif change == "unknown":
            weights["stranger.weight"] = np.zeros(3, np.float32)
        else:
            weights[name] = np.zeros(3, np.float32)
        save_file(weights, folder / f"{kind}.safetensors")
        with pytest.raises(CheckpointError, match="stranger.weight" if change == "unknown" else name):
            load_model(folder)


def test_a_tensor_the_dimensions_come_from_is_named_too(tiny_model: Path, tmp_path: Path) -> None:
    unstamped(shutil.copytree(tiny_model, tmp_path / "m"))
    weights = load_file(tmp_path / "m" / "sovits.safetensors")
    del weights["dec.cond.weight"]
    save_file(weights, tmp_path / "m" / "sovits.safetensors")
    with pytest.raises(CheckpointError, match="dec.cond.weight"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize("name", ["t2s.safetensors", "sovits.safetensors", "config.json"])
def test_missing_and_truncated_files_are_named(tiny_model: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(tiny_model, tmp_path / "m")
    path = tmp_path / "m" / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=name):
        load_model(tmp_path / "m")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing. Make the folder with: primespeech convert"):
        load_model(tmp_path / "m")


def test_files_given_the_wrong_way_round_are_refused(golden: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"s2_tiny_v2\.pth: this is a SoVITS .*, not a T2S .* give it with --sovits"
    ):
        convert(golden / "s2_tiny_v2.pth", golden / "s1_tiny.ckpt", tmp_path)


def test_version_comes_from_weights_then_header() -> None:
    text = {"enc_p.text_embedding.weight": np.zeros((322, 4))}
    assert detect_version(text) == "v1"
    assert detect_version({"enc_p.text_embedding.weight": np.zeros((732, 4))}) == "v2"
    pro = {"sv_emb.weight": np.zeros((8, 4)), "dec.conv_pre.weight": np.zeros((768, 4, 7))}
    assert detect_version(pro) == detect_version(pro, "05") == "v2ProPlus"
    assert detect_version(pro | {"dec.conv_pre.weight": np.zeros((512, 4, 7))}, "06") == "v2Pro"
    for name, header, said in (
        ("cfm.estimator.x", "PK", "a GPT-SoVITS v3 or v4 file"),
        ("cfm.a.lora_A.weight", "03", "a LoRA of a GPT-SoVITS v3 model"),
        ("cfm.a.lora_A.weight", "04", "a LoRA of a GPT-SoVITS v4 model"),
    ):
        with pytest.raises(CheckpointError, match=said):
            detect_version({**text, name: np.zeros(1)}, header)


def test_weight_norm_is_folded_over_the_axes_without_gain() -> None:
    rng = np.random.default_rng(0)
    direction, gain = rng.standard_normal((4, 3, 5)), rng.random((4, 1, 1))
    folded = fold_weight_norm({"a.weight_v": direction, "a.weight_g": gain, "b": gain})
    np.testing.assert_allclose(np.linalg.norm(folded["a.weight"].reshape(4, -1), axis=1), gain[:, 0, 0], rtol=1e-5)
    assert set(folded) == {"a.weight", "b"}


def test_predecessors_files_load_and_give_the_same_network(golden: Path, tiny_model: Path, tmp_path: Path) -> None:
    official = read_checkpoint(golden / "s1_tiny.ckpt").weights
    theirs: dict[str, np.ndarray] = {}
    for name, value in official.items():
        name = name.removeprefix("model.")
        for old, new in (
            ("bert_proj", "audio_proj"),
            ("ar_text_embedding.word_embeddings", "phoneme_embed"),
            ("ar_audio_embedding.word_embeddings", "semantic_embed"),
            ("ar_text_position.alpha", "text_pos_alpha"),
            ("ar_audio_position.alpha", "audio_pos_alpha"),
            ("ar_predict_layer", "lm_head"),
            ("h.layers", "layers"),
            ("out_proj", "o_proj"),
            ("linear1", "mlp.gate_proj"),
            ("linear2", "mlp.down_proj"),
            ("norm1", "input_layernorm"),
            ("norm2", "post_attention_layernorm"),
        ):
            name = name.replace(old, new)
        if "in_proj_" in name:
            for kind, part in zip("qkv", np.split(value, 3), strict=True):
                theirs[name.replace("in_proj_", f"{kind}_proj.")] = np.ascontiguousarray(part)
        else:
            theirs[name] = np.ascontiguousarray(value)
    save_file(theirs, tmp_path / "gpt.safetensors")
    sovits = {k: np.ascontiguousarray(v) for k, v in read_checkpoint(golden / "s2_tiny_v2.pth").weights.items()}
    save_file(sovits, tmp_path / "sovits.safetensors")
    loaded, expected = (
        load_model((tmp_path / "gpt.safetensors", tmp_path / "sovits.safetensors")),
        load_model(tiny_model),
    )
    ours, reference = dict(loaded.t2s.parameters()), dict(expected.t2s.parameters())
    assert ours.keys() == reference.keys()
    weight = loaded.t2s.h.layers[2].self_attn.in_proj.weight
    assert (weight == expected.t2s.h.layers[2].self_attn.in_proj.weight).all().item()
    assert (loaded.version, loaded.symbols) == ("v2", "v2")


def test_sine_positions_alternate() -> None:
    table = sine_table(5, 8)
    np.testing.assert_allclose(table[0], [0, 1] * 4)
    np.testing.assert_allclose(table[3, :2], [np.sin(3), np.cos(3)], rtol=1e-6)
