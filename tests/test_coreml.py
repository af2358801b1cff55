"""CoreML packages of the encoders: exported, read back and computed by NumPy, against official results."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from dora_primespeech_mlx.runtime import coreml
from dora_primespeech_mlx.voices import encoders as encoders_module
from dora_primespeech_mlx.voices.encoders import Encoders
from dora_primespeech_mlx.weights.official_encoders import convert_encoder

pytest.importorskip("coremltools")
from mil_evaluator import evaluate, load_program

DATA = Path(__file__).parent / "data"
GOLDEN = np.load(DATA / "encoders.npz")
NAMES = {"hubert": ("samples", "first_mask", "mask"), "roberta": ("ids", "mask")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    source, out = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("encoders")
    shutil.copytree(DATA / "bert_tiny", source, dirs_exist_ok=True)
    (source / "tokenizer.json").write_text("{}")
    convert_encoder("hubert", DATA / "hubert_tiny", out)
    convert_encoder("roberta", source, out)
    return out


@pytest.fixture(scope="module", params=["fp32", "fp16"])
def packages(request, folder, tmp_path_factory):
    """Precision, each package as a function that NumPy computes, and their folder."""
    out = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders_module, "COREML_SIZES", {"hubert": (24, 40), "roberta": (32, 64, 128)})
        paths = Encoders([folder]).export_coreml(out, request.param)
    return request.param, {path.stem: as_function(path) for path in paths}, out


def as_function(path: Path) -> coreml.Package:
    program, names = load_program(path), NAMES[path.stem]
    sizes = [int(name.removeprefix(coreml.FUNCTION)) for name in program.functions]

    def open_size(size: int):
        return lambda *arrays: evaluate(program, f"{coreml.FUNCTION}{size}", **dict(zip(names, arrays, strict=True)))

    return coreml.Package(path, sizes, open_size)


def relative(result: np.ndarray, expected: np.ndarray) -> float:
    assert result.shape == expected.shape
    return float(np.abs(result - expected).max() / np.abs(expected).max())


def test_hubert_package_equals_the_official_one(packages, folder):
    precision, functions, _ = packages
    trace = GOLDEN["hubert_wav16"][0]
    blocks = Encoders([folder]).ready("hubert").config.blocks([trace])
    assert blocks[2].shape == (1, 25)  # between the two sizes of the package
    result = functions["hubert"](*blocks)[:, :24]
    assert relative(result, GOLDEN["hubert_last_hidden"]) < (1e-4 if precision == "fp32" else 5e-3)


def test_roberta_package_equals_the_official_one(packages):
    precision, functions, _ = packages
    ids = GOLDEN["bert_ids"].astype(np.int32)
    both = np.concatenate([ids, ids[:, ::-1]])
    result = functions["roberta"](both, np.ones(both.shape, np.float32))
    assert result.shape[:2] == both.shape
    assert relative(result[:1], GOLDEN["bert_hidden_m3"]) < (1e-4 if precision == "fp32" else 5e-3)


def test_sizes_stop_at_what_the_model_takes(packages):
    _, functions, _ = packages
    with pytest.raises(ValueError, match="takes lengths up to 64, not 65: export it again"):
        functions["roberta"](np.zeros((1, 65), np.int32), np.ones((1, 65), np.float32))


def test_sizes_share_the_weights_of_the_package(packages, folder):
    precision, _, out = packages
    stored = (out / "roberta.mlpackage" / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").stat().st_size
    numbers = sum(array.size for array in load_file(folder / "roberta.safetensors").values())
    assert stored < 1.5 * numbers * (4 if precision == "fp32" else 2)


def test_without_files_there_is_nothing_to_export(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no hubert\.safetensors"):
        Encoders([tmp_path]).export_coreml(tmp_path)


def test_a_package_runs_in_place_of_the_network_on_a_mac(packages, folder, tmp_path, monkeypatch):
    _, functions, _ = packages
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "hubert.mlpackage").mkdir()
    monkeypatch.setattr(coreml, "can_run", lambda: True)
    monkeypatch.setattr(coreml, "open_package", lambda path: functions[path.stem])
    mac = Encoders([tmp_path])
    assert mac.ready("hubert").run is functions["hubert"]
    assert relative(mac.content(GOLDEN["hubert_wav16"][0]), GOLDEN["hubert_last_hidden"][0]) < 5e-3
