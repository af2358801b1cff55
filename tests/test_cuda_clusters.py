"""The kernel of T2S codes on CUDA's clusters, run on the CPU by an emulation of its threads and of what it posts."""

import ctypes
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable

import mlx.core as mx
import numpy as np
import pytest
from emulated import emulation

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime import factory
from dora_primespeech_mlx.runtime.mlx.cuda import clusters as cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda import device as cuda_device
from dora_primespeech_mlx.runtime.mlx.cuda.clusters import ClusterT2SRunner, CodesKernel, OperationsPrefill, Plan, plan
from dora_primespeech_mlx.runtime.mlx.cuda.device import Device
from dora_primespeech_mlx.runtime.mlx.cuda.step import CudaT2SRunner
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.weights.random_weights import SIZES, random_weights

# Two 32 wide heads a cluster; and one of 64, with columns that do not fill a warp and clusters that do not fill a sum.
PAIRS = T2SConfig(128, 4, 2, 256, 20, 50, 49, 32, 32, 54), Plan(4, 2, 2, 2)
WIDE = T2SConfig(192, 3, 1, 384, 20, 50, 49, 64, 64, 54), Plan(2, 1, 2, 2)
PROMPT = np.array([3, 7, 7, 1], np.int32)
H100 = Device(132, 232448, True)
LATE = 3
"""A seed of the emulation by which everything arrives as late as can be."""
WAITS = (
    ("await(barrier(UNITS_CAME), parity);", "if (left_out != 0) await(barrier(UNITS_CAME), parity);"),
    ("await(barrier(UP_CAME), parity);", "if (left_out != 1) await(barrier(UP_CAME), parity);"),
    ("while (real && (unsigned)", "while (left_out != 2 && real && (unsigned)"),
    (
        "block_wait();\n      if (warp < rows) join_warps",
        "if (left_out != 3) block_wait();\n      if (warp < rows) join_warps",
    ),
)
"""Places where the kernel waits, and the same where `left_out` says which one does not."""
Shape = tuple[T2SConfig, Plan]


class Inputs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in (*cuda_clusters.INPUTS, *cuda_clusters.OUTPUTS)]


class EmulatedKernel(CodesKernel):
    """The kernel, with the CPU for a device."""

    def __init__(self, model: T2S, plan: Plan, library: ctypes.CDLL):
        super().__init__(model, plan)
        self.library, self.seed, self.counts = library, 0, []

    def adopt(self, cache, slot, rows, state, after):
        mx.eval(cache, rows, after)
        own(cache)[slot, :, :, :, : rows.shape[3]] = np.array(rows)
        return state

    def __call__(self, sampling, texts, noise, logits, cache, words):
        count, rows = noise.shape[0], len(texts)
        mx.eval(sampling, texts, noise, logits, cache, words)
        sizes = np.array([rows, count, cache.shape[4]], np.int32)
        drawn = np.full((count, 2, rows), -1, np.int32)
        after = np.zeros(texts.shape, np.int32)
        scores = np.full((rows, self.config.vocabulary), np.nan, np.float32)
        given = [sizes, *(np.array(array) for array in (sampling, texts, noise, logits)), own(cache), own(words)]
        given += [own(weight) for weight in self.weights]
        pointers = Inputs(*(array.ctypes.data for array in (*given, drawn, after, scores)))
        self.seed += 1
        self.counts.append(count)
        assert self.library.run(ctypes.byref(pointers), self.config.layers, self.seed), "the kernel waits for ever"
        return mx.array(drawn), mx.array(after), mx.array(scores)


def own(array: mx.array) -> np.ndarray:
    """The array's own memory, which the kernel writes into."""
    return np.array(array, copy=False)


def made_network(config: T2SConfig, end: float = 0.0) -> T2S:
    """Random weights; `end` is added to the end's row of the scores."""
    model = T2S(config)
    weights = random_weights(model, np.random.default_rng(0))
    weights["ar_predict_layer.weight"][config.end] += np.float16(end)
    model.load_weights([(name, mx.array(value).astype(mx.float32)) for name, value in weights.items()], strict=True)
    mx.eval(model.parameters())
    return model


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ctypes.CDLL]:
    """Compiles the kernel for a shape, once; `changes` are made to its text before."""
    compiled: dict[tuple, ctypes.CDLL] = {}

    def compile_once(shape: Shape, changes: tuple[tuple[str, str], ...] = ()) -> ctypes.CDLL:
        if (shape, changes) in compiled:
            return compiled[shape, changes]
        folder = tmp_path_factory.mktemp("cuda")
        text = cuda_clusters.SOURCE.read_text("utf-8")
        for change in changes:
            assert change[0] in text
            text = text.replace(*change)
        (folder / cuda_clusters.SOURCE.name).write_text("int left_out = -1;\n" + text, "utf-8")
        library = compiled[shape, changes] = emulation(folder, shape, sources=folder)
        return library

    return compile_once


def made_runner(model: T2S, shape: Shape, library: ctypes.CDLL) -> ClusterT2SRunner:
    kernel = EmulatedKernel(model, shape[1], library)
    return ClusterT2SRunner(kernel, OperationsPrefill(kernel, model))


def row(phones: int, seed: int) -> Row:
    noise = NoiseTable("exponential", 50, (seed,))
    return Row(np.random.default_rng(seed).integers(0, 20, phones).astype(np.int32), None, noise, prompt=PROMPT)


def codes(runner, rows: list[Row], sampling: Sampling, limit: int) -> list[list[int]]:
    for each in rows:
        each.sampling, each.limit = sampling, limit
    list(generate_many(runner, rows))
    return [each.codes for each in rows]


@pytest.mark.parametrize(
    ("shape", "sampling"),
    [
        (PAIRS, Sampling()),
        (PAIRS, Sampling(top_k=1, repetition_penalty=1.0)),
        (PAIRS, Sampling(top_k=8, top_p=0.8, temperature=0.7, repetition_penalty=1.2)),
        (WIDE, Sampling(top_k=50, top_p=0.5, temperature=1.5, repetition_penalty=1.0)),
    ],
    ids=["default", "greedy", "narrow", "by mass"],
)
def test_codes_are_those_of_the_loop(emulate, shape: Shape, sampling: Sampling):
    network = made_network(shape[0])
    expected = codes(MlxT2SRunner(network, accelerated=False), [row(9, 4)], sampling, 19)
    assert len(expected[0]) > 11
    assert codes(made_runner(network, shape, emulate(shape)), [row(9, 4)], sampling, 19) == expected


def test_scores_are_those_of_the_network_in_a_long_text_whose_cache_grows(emulate, monkeypatch):
    # More rows than are loaded ahead; the cache grows at the third step.
    monkeypatch.setattr(cuda_clusters, "GROWTH", 2)
    network, texts = made_network(PAIRS[0]), [(row(151, 1).phones, None)]
    session = made_runner(network, PAIRS, emulate(PAIRS)).start(texts, PROMPT)
    expected = MlxT2SRunner(network, accelerated=True).start(texts, PROMPT)
    for code in (7, 7, 49, 0):
        scores, right = session.step(mx.array([code])), expected.step(mx.array([code]))
        assert mx.abs(scores - right).max() < 2e-3


def test_a_text_has_the_same_bits_alone_and_in_company(emulate):
    network, sampling = made_network(PAIRS[0]), Sampling()
    noise = mx.array(np.stack([NoiseTable("exponential", 50, (seed,))(0, 12) for seed in (1, 2)], axis=1))
    texts = [(row(9, 1).phones, None), (row(70, 2).phones, None)]

    def run(which: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        session = made_runner(network, PAIRS, emulate(PAIRS)).start([texts[index] for index in which], PROMPT)
        drawn = session.codes(noise[:, which], sampling, 49, 11)
        return np.array(drawn), np.array(session.logits), np.array(session.rows._cache)

    together = run([0, 1])
    for index in (0, 1):
        drawn, scores, cache = run([index])
        rows = min(cache.shape[4], together[2].shape[4])
        assert np.array_equal(drawn, together[0][:, :, [index]])
        assert np.array_equal(scores, together[1][[index]])
        assert np.array_equal(cache[..., :rows, :], together[2][[index]][..., :rows, :])


def test_the_kernel_of_one_text_has_the_bits_of_that_of_several(emulate):
    network, made = made_network(PAIRS[0]), []
    for shape in (PAIRS, (PAIRS[0], dataclasses.replace(PAIRS[1], texts=1))):
        session = made_runner(network, shape, emulate(shape)).start([(row(9, 1).phones, None)], PROMPT)
        noise = mx.array(NoiseTable("exponential", 50, (1,))(0, 6))[:, None]
        made.append((np.array(session.codes(noise, Sampling(), 49, 11)), np.array(session.logits)))
    assert all(np.array_equal(*pair) for pair in zip(*made, strict=True))


def test_more_texts_than_a_launch_takes_are_decoded_in_several(emulate):
    network = made_network(PAIRS[0])
    runner = made_runner(network, PAIRS, emulate(PAIRS))
    together = codes(runner, [row(5, 1), row(8, 2), row(6, 3)], Sampling(), 4)
    assert runner._kernel.counts == [1, 3, 1, 3]
    alone = made_runner(network, PAIRS, emulate(PAIRS))
    assert together == [codes(alone, [row(*text)], Sampling(), 4)[0] for text in ((5, 1), (8, 2), (6, 3))]


def test_a_launch_ends_early_once_all_texts_have_ended(emulate):
    network = made_network(PAIRS[0], end=3.0)
    expected = codes(MlxT2SRunner(network, accelerated=False), [row(9, 4)], Sampling(), 40)
    assert 11 <= len(expected[0]) < 16
    runner = made_runner(network, PAIRS, emulate(PAIRS))
    assert codes(runner, [row(9, 4)], Sampling(), 40) == expected
    session = runner.start([(row(9, 4).phones, None)], PROMPT)
    drawn = np.array(session.codes(mx.ones((24, 1, 50)), Sampling(top_k=1), 49, 0))
    ended = int(drawn[:, 1, 0].argmax())
    assert ended < 20
    assert drawn[ended:, 1, 0].all()
    assert int(session.rows._texts[0, 3]) == ended + 1  # codes made


def test_scores_that_are_no_numbers_end_a_text(emulate):
    network = made_network(WIDE[0])
    runner = made_runner(network, WIDE, emulate(WIDE))
    session = runner.start([(row(9, 4).phones, None)], PROMPT)
    session.rows.logits = mx.full((1, 50), mx.nan)
    assert session.codes(mx.ones((2, 1, 50)), Sampling(), 49, 11).tolist() == [[[49], [1]], [[1], [1]]]


@pytest.mark.parametrize("missing", range(4), ids=["for posts", "for weights", "for other clusters", "for warps"])
def test_the_emulation_sees_a_wait_that_is_missing(emulate, missing: int):
    network, library, scores = made_network(PAIRS[0]), emulate(PAIRS, WAITS), []
    for left_out in (-1, missing):
        ctypes.c_int.in_dll(library, "left_out").value = left_out
        runner = made_runner(network, PAIRS, library)
        runner._kernel.seed = LATE - 1
        session = runner.start([(row(9, 4).phones, None)], PROMPT)
        scores.append(np.array(session.step(mx.array([3]))))
    assert not np.array_equal(*scores)


def test_what_fits_a_device_is_planned_and_nothing_else():
    released, demo = SIZES["v2"][0], SIZES["demo"][0]
    assert plan(released, 132, 232448) == Plan(8, 2, 8, 8)
    assert plan(demo, 132, 232448) == Plan(8, 1, 8, 8)
    assert plan(released, 60, 232448) is None
    assert plan(released, 170, 101376) is None
    assert plan(T2SConfig(1024, 16, 6, 4096, 732, 1025, 1024, 64, 64, 54), 132, 232448) is None
    assert plan(T2SConfig(512, 16, 24, 2048, 732, 1025, 1024, 32, 64, 54), 132, 232448) is None
    with pytest.raises(ValueError, match="cannot run"):
        CodesKernel(T2S(T2SConfig(96, 2, 1, 128, 20, 50, 49, 48, 48, 54)), Plan(2, 1, 2, 1))


def test_the_fastest_way_that_a_device_has_is_taken():
    config = T2SConfig(512, 16, 1, 2048, 20, 1025, 1024, 32, 32, 54)
    model = T2S(config)
    model.set_dtype(mx.float16)
    assert type(factory._cuda_t2s_runner(model, H100)) is ClusterT2SRunner
    assert type(factory._cuda_t2s_runner(model, dataclasses.replace(H100, clusters=False))) is CudaT2SRunner
    assert type(factory._cuda_t2s_runner(model, Device(0, 0, False))) is MlxT2SRunner


def test_mlx_that_came_first_is_warned_of(monkeypatch, caplog):
    model = T2S(T2SConfig(512, 16, 1, 2048, 20, 1025, 1024, 32, 32, 54))
    factory._cuda_t2s_runner(model, Device(0, 0, False))
    assert not caplog.records
    monkeypatch.setattr("dora_primespeech_mlx.runtime.mlx_start.CAME_FIRST", True)
    factory._cuda_t2s_runner(model, Device(0, 0, False))
    assert "import dora_primespeech_mlx first" in caplog.text


@pytest.mark.parametrize(("first", "late"), [("mlx.core, dora_primespeech_mlx", True), ("dora_primespeech_mlx", False)])
def test_the_package_knows_whether_mlx_came_first(first: str, late: bool):
    code = f"import {first}; from dora_primespeech_mlx.runtime import mlx_start; assert mlx_start.CAME_FIRST is {late}"
    environment = {name: value for name, value in os.environ.items() if name != "MLX_USE_CUDA_GRAPHS"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_a_machine_without_a_driver_has_no_device(monkeypatch):
    def no_driver(name):
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", no_driver)
    assert cuda_device.first_device() is None
