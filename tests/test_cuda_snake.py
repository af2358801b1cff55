"""The kernel of BigVGAN's activations, run on the CPU."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_map

from dora_primespeech_mlx.nets.bigvgan import BigVGAN, BigVGANConfig, Snake
from dora_primespeech_mlx.runtime.mlx.cuda import snake as cuda_snake

DRIVER = """
#include <cmath>
#define EMULATED
#define DEVICE inline
typedef _Float16 __half;
#include "snake.cuh"
struct Place {{ long x; }} static blockIdx, blockDim, threadIdx;
static void thread(const {taken}* x, const long* x_shape, const float* alpha, const float* inverse_beta,
                   const float* up_even, const float* up_odd, const float* down_even, const float* down_odd,
                   {made}* bent) {{
{body}
}}
extern "C" void run(long threads, const {taken}* x, const long* x_shape, const float** weights, {made}* bent) {{
  blockDim.x = 1;
  for (blockIdx.x = 0; blockIdx.x < threads; ++blockIdx.x)
    thread(x, x_shape, weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], bent);
}}
"""
NUMPY = {mx.float16: np.float16, mx.float32: np.float32}


@pytest.fixture
def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kernel.kernel`, with the CPU for a device."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")

    def kernel(taken: mx.Dtype, made: mx.Dtype):
        kinds = {"taken": cuda_snake.KINDS[taken], "made": cuda_snake.KINDS[made]}
        body = cuda_snake.BODY.format(span=cuda_snake.SPAN, taps=6, **kinds)
        source, library = tmp_path / "snake.cpp", tmp_path / f"{taken}{made}.so"
        source.write_text(DRIVER.format(body=body, **kinds))
        options = ["-std=c++17", "-O1", "-shared", "-fPIC", f"-I{cuda_snake.SOURCE.parent}", "-o", str(library)]
        done = subprocess.run([compiler, *options, str(source)], capture_output=True, text=True)
        if "_Float16" in done.stderr:
            pytest.skip("needs a g++ that knows _Float16")
        assert done.returncode == 0, done.stderr
        run = ctypes.CDLL(str(library)).run

        def launch(inputs, output_shapes, output_dtypes, grid, threadgroup):
            x, *weights = (np.ascontiguousarray(np.array(array)) for array in inputs)
            bent = np.full(output_shapes[0], np.nan, NUMPY[output_dtypes[0]])
            shape = (ctypes.c_long * 3)(*x.shape)
            pointers = (ctypes.c_void_p * len(weights))(*(weight.ctypes.data for weight in weights))
            run(ctypes.c_long(grid[0]), x.ctypes.data_as(ctypes.c_void_p), shape, pointers,
                bent.ctypes.data_as(ctypes.c_void_p))  # fmt: skip
            return [mx.array(bent)]

        return launch

    monkeypatch.setattr(cuda_snake, "_kernel", kernel)


@pytest.mark.parametrize("length", [1, 2, 5, 16, 17, 50])
def test_an_activation_in_one_kernel_is_the_one_by_operations(emulated: None, length: int) -> None:
    random = np.random.default_rng(length)
    snake = Snake(24)
    for name, array in snake.parameters().items():
        snake[name] = mx.array(random.standard_normal(array.shape).astype(np.float32))
    x = mx.array(random.standard_normal((2, length, 24)).astype(np.float32))
    fused = cuda_snake.FusedSnake(snake)
    np.testing.assert_allclose(fused(x, mx.float32, False), snake(x, mx.float32, False), atol=2e-5)
    half = x.astype(mx.float16)
    np.testing.assert_allclose(fused(half, mx.float16, False), snake(half, mx.float16, False), atol=2e-2)


def test_a_vocoder_with_such_activations_sounds_the_same(emulated: None) -> None:
    config = BigVGANConfig(6, 48, (4, 2), (8, 4), (3, 5), ((1, 3), (1, 3)), bounded=False, final_bias=True)
    vocoder, random = BigVGAN(config), np.random.default_rng(0)
    vocoder.update(
        tree_map(lambda a: mx.array(0.2 * random.standard_normal(a.shape).astype(np.float32)), vocoder.parameters())
    )
    mel = mx.array(random.standard_normal((1, 9, 6)).astype(np.float32))
    plain = np.array(vocoder(mel))
    cuda_snake.fuse(vocoder)
    np.testing.assert_allclose(vocoder(mel), plain, atol=1e-5)
    assert np.abs(plain).max() > 0.01
