"""The kernel of T2S codes of many texts, run on the CPU by the emulation of its threads and of the tensor cores."""

import ctypes

import mlx.core as mx
import numpy as np
import pytest
from emulated import emulation, joined, sizes
from test_cuda_clusters import PROMPT, EmulatedKernel, made_network, own, row

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.runtime.mlx.cuda import clusters as cuda_clusters
from dora_primespeech_mlx.runtime.mlx.cuda import rows as cuda_rows
from dora_primespeech_mlx.runtime.mlx.cuda.rows import ManyKernel, fits, shared_bytes
from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SSession
from dora_primespeech_mlx.sampling import Sampling
from dora_primespeech_mlx.synthesis.decoding import Decoder, Row, generate_many
from dora_primespeech_mlx.synthesis.noise import NoiseTable
from dora_primespeech_mlx.weights.random_weights import SIZES

CONFIG = T2SConfig(128, 4, 1, 256, 20, 50, 49, 32, 32, 54)
BLOCKS = TEXTS = 16
FIELDS = (*cuda_rows.INPUTS, *cuda_rows.OUTPUTS)


class Inputs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in FIELDS]


class EmulatedMany(ManyKernel):
    """The kernel, with the CPU for a device."""

    def __init__(self, model, library: ctypes.CDLL):
        super().__init__(model, BLOCKS, TEXTS)
        self.library, self.seed = library, 0

    def __call__(self, sampling, texts, noise, cache):
        count, rows = noise.shape[0], len(texts)
        mx.eval(sampling, texts, noise, cache)
        sizes = np.array([rows, count, cache.shape[4]], np.int32)
        drawn, after = np.full((count, 2, rows), -1, np.int32), np.zeros(texts.shape, np.int32)
        scores = np.full((rows, self.config.vocabulary), np.nan, np.float32)
        scratch = np.full(self.scratch, np.nan, np.float32)
        given = [sizes, *(np.array(array) for array in (sampling, texts, noise)), own(cache)]
        given += [own(weight) for weight in self.weights]
        self.seed += 1
        pointers = Inputs(*(array.ctypes.data for array in (*given, drawn, after, scores, scratch)))
        assert self.library.run_many(ctypes.byref(pointers), self.config.layers, self.seed)
        return mx.array(drawn), mx.array(after), mx.array(scores)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    made = emulation(
        tmp_path_factory.mktemp("cuda"),
        (CONFIG, cuda_clusters.Plan(4, 2, 2, 2)),
        f"MANY_SIZES={joined([*sizes(CONFIG), BLOCKS, TEXTS])}",
        f"MANY_SHARED={shared_bytes(CONFIG, TEXTS)}",
        f"MANY_SCRATCH={TEXTS * (6 * CONFIG.hidden + CONFIG.feed_forward)}",
        f"MANY_BLOCKS={BLOCKS}",
    )
    made.run_many.restype = ctypes.c_bool
    return made


class Some:
    """Texts of different lengths that have a code each."""

    def __init__(self, model, count: int):
        self.model = model
        self.sessions = [
            MlxT2SSession(model, [(row(5 + 7 * at, at).phones, None)], PROMPT, False) for at in range(count)
        ]
        self.codes = [(3 * at) % 49 for at in range(count)]
        rows = [session.cache_rows() for session in self.sessions]
        kernel = cuda_clusters.CodesKernel(model, cuda_clusters.Plan(4, 2, 2, 2))
        state = mx.array(np.concatenate([kernel.state(PROMPT, each.shape[3], at) for at, each in enumerate(rows)]))
        state[:, 0] = mx.array(self.codes)
        self.state = state
        self.cache = mx.stack([mx.pad(each, [(0, 0)] * 3 + [(0, 160 - each.shape[3]), (0, 0)]) for each in rows])
        mx.eval(self.state, self.cache)


def how(count: int, sampling: Sampling) -> mx.array:
    return mx.array(np.array([cuda_clusters.sampling_numbers(sampling, 49, 0)] * count, np.float32))


def test_scores_are_those_of_the_network_whoever_else_is_there(library):
    model = made_network(CONFIG)
    kernel, texts = EmulatedMany(model, library), Some(model, 11)
    noise = mx.array(np.stack([NoiseTable("exponential", 50, (at,))(0, 2) for at in range(11)], axis=1))
    drawn, after, scores = kernel(how(11, Sampling(top_k=5)), texts.state, noise, texts.cache)
    for at, session in enumerate(texts.sessions):
        session.step(mx.array([texts.codes[at]]))
        expected = session.step(drawn[0, 0, at : at + 1])
        assert mx.abs(scores[at] - expected[0]).max() < 2e-3
    some = Some(model, 11)
    few = mx.array([2, 7, 10])
    again = kernel(how(3, Sampling(top_k=5)), some.state[few], noise[:, few], some.cache)
    for ours, theirs in zip(again, (drawn[:, :, few], after[few], scores[few]), strict=True):
        assert np.array_equal(np.array(ours), np.array(theirs))


def test_what_fits_a_device():
    assert fits(SIZES["v2"][0], 132, 232448)
    assert not fits(SIZES["v2"][0], 60, 232448)
    assert not fits(SIZES["v2"][0], 132, 101376)
    assert not fits(SIZES["demo"][0], 132, 232448)


def test_texts_that_come_and_go_between_the_kernels_have_the_codes_they_have_alone(library, monkeypatch):
    monkeypatch.setattr(cuda_clusters, "FEW", 1)
    model, plan = made_network(CONFIG), cuda_clusters.Plan(4, 2, 2, 2)
    kernel = EmulatedKernel(model, plan, library)
    prefill = cuda_clusters.OperationsPrefill(kernel, model)
    runner = cuda_clusters.ClusterT2SRunner(kernel, prefill, EmulatedMany(model, library))

    def made(number: int) -> Row:
        each = row(4 + 9 * number, number)
        each.limit = 6 + number
        return each

    alone = [made(number) for number in range(3)]
    for each in alone:
        list(generate_many(runner, [each]))
    decoder, rows, passer = Decoder(runner), [made(number) for number in range(3)], made(5)
    decoder.join([*rows[:2], passer])
    decoder.advance([rows[0]])
    list(decoder.begin([*rows[:2], passer]))  # with the kernel for many
    decoder.leave(passer)
    decoder.join(rows[2:])
    while any(each.running for each in rows):
        decoder.advance([each for each in rows if each.running])
    assert [each.codes for each in rows] == [each.codes for each in alone]
    assert runner._many.seed >= 1
