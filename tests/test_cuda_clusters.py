"""The kernel of T2S codes on CUDA's clusters, run on the CPU by an emulation of its threads and of what it posts."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from dora_primespeech_mlx.nets.t2s import T2S, T2SConfig
from dora_primespeech_mlx.runtime.mlx import cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda_clusters import ClusterT2SRunner, CodesKernel, Plan, plan
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.weights.random_weights import SIZES, random_weights

# Two heads a cluster of 32 wide heads; and one of 64 wide heads, whose width is no multiple of a warp's.
SHAPES = {
    "pairs": (T2SConfig(128, 4, 2, 256, 20, 50, 49, 32, 32, 54), Plan(4, 2, 2, 2)),
    "wide": (T2SConfig(192, 3, 1, 384, 20, 50, 49, 64, 64, 54), Plan(2, 1, 2, 2)),
}
POINTERS = (*cuda_clusters.INPUTS, *cuda_clusters.OUTPUTS)
PROMPT = np.array([3, 7, 7, 1], np.int32)


class Inputs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in POINTERS]


class EmulatedKernel(CodesKernel):
    """The kernel, with the CPU for a device."""

    def __init__(self, model: T2S, plan: Plan, library: ctypes.CDLL):
        super().__init__(model, plan)
        self.library, self.seed, self.launches = library, 0, 0

    def __call__(self, sampling, texts, noise, logits, cache):
        count, rows = noise.shape[0], len(texts)
        mx.eval(sampling, texts, noise, logits, cache)
        sizes = np.array([rows, count, cache.shape[4]], np.int32)
        drawn = np.full((count, 2, rows), -1, np.int32)
        after = np.zeros(texts.shape, np.int32)
        scores = np.full((rows, self.config.vocabulary), np.nan, np.float32)
        given = [sizes, *(np.array(array) for array in (sampling, texts, noise, logits)), view(cache), view(self.words)]
        given += [view(weight) for weight in self.weights]
        pointers = Inputs(*(array.ctypes.data for array in (*given, drawn, after, scores)))
        self.seed, self.launches = self.seed + 1, self.launches + 1
        assert self.library.run(ctypes.byref(pointers), self.config.layers, self.seed), "the kernel waits for ever"
        return mx.array(drawn), mx.array(after), mx.array(scores)


def view(array: mx.array) -> np.ndarray:
    """The array's own memory, which the kernel writes into."""
    shared = np.array(array, copy=False)
    assert shared.ctypes.data == np.array(array, copy=False).ctypes.data
    return shared


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> tuple[T2SConfig, Plan]:
    return SHAPES[request.param]


@pytest.fixture(scope="module")
def network(shape: tuple[T2SConfig, Plan]) -> T2S:
    model = T2S(shape[0])
    weights = random_weights(model, np.random.default_rng(0))
    model.load_weights([(name, mx.array(value).astype(mx.float32)) for name, value in weights.items()], strict=True)
    mx.eval(model.parameters())
    return model


@pytest.fixture(scope="module")
def emulation(shape: tuple[T2SConfig, Plan], tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    library = tmp_path_factory.mktemp("cuda") / "emulation.so"
    sizes = kernel_sizes(*shape)
    options = ["-std=c++17", "-O1", "-shared", "-fPIC", f"-I{cuda_clusters.SOURCE.parent}", f"-DKERNEL_SIZES={sizes}"]
    source = Path(__file__).with_name("cluster_emulation.cpp")
    done = subprocess.run([compiler, *options, str(source), "-o", str(library)], capture_output=True, text=True)
    if "_Float16" in done.stderr or "ucontext" in done.stderr:
        pytest.skip("needs a g++ that knows _Float16, and ucontext")
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    loaded.run.restype = ctypes.c_bool
    return loaded


def kernel_sizes(config: T2SConfig, how: Plan) -> str:
    numbers = (config.hidden, config.heads, config.feed_forward, config.vocabulary)
    return ",".join(map(str, (*numbers, how.cluster, how.heads, how.warps, how.texts)))


@pytest.fixture
def runner(emulation: ctypes.CDLL, network: T2S, shape: tuple[T2SConfig, Plan]) -> ClusterT2SRunner:
    made = ClusterT2SRunner(network, shape[1])
    made._kernel = EmulatedKernel(network, shape[1], emulation)
    return made


def row(phones: int, seed: int) -> Row:
    noise = NoiseTable("exponential", 50, (seed,))
    return Row(np.random.default_rng(seed).integers(0, 20, phones).astype(np.int32), None, noise)


def codes(runner, rows: list[Row], sampling: Sampling, limit: int) -> list[list[int]]:
    list(generate_many(runner, rows, PROMPT, sampling=sampling, limit=limit))
    return [each.codes for each in rows]


@pytest.mark.parametrize(
    "sampling",
    [Sampling(), Sampling(top_k=1, repetition_penalty=1.0), Sampling(8, 0.8, 0.7, 1.2), Sampling(50, 0.5, 1.5, 1.0)],
    ids=["default", "greedy", "narrow", "by mass"],
)
def test_codes_are_those_of_the_loop(runner: ClusterT2SRunner, network: T2S, sampling: Sampling):
    expected = codes(MlxT2SRunner(network, accelerated=False), [row(9, 4)], sampling, 30)
    assert len(expected[0]) > 10
    assert codes(runner, [row(9, 4)], sampling, 30) == expected
