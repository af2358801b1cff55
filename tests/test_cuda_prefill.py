"""The kernel of prefills, run on the CPU by the emulation of its threads and of the tensor cores."""

import ctypes
import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from emulated import emulation, joined, sizes
from test_cuda_clusters import EmulatedKernel, made_network, own

from dora_primespeech_mlx.nets.dimensions.t2s import BERT_DIM, T2SConfig
from dora_primespeech_mlx.runtime.interface import Newcomer
from dora_primespeech_mlx.runtime.mlx.cuda import clusters as cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda import prefill as cuda_prefill
from dora_primespeech_mlx.runtime.mlx.cuda.clusters import ClusterRows, OperationsPrefill, Plan, prefilled_rows
from dora_primespeech_mlx.runtime.mlx.cuda.prefill import PrefillKernel, fits
from dora_primespeech_mlx.runtime.mlx.cuda.rows import ManyKernel
from dora_primespeech_mlx.sampling import Sampling

CONFIG = T2SConfig(128, 4, 2, 256, 20, 50, 49, 32, 32, 54)
PLAN = Plan(4, 2, 2, 2)
BLOCKS, SHARED, FEW = 3, 140 * 1024, 160
"""Shared memory that has room for some stages of a ring only; one text has few rows, all of them many."""
LENGTHS = (21, 4), (1, 0), (70, 60), (15, 1)
"""Phones and codes of the prompt: more than a tile, one alone, more keys than four warps take at once, 16 rows to the
last one."""
SLOTS = [2, 0, 5, 3]


class Inputs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in (*cuda_prefill.INPUTS, *cuda_prefill.OUTPUTS)]


class EmulatedPrefill(PrefillKernel):
    """The kernel, with the CPU for a device."""

    def __init__(self, model, library: ctypes.CDLL):
        super().__init__(model, ManyKernel(model, BLOCKS, 16), FEW)
        self.library, self.seed = library, 2  # at first, copies come as late as can be

    def _run(self, given, room):
        mx.eval(*given)
        *others, cache = given
        lasts, states = others[2:4]
        scores = np.full((len(lasts), self.config.vocabulary), np.nan, np.float32)
        texts, scratch = np.zeros(states.shape, np.int32), np.full(room * self.scratch, np.nan, np.float32)
        arrays = [*map(np.array, others), own(cache), *map(own, self.weights), scores, texts, scratch]
        self.seed += 1
        pointers = Inputs(*(array.ctypes.data for array in arrays))
        assert self.library.run_prefill(ctypes.byref(pointers), self.config.layers, self.seed)
        return mx.array(scores), mx.array(texts)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    made = emulation(
        tmp_path_factory.mktemp("cuda"),
        (CONFIG, PLAN),
        f"PREFILL_SIZES={joined([*sizes(CONFIG), BLOCKS, SHARED, FEW])}",
        f"PREFILL_BLOCKS={BLOCKS}",
        f"PREFILL_SHARED={SHARED}",
        f"PREFILL_SCRATCH={5 * CONFIG.hidden + CONFIG.feed_forward // 2}",
    )
    made.run_prefill.restype = ctypes.c_bool
    return made


@pytest.fixture(scope="module")
def model():
    return made_network(CONFIG)


def newcomers() -> list[Newcomer]:
    chance = np.random.default_rng(3)
    found = []
    for at, (phones, codes) in enumerate(LENGTHS):
        bert = chance.standard_normal((phones, BERT_DIM)).astype(np.float32) if at == 2 else None
        text = chance.integers(0, CONFIG.phones, phones, dtype=np.int32), bert
        found.append(Newcomer(text, chance.integers(0, 49, codes, dtype=np.int32), Sampling(), 49, 0))
    return found


def prefilled(prefill, texts, slots, capacity: int = 144) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, states and the cache, whose other rows are not numbers."""
    shape = (max(slots) + 1, CONFIG.layers, 2, CONFIG.heads, capacity, CONFIG.head_width)
    cache, states = mx.full(shape, mx.nan, mx.float16), mx.arange(len(texts) * 9).reshape(-1, 9).astype(mx.int32)
    mx.eval(cache)
    scores, passed = prefill(texts, slots, states, cache, mx.zeros((1, 9), mx.int32))
    assert np.array_equal(np.array(passed), np.array(states))
    return np.array(scores), np.array(passed), np.array(cache.astype(mx.float32))


@pytest.fixture(scope="module")
def together(library, model):
    return prefilled(EmulatedPrefill(model, library), newcomers(), SLOTS)


def test_rows_and_scores_are_those_of_the_network_and_nothing_else_is_written(together, model):
    scores, _, cache = together
    for at, (each, slot) in enumerate(zip(newcomers(), SLOTS, strict=True)):
        expected, (rows,) = prefilled_rows(model, [each.text], [each.prompt])
        length = rows.shape[3]
        assert np.abs(scores[at] - np.array(expected[0])).max() < 5e-3
        assert np.abs(cache[slot, :, :, :, :length] - np.array(rows.astype(mx.float32))).max() < 5e-3
        assert np.isnan(cache[slot, :, :, :, length:]).all()
    assert np.isnan(cache[[1, 4]]).all()


def test_a_text_has_the_bits_that_it_has_alone(together, library, model):
    scores, _, cache = together
    prefill = EmulatedPrefill(model, library)
    for at, (each, slot) in enumerate(zip(newcomers(), SLOTS, strict=True)):
        alone, _, own_cache = prefilled(prefill, [each], [0])
        assert np.array_equal(alone[0], scores[at])
        assert np.array_equal(own_cache[0], cache[slot], equal_nan=True)


def test_texts_go_on_from_it(library, model):
    kernel = EmulatedKernel(model, PLAN, library)
    drawn = []
    for prefill in (EmulatedPrefill(model, library), OperationsPrefill(kernel, model)):
        rows = ClusterRows(kernel, prefill)
        rows.join([each._replace(sampling=Sampling(top_k=1)) for each in newcomers()[:2]])
        drawn.append(np.array(rows.codes([0, 1], mx.ones((1, 2, CONFIG.vocabulary)))))
        drawn[-1] = np.concatenate([drawn[-1], np.array(rows.codes([0, 1], mx.ones((4, 2, CONFIG.vocabulary))))])
    assert np.array_equal(*drawn)


def test_what_the_kernel_knows_of_rows():
    rows, lasts = cuda_prefill.packed_rows(newcomers()[:2], [4, 1], CONFIG.phones)
    assert len(rows) == 32 + 16 and lasts.tolist() == [24, 32]
    assert rows[0].tolist()[1:] == [0, 4, 0, 21] and rows[20].tolist()[1:] == [20, 4, 20, 21]
    assert rows[24].tolist()[1:] == [4003, 4, 24, 25] and rows[24][0] >= CONFIG.phones
    assert (rows[25:32, 2] == -1).all() and (rows[25:32, 4] == 0).all()
    assert rows[32].tolist()[1:] == [0, 1, 0, 1]
    assert cuda_clusters.MOST_JOINS == 16


def test_what_a_device_must_have():
    shared = cuda_prefill.SHARED
    config = dataclasses.replace(CONFIG, hidden=512, heads=16, feed_forward=2048)
    assert fits(config, shared) and not fits(config, shared - 1)
    assert not fits(dataclasses.replace(config, heads=8, head_width=64), shared)
