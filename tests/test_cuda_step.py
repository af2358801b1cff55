"""The kernel of the T2S step on CUDA, run on the CPU by an emulation of its threads."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.mlx.cache import KVCache
from dora_primespeech_mlx.runtime.mlx.cuda import step as cuda_t2s
from dora_primespeech_mlx.runtime.mlx.cuda.step import StepKernel, fits
from dora_primespeech_mlx.weights.random_weights import SIZES, random_weights

CONFIG = T2SConfig(128, 2, 2, 256, 20, 50, 49, 64, 64, 54)
CAPACITY = 32


@pytest.fixture(scope="module")
def network() -> T2S:
    model = T2S(CONFIG)
    weights = random_weights(model, np.random.default_rng(0))
    model.load_weights([(name, mx.array(value).astype(mx.float32)) for name, value in weights.items()], strict=True)
    mx.eval(model.parameters())
    return model


@pytest.fixture(scope="module")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    library = tmp_path_factory.mktemp("cuda") / "emulation.so"
    options = ["-std=c++17", "-O1", "-shared", "-fPIC", "-pthread", f"-I{cuda_t2s.SOURCE.parent}"]
    source = Path(__file__).with_name("cuda_emulation.cpp")
    done = subprocess.run([compiler, *options, str(source), "-o", str(library)], capture_output=True, text=True)
    if "_Float16" in done.stderr:
        pytest.skip("needs a g++ that knows _Float16")
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


@pytest.mark.parametrize("past", [1, 9, 31])
def test_the_kernel_is_the_step(emulation: ctypes.CDLL, network: T2S, past: int):
    position, token = 5, 7
    random = np.random.default_rng(past)
    shape = (CONFIG.layers, 2, CONFIG.heads, CAPACITY, CONFIG.head_width)
    cache = random.standard_normal(shape).astype(np.float16)
    layers = [KVCache() for _ in range(CONFIG.layers)]
    for layer, rows in zip(layers, mx.array(cache.astype(np.float32)), strict=True):
        layer.update_and_fetch(rows[0][None, :, :past], rows[1][None, :, :past])
    hidden = network(network.embed_audio(mx.array([[token]]), mx.array([position])), None, layers)
    expected = np.array(network.logits(hidden[0, 0]))

    logits = np.full(CONFIG.vocabulary, np.nan, np.float32)
    rows = np.zeros((CONFIG.layers, 2, CONFIG.heads, CONFIG.head_width), np.float16)
    weights = [np.array(weight) for weight in StepKernel(network).weights]
    small = np.array([token], np.uint32), np.array([position, past], np.int32)
    arrays = [*small, cache, *weights, logits, rows]
    emulation.run(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays), CONFIG.layers, CAPACITY)

    assert np.abs(logits - expected).max() < 1e-3
    for layer, (keys, values) in zip(layers, rows, strict=True):
        all_keys, all_values = layer.rows()
        assert np.allclose(keys, np.array(all_keys)[0, :, past], atol=2e-3)
        assert np.allclose(values, np.array(all_values)[0, :, past], atol=2e-3)


def test_the_kernel_takes_the_released_size_and_no_padded_heads():
    released = SIZES["v2"][0]
    assert fits(released)
    assert not fits(T2SConfig(512, 16, 24, 2048, 732, 1025, 1024, 32, 64, 54))
    with pytest.raises(ValueError, match="cannot run"):
        StepKernel(T2S(T2SConfig(96, 2, 1, 128, 20, 50, 49, 48, 48, 54)))
