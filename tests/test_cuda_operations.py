"""The kernels of what SoVITS does between its products, run on the CPU by the emulation of their threads."""

import ctypes

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from emulated import emulation, joined
from test_cuda_clusters import PAIRS

from dora_primespeech_mlx.nets.layers import RelativeEncoder, additive_mask
from dora_primespeech_mlx.nets.operations import Operations, neighbours, use
from dora_primespeech_mlx.runtime.mlx.cuda import operations as cuda_operations
from dora_primespeech_mlx.runtime.mlx.cuda.operations import CudaOperations

POINTERS = ("one", "two", "three", "four", "five", "six", "mask", "made", "more")
CHANNELS, WIDTH, WINDOW = 264, 32, 4
"""Channels of a norm that do not fill a warp's turns, and the width of a head."""


class Inputs(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in POINTERS),
        *((name, ctypes.c_long) for name in ("count", "apart")),
        *((name, ctypes.c_int) for name in ("channels", "length", "heads")),
        ("number", ctypes.c_float),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    defines = "OPERATIONS", f"NORM_CHANNELS={CHANNELS}", f"ATTENTION_SIZES={joined([WIDTH, WINDOW])}"
    return emulation(tmp_path_factory.mktemp("cuda"), PAIRS, *defines)


@pytest.fixture
def emulated(library: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that run on the CPU; `MLX` gives each the arrays that the package gives it."""

    def kernel(name, inputs, outputs, body, header, contiguous):
        def launch(inputs, output_shapes, output_dtypes, grid, threadgroup):
            assert grid[0] % threadgroup[0] == 0 and threadgroup[0] == cuda_operations.THREADS
            arrays = [np.ascontiguousarray(np.array(array)) for array in inputs]
            made = [np.full(shape, np.nan, np.float16) for shape in output_shapes]
            rows, length, channels = arrays[0].shape

            def pointer(at: int, ndim: int = 0) -> int | None:
                return arrays[at].ctypes.data if at < len(arrays) and arrays[at].ndim >= ndim else None

            given = Inputs(**{each: pointer(at) for at, each in enumerate(POINTERS[:6])})
            given.made, given.channels, given.length, given.count = (
                made[-1].ctypes.data,
                channels,
                length,
                rows * length,
            )
            if name.startswith("bend"):
                given.three, given.more, given.count = pointer(2, 3), made[0].ctypes.data, arrays[0].size
                given.number = float(body.split("slope = ")[1].split("f;")[0])
                library.run_bend(ctypes.byref(given), name == "bend_added")
            elif name == "gate":
                given.channels, given.apart, given.count = channels // 2, channels, arrays[0].size // 2
                library.run_gate(ctypes.byref(given))
            elif name == "norm":
                given.three, given.six, given.number = pointer(2) if arrays[2].size > 1 else None, pointer(5, 3), 1e-5
                assert f"Norm<{CHANNELS}>" in body
                library.run_norm(ctypes.byref(given))
            else:
                given.mask, given.heads, given.count = pointer(5, 4), channels // WIDTH, rows
                assert f"Attention<{WIDTH}, {WINDOW}>" in body
                library.run_attention(ctypes.byref(given))
            return [mx.array(array) for array in made]

        return launch

    monkeypatch.setattr(cuda_operations.cuda_kernel, "kernel", kernel)
    for cached in ("_bend", "_bend_added", "_gate", "_norm", "_attention"):
        getattr(cuda_operations, cached).cache_clear()


def half(*shape: int, seed: int = 0) -> mx.array:
    return mx.array(np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float16))


def close(found: mx.array, expected: mx.array, within: float = 4e-3) -> bool:
    off = mx.abs(found.astype(mx.float32) - expected.astype(mx.float32)).max().item()
    return off <= within * max(1.0, mx.abs(expected.astype(mx.float32)).max().item())


KEEP = mx.array(np.arange(9)[None, :, None] < np.array([9, 5])[:, None, None]).astype(mx.float16)


@pytest.mark.parametrize("keep", [None, KEEP])
def test_bends_and_gates(emulated, keep):
    kernels, plain = CudaOperations(), Operations()
    x, before, bias = half(2, 9, 16), half(2, 9, 16, seed=1), half(16)
    assert close(kernels.bent(x, bias, keep, 0.1), plain.bent(x, bias, keep, 0.1))
    assert close(kernels.raised(x, bias, keep), plain.raised(x, bias, keep))
    for found, expected in zip(
        kernels.added(x, bias, keep, before, 0.1), plain.added(x, bias, keep, before, 0.1), strict=True
    ):
        assert close(found, expected)
    condition = mx.split(half(2, 1, 48), 3, axis=-1)[1]
    assert close(kernels.gated(x, bias, condition), plain.gated(x, bias, condition))


@pytest.mark.parametrize("keep", [None, KEEP])
@pytest.mark.parametrize("bias", [None, half(CHANNELS, seed=3)])
def test_norms(emulated, keep, bias):
    norm = nn.LayerNorm(CHANNELS)
    norm.weight, norm.bias = half(CHANNELS, seed=1), half(CHANNELS, seed=2)
    x, more = 3 + half(2, 9, CHANNELS), half(2, 9, CHANNELS, seed=4)
    found = CudaOperations().normed(x, more, bias, norm, keep)
    assert close(found, Operations().normed(x, more, bias, norm, keep))


@pytest.mark.parametrize("length", [1, 16, 75, 130])
def test_attention_of_near_and_far(emulated, length):
    mask = additive_mask(mx.array(np.arange(length) < np.array([[length], [max(1, length - 20)]])))
    projected = tuple(half(2, length, 2 * WIDTH, seed=seed) for seed in range(3))
    near = half(1, 2 * WINDOW + 1, WIDTH, seed=5), half(1, 2 * WINDOW + 1, WIDTH, seed=6)
    for given in (None, mask):
        found = CudaOperations().attended(projected, 2, near, given, neighbours(length, WINDOW))
        exact = (tuple(part.astype(mx.float32) for part in arrays) for arrays in (projected, near))
        (queries, keys, values), near_32 = exact
        expected = Operations().attended((queries, keys, values), 2, near_32, given, neighbours(length, WINDOW))
        assert close(found, expected, 2e-3)


def test_what_no_kernel_fits_is_done_by_operations(monkeypatch):
    def refused(*args, **options):
        raise AssertionError("no kernel")

    monkeypatch.setattr(cuda_operations.cuda_kernel, "kernel", refused)
    network = RelativeEncoder(12, 16, 2, 1, 3, WINDOW)
    use(network, CudaOperations())
    assert isinstance(network.attn_layers[0]._operations, CudaOperations)
    x, mask = mx.random.normal((2, 7, 12)), mx.array(np.arange(7) < np.array([[7], [3]]))
    plain = RelativeEncoder(12, 16, 2, 1, 3, WINDOW)
    plain.update(network.parameters())
    assert mx.array_equal(network(x, mask), plain(x, mask))
