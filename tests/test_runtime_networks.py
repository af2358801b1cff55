"""The networks of the package on ONNX Runtime against MLX, and 8-bit weights."""

import os
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import onnxruntime
import pytest
from tiny_networks import SOVITS_CONFIG, T2S_CONFIG, VOCODER, random_weights

from dora_primespeech_mlx.nets.dimensions.sovits import resample_positions
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.nets.vocoder import Vocoder
from dora_primespeech_mlx.runtime import factory, memory
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner, MlxT2SRunner
from dora_primespeech_mlx.runtime.onnx import openvino, processor, trace_t2s, windows
from dora_primespeech_mlx.runtime.onnx.export import export_onnx
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.quantise import (
    WEIGHTS,
    cache_levels,
    cache_scale,
    quantise,
)
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.runtime.onnx.sovits import OnnxSovitsRunner
from dora_primespeech_mlx.runtime.onnx.t2s import GROWTH, OnnxT2SRunner
from dora_primespeech_mlx.runtime.onnx.trace_sovits import vocoder_graph
from dora_primespeech_mlx.runtime.onnx.trace_t2s import step_graph, t2s_graphs
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.record import Input, as_numpy


@pytest.fixture(scope="module")
def t2s() -> T2S:
    mx.random.seed(3)
    return random_weights(T2S(T2S_CONFIG))


@pytest.fixture(scope="module")
def sovits() -> Sovits:
    mx.random.seed(4)
    return random_weights(Sovits(SOVITS_CONFIG))


@pytest.fixture(scope="module")
def exact(t2s) -> OnnxT2SRunner:
    return factory.t2s_runner(t2s, "onnx", "fp32", threads=1)


def text(length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 40, length), random.standard_normal((length, 1024)).astype(np.float32)


PROMPT = np.arange(7) * 9


@pytest.mark.parametrize("prompt", [PROMPT, PROMPT[:0]], ids=["prompt", "no prompt"])
@pytest.mark.parametrize("bert", [True, False])
def test_t2s_steps_are_those_of_mlx(t2s, exact, prompt, bert):
    phones, features = text(12)
    ours = exact.start([(phones, features if bert else None)], prompt)
    theirs = MlxT2SRunner(t2s, False).start([(phones, features if bert else None)], prompt)
    np.testing.assert_allclose(ours.logits, np.array(theirs.logits), atol=1e-5)
    for code in (5, 60, 5, 33):
        expected = np.array(theirs.step(mx.array([code])))
        np.testing.assert_allclose(ours.step(np.array([code])), expected, atol=1e-5)


def test_cache_grows_and_keeps_its_rows(t2s, exact):
    phones, features = text(30)
    session = exact.start([(phones, features)], PROMPT)
    codes = np.random.default_rng(1).integers(0, 64, GROWTH + 10)
    for code in codes:
        logits = session.step(np.array([code]))
    whole = exact.start([(phones, features)], np.concatenate([PROMPT, codes]))
    np.testing.assert_allclose(logits, whole.logits, atol=1e-4)


def test_logits_of_a_step_outlive_the_next(exact):
    session = exact.start([text(9)], PROMPT)
    first = session.step(np.array([3]))
    kept = first.copy()
    session.step(np.array([4]))
    np.testing.assert_array_equal(first, kept)


def test_texts_decoded_together_are_the_texts_decoded_alone(exact):
    texts = [text(20, 1), text(6, 2), (text(13, 3)[0], None)]
    together = exact.start(texts, PROMPT)
    alone = [exact.start([(phones, bert)], PROMPT) for phones, bert in texts]
    for codes in np.random.default_rng(2).integers(0, 64, (5, 3)):
        rows = together.step(codes)
        for row, session, code in zip(rows, alone, codes, strict=True):
            np.testing.assert_allclose(row, session.step(np.array([code]))[0], atol=1e-5)


def test_cache_is_written_in_place(exact):
    session = exact.start([text(9)], PROMPT)
    memory, length, before = session.cache.ctypes.data, 9 + len(PROMPT), session.cache.view(np.int32).copy()
    session.step(np.array([3]))
    assert session.cache.ctypes.data == memory
    changed = session.cache.view(np.int32) != before
    assert changed[:, :, :, length].all()
    changed[:, :, :, length] = False
    assert not changed.any()


def test_memory_of_a_finished_text_serves_the_next_and_leaves_no_trace(t2s):
    runner = factory.t2s_runner(t2s, "onnx", "fp32", threads=1)
    session = runner.start([text(40)], PROMPT)
    expected = [runner.start([text(9, 1)], PROMPT).step(np.array([3])) for _ in range(2)]
    memory = session.cache.ctypes.data
    session.cache[:] = np.nan
    del session
    again = runner.start([text(9, 1)], PROMPT)
    assert again.cache.ctypes.data == memory
    np.testing.assert_array_equal(again.step(np.array([3])), expected[0])
    np.testing.assert_array_equal(*expected)


def test_step_without_folding_is_the_step_with_it(t2s, exact):
    graph = step_graph(t2s, fold=False)
    session = exact.start([text(9)], PROMPT)
    length = 9 + len(PROMPT)
    past = list(session.cache[:, :, :, :length].copy())
    position = np.array([[len(PROMPT)]], np.int32)
    logits, *rows = OnnxFunction(graph, 1)(np.array([[3]], np.int32), position, *past)
    np.testing.assert_allclose(session.step(np.array([3])), logits, atol=1e-5)
    np.testing.assert_allclose(session.cache[:, :, :, : length + 1], np.stack(rows), atol=1e-5)


def test_8_bit_steps_are_close(t2s, exact):
    rounded = factory.t2s_runner(t2s, "onnx", "int8", threads=1)
    phones, features = text(25)
    ours, reference = rounded.start([(phones, features)], PROMPT), exact.start([(phones, features)], PROMPT)
    for code in (5, 60, 5, 33):
        difference = ours.step(np.array([code])) - reference.step(np.array([code]))
        assert difference.std() < 0.05 * reference.logits.std()


def test_only_large_models_round_all_of_their_prefills_and_their_caches(t2s, monkeypatch):
    def rounded():
        prefill, step = t2s_graphs(t2s, "int8")
        caches = [port for port in step.inputs if port.name.startswith("past_") and len(port.shape) == 4]
        assert all((port.dtype == np.int8) == (trace_t2s.LARGE == 1000) for port in caches) and caches
        assert any(node.operator == "MatMulNBits" for node in step.nodes)
        return [node.operator for node in prefill.nodes].count("DynamicQuantizeMatMul")

    assert rounded() == T2S_CONFIG.layers
    monkeypatch.setattr(trace_t2s, "LARGE", 1000)
    assert rounded() == 4 * T2S_CONFIG.layers


@pytest.fixture
def large(t2s, monkeypatch) -> OnnxT2SRunner:
    """The network taken for a large one: bytes in its caches too."""
    monkeypatch.setattr(trace_t2s, "LARGE", 1000)
    return factory.t2s_runner(t2s, "onnx", "int8", threads=1)


def test_caches_of_large_models_hold_bytes_in_place_and_grow(t2s, exact, large):
    phones, features = text(30)
    session, reference = large.start([(phones, features)], PROMPT), exact.start([(phones, features)], PROMPT)
    assert session.cache.dtype == np.int8
    before, length = session.cache.copy(), 30 + len(PROMPT)
    kept, memory = session.cache, session.cache.ctypes.data
    for count, code in enumerate(np.random.default_rng(1).integers(0, 64, GROWTH + 10)):
        difference = session.step(np.array([code])) - reference.step(np.array([code]))
        assert difference.std() < 0.05 * reference.logits.std()
        if count == 0:
            assert session.cache.ctypes.data == memory
            np.testing.assert_array_equal(kept[:, :, :, :length], before[:, :, :, :length])
            assert kept[:, :, :, length].any()
    assert session.cache.ctypes.data != memory


def test_texts_in_caches_of_bytes_are_decoded_together_as_alone(large):
    texts = [text(20, 1), text(6, 2)]
    together, alone = large.start(texts, PROMPT), [large.start([part], PROMPT) for part in texts]
    for codes in np.random.default_rng(2).integers(0, 64, (5, 2)):
        rows = together.step(codes)
        for row, session, code in zip(rows, alone, codes, strict=True):
            expected = session.step(np.array([code]))[0]
            assert (row - expected).std() < 0.02 * expected.std()


def test_rows_as_bytes_err_by_half_a_step_and_leave_headroom():
    rows = [np.random.default_rng(seed).standard_normal((4, 12, 8)).astype(np.float32) for seed in (1, 2)]
    rows[0][:, :, 3] *= 50
    scale = cache_scale(rows)
    assert scale.shape == (4, 1, 8) and scale.dtype == np.float32
    for part in rows:
        levels = cache_levels(part, scale)
        assert levels.dtype == np.int8
        assert (np.abs(levels * scale - part) <= 0.501 * scale).all()
    assert np.abs([cache_levels(part, scale) for part in rows]).max() == round(127 / 2)
    assert (cache_scale([np.zeros((1, 2, 3), np.float32)]) > 0).all()


@pytest.mark.parametrize("form", WEIGHTS)
def test_8_bit_products_err_by_less_than_their_steps(form):
    random = np.random.default_rng(5)
    weight, bias = mx.array(random.standard_normal((48, 256)).astype(np.float32)), mx.array(np.ones(48, np.float32))
    graph = translate(lambda x: mx.addmm(bias, x, weight.T), [Input("x", (1, "rows", 256))], ["y"])
    rounded = quantise(graph, form)
    assert len(rounded.nodes) == 1
    assert not any(value.dtype == np.float32 and value.ndim == 2 for value in rounded.constants.values())
    x = random.standard_normal((1, 9, 256)).astype(np.float32)
    exact_result, result = OnnxFunction(graph, 1)(x)[0], OnnxFunction(rounded, 1)(x)[0]
    # Rounding errors of weights and activations are uniform and independent: half a step over the square root of 3.
    step = np.abs(np.array(weight)).max() / 127 + np.abs(x).max() * 2 / 255
    assert 0 < np.abs(result - exact_result).max() < 5 * step * (256 / 12) ** 0.5


def test_kept_weights_and_embeddings_stay_exact(t2s):
    head = as_numpy(t2s.ar_predict_layer.weight)
    graph = quantise(step_graph(t2s), "blocks", [head])
    left = [value for value in graph.constants.values() if value.dtype == np.float32 and value.ndim == 2]
    assert any(np.shares_memory(value, head) for value in left)
    assert any(np.shares_memory(value, as_numpy(t2s.ar_audio_embedding.word_embeddings.weight)) for value in left)
    assert sum(node.operator == "MatMulNBits" for node in graph.nodes) == 4 * T2S_CONFIG.layers


def test_pairs_of_weights_fit_the_sixteen_bits_that_their_products_are_added_in():
    random = np.random.default_rng(7)
    weight = random.standard_normal((63, 40)).astype(np.float32) ** 3
    weight[10:12, :5] = weight[:, :5].max(axis=0)
    levels, scales = WEIGHTS["channels"](weight)
    signed = np.pad(levels.astype(int), [(0, 1), (0, 0)]).reshape(-1, 2, 40)
    for sign in (1, -1):
        assert 120 < np.maximum(sign * signed, 0).sum(axis=1).max() <= 128
    assert levels.dtype == np.int8 and (np.abs(levels * scales - weight) < 0.501 * scales).all()
    graph = translate(lambda x: x @ mx.array(weight), [Input("x", (1, 5, 63))], ["y"])
    ones = np.ones((1, 5, 63), np.float32)
    expected = np.broadcast_to(levels.sum(axis=0, dtype=int) * scales, (1, 5, 40))
    np.testing.assert_allclose(OnnxFunction(quantise(graph, "channels"), 1)(ones)[0], expected, rtol=1e-5, atol=1e-5)


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match="nibbles"):
        quantise(Graph(), "nibbles")


def test_sovits_stages_are_those_of_mlx(sovits):
    random = np.random.default_rng(6)
    ours, theirs = factory.sovits_runner(sovits, "onnx", "fp32", threads=1), MlxSovitsRunner(sovits, bucket=False)
    spectra = [random.random((frames, 33)).astype(np.float32) for frames in (21, 34)]
    speakers = [random.standard_normal(12).astype(np.float32) for _ in spectra]
    ge = theirs.timbre(spectra, speakers)
    np.testing.assert_allclose(ours.timbre(spectra, speakers), ge, atol=1e-5)
    for codes, phones in ((9, 14), (16, 5)):
        ids, phone_ids = random.integers(0, 64, codes), random.integers(0, 40, phones)
        text = theirs.read(phone_ids)
        np.testing.assert_allclose(ours.read(phone_ids), text, atol=1e-5)
        for resample in (None, resample_positions(2 * codes, 1.3)):
            arrays = ours.encode(ids, text, ge, resample), theirs.encode(ids, text, ge, resample)
            np.testing.assert_allclose(*(np.stack(pair) for pair in arrays), atol=1e-5)
        prior = random.standard_normal((2 * codes, 8)).astype(np.float32)
        latent = theirs.flow(prior, ge)
        np.testing.assert_allclose(ours.flow(prior, ge), latent, atol=1e-5)
        samples = theirs.vocode(latent, ge)
        assert samples.shape == (2 * codes * 640,)
        np.testing.assert_allclose(ours.vocode(latent, ge), samples, atol=1e-5)
        np.testing.assert_allclose(ours.vocode(latent, ge, 3, 8), samples[3 * 640 : 8 * 640], atol=1e-5)
        np.testing.assert_allclose(theirs.vocode(latent, ge, 3, 8), samples[3 * 640 : 8 * 640], atol=1e-5)


@pytest.mark.parametrize(("words", "rows"), [(set(), (1, 3)), ({"avx512f"}, (3, 3))])
def test_windows_that_are_rendered_side_by_side_give_the_samples_of_one(sovits, monkeypatch, words, rows):
    monkeypatch.setattr(processor, "said", lambda: frozenset(words))
    monkeypatch.setattr(windows, "BLOCKS", 0.5)  # so that this small network is like one with 8 times the channels
    random, config = np.random.default_rng(8), sovits.config.vocoder
    alone, beside = (factory.sovits_runner(sovits, "onnx", "fp32", threads=threads) for threads in (1, 3))
    latent, ge = random.standard_normal((30, 8)).astype(np.float32), np.ones(16, np.float32)
    for start, stop in ((0, 30), (0, 12), (5, 17), (9, 30), (28, 29)):
        parts = windows.Parts(config, (start, stop), 30, 3)
        shapes = [array.shape for array in parts.inputs()]
        assert (shapes[0][0], shapes[1][0]) == (rows if stop - start > 10 else (1, 1)) and shapes[1] == shapes[2]
        whole = alone.vocode(latent, ge, start, stop)
        np.testing.assert_allclose(beside.vocode(latent, ge, start, stop), whole, atol=1e-6)
    whole = alone.vocode(latent, ge, 5, 17)
    monkeypatch.setitem(config.__dict__, "narrow_contexts", (4, 1))
    assert np.abs(beside.vocode(latent, ge, 5, 17) - whole).max() > 0


@pytest.mark.parametrize(
    ("wanted", "count", "joints"),
    [((0, 70), 1, [0, 70]), ((0, 70), 2, [0, 39, 70]), ((60, 130), 2, [60, 92, 130]), ((0, 130), 3, [0, 46, 84, 130])],
)
def test_parts_are_of_one_length_with_their_context(wanted, count, joints):
    assert windows.equal_parts(wanted, count, 7, 130) == joints
    lengths = [min(130, last + 7) - max(0, first - 7) for first, last in pairwise(joints)]
    assert max(lengths) - min(lengths) <= 1


INTEL = {"GenuineIntel", "avx512_bf16"}


@pytest.mark.parametrize(
    ("capabilities", "words", "precision", "taken"),
    [
        (["FP32", "BF16"], {"AuthenticAMD", "avx512_bf16"}, "auto", True),
        (["FP32", "BF16"], {*INTEL, "amx_bf16"}, "auto", True),
        (["FP32", "BF16"], {*INTEL, "amx_bf16"}, "fp32", False),
        (["FP32", "BF16"], INTEL, "auto", False),
        (["FP32", "BF16"], set(), "auto", True),
        (["FP32", "INT8"], {"AuthenticAMD"}, "auto", False),
    ],
)
def test_openvino_is_taken_where_bf16_is_fast(sovits, monkeypatch, capabilities, words, precision, taken):
    core = SimpleNamespace(get_property=lambda device, name: capabilities)
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: core))
    monkeypatch.setattr(openvino, "available", lambda: True)
    monkeypatch.setattr(processor, "said", lambda: frozenset(words))
    monkeypatch.setattr(openvino, "pays", openvino.pays.__wrapped__)
    runner = factory.sovits_runner(sovits, "onnx", precision, threads=1)
    assert runner.history == (openvino.window_frames(VOCODER) if taken else 0)


class PretendedOpenVino:
    """What `runtime.onnx.openvino` uses of the package, on ONNX Runtime; notes what it is asked for."""

    def __init__(self):
        self.model, self.shapes, self.settings = b"", {}, {}
        self.get_property = lambda device, name: ["BF16"]
        self.calls: list[int] = []

    def read_model(self, model):
        self.model = model
        return SimpleNamespace(reshape=self.shapes.update)

    def compile_model(self, model, device, settings):
        self.settings = settings
        session = onnxruntime.InferenceSession(self.model)
        names = [port.name for port in session.get_inputs()]

        def request():
            results = []

            def start(arrays):
                assert {name: list(array.shape) for name, array in zip(names, arrays, strict=True)} == self.shapes
                results[:] = session.run(None, dict(zip(names, arrays, strict=True)))
                self.calls.append(len(results))

            tensor = SimpleNamespace(data=None)
            wait = lambda: setattr(tensor, "data", results[0])  # noqa: E731
            return SimpleNamespace(start_async=start, wait=wait, get_output_tensor=lambda: tensor)

        return SimpleNamespace(create_infer_request=request)


@pytest.fixture(params=[set(), {"amx_bf16"}], ids=["plain", "folded"])
def pretended(monkeypatch, request):
    module = PretendedOpenVino()
    monkeypatch.setattr(processor, "said", lambda: frozenset(request.param))
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: module))
    monkeypatch.setattr(openvino, "pays", lambda: True)
    return module


def test_the_vocoder_on_openvino_has_one_length_and_the_samples_of_any(sovits, pretended):
    random, config = np.random.default_rng(8), sovits.config.vocoder
    plain, runner = (
        factory.sovits_runner(sovits, "onnx", "fp32", threads=2),
        factory.sovits_runner(sovits, "onnx", threads=2),
    )
    latent = random.standard_normal((150, 8)).astype(np.float32)
    ge, context, window = np.ones(16, np.float32), config.context, openvino.window_frames(config)
    for start, stop, calls in ((0, 7, 1), (7, 30, 1), (100, 150, 3), (149, 150, 1), (10, 82, 3)):
        left = max(0, start - context - runner.history)
        part = latent[left : min(150, stop + context)]
        pretended.calls.clear()
        made = runner.vocode(part, ge, start - left, stop - left)
        np.testing.assert_allclose(made, plain.vocode(part, ge, start - left, stop - left), atol=1e-5)
        assert len(pretended.calls) == calls
    short = latent[: window - 1]
    pretended.calls.clear()
    np.testing.assert_allclose(runner.vocode(short, ge), plain.vocode(short, ge), atol=1e-6)
    assert not pretended.calls
    assert pretended.settings == {"INFERENCE_NUM_THREADS": 2, "NUM_STREAMS": 2}


def test_a_file_of_a_vocoder_runs_on_openvino(sovits, pretended, tmp_path):
    runner = factory.sovits_runner(sovits, "onnx", threads=1)
    paths = {path.stem: path for path in export_onnx(random_weights(T2S(T2S_CONFIG)), sovits, tmp_path)}
    other = runner.with_vocoder(paths["sovits_vocoder"])
    latent, ge = np.random.default_rng(8).standard_normal((80, 8)).astype(np.float32), np.ones(16, np.float32)
    np.testing.assert_allclose(other.vocode(latent, ge), runner.vocode(latent, ge), atol=1e-5)
    assert len(pretended.calls) == 8 and pretended.settings["NUM_STREAMS"] == 1


def test_windows_of_any_length_are_rendered_together_as_each_is_alone(sovits) -> None:
    """Those that end a short sentence are shorter than others, and are filled up behind what is real."""
    random, config = np.random.default_rng(8), sovits.config.vocoder
    together, alone = MlxSovitsRunner(sovits, True, launch_bound=True), MlxSovitsRunner(sovits, False)
    rows = []
    for length in (96, 5, 40):
        latent = random.standard_normal((length, config.inter_channels)).astype(np.float32)
        rows.append((latent, random.standard_normal(config.gin_channels).astype(np.float32), 2, length))
    for row, samples in zip(rows, together.vocode_rows(rows), strict=True):
        np.testing.assert_allclose(samples, alone.vocode(*row), atol=1e-5)
    np.testing.assert_allclose(together.vocode(*rows[1]), alone.vocode(*rows[1]), atol=1e-5)


@pytest.mark.parametrize(("kernels", "context", "narrow"), [((3, 7, 11), 11, (15, 7)), ((3, 7, 15), 14, (21, 10))])
def test_a_vocoder_knows_how_many_frames_its_samples_depend_on(kernels, context, narrow):
    config = replace(VOCODER, resblock_kernels=kernels, dilations=((1, 3, 5),) * len(kernels))
    assert (config.context, config.narrow_contexts) == (context, narrow)
    mx.random.seed(0)
    vocoder = random_weights(Vocoder(config))
    random = np.random.default_rng(8)
    latent, ge = (mx.array(random.standard_normal(shape), mx.float32) for shape in ((1, 40, 8), (1, 1, 16)))
    whole = np.array(vocoder(latent, ge))[0, 17 * 640 : 20 * 640]

    def of_frames(around: int) -> float:
        samples = vocoder(latent[:, 17 - around : 20 + around], ge)
        return np.abs(np.array(samples)[0, around * 640 :][: 3 * 640] - whole).max()

    def of_parts(wide: int, narrow: int) -> float:
        place = mx.arange(wide - narrow, wide + 30 + narrow)[None]
        samples = vocoder(latent, ge, (mx.arange(170 - wide, 200 + wide)[None], mx.zeros_like(place), place))
        return np.abs(np.array(samples)[0, narrow * 64 :][: 3 * 640] - whole).max()

    assert of_frames(context) == 0 < of_frames(context - 1)
    assert of_parts(*narrow) == 0
    # The farthest samples are there, but too faint for float32.
    assert of_parts(narrow[0] - 6, narrow[1]) > 0 and of_parts(narrow[0], narrow[1] - 3) > 0


@pytest.mark.skipif(not openvino.available(), reason="needs the openvino extra")
def test_openvino_gives_the_numbers_of_onnx_runtime(sovits):
    random = np.random.default_rng(7)
    latent, ge = random.standard_normal((90, 8)).astype(np.float32), random.standard_normal(16).astype(np.float32)
    vocoder = openvino.OpenVinoVocoder(vocoder_graph(sovits), VOCODER, 2, 2)
    plain = factory.sovits_runner(sovits, "onnx", "fp32", threads=1)
    for start, stop in ((0, 7), (3, 60), (50, 90)):
        reference = plain.vocode(latent, ge, start, stop)
        samples = vocoder(latent, ge, start, stop)
        error = ((samples - reference) ** 2).sum() / (reference**2).sum()
        assert error < 10**-3.5
    whole = vocoder(latent, ge, 0, 90)
    for start, stop in ((0, 7), (7, 19), (19, 55), (60, 90)):
        np.testing.assert_array_equal(vocoder(latent, ge, start, stop), whole[start * 640 : stop * 640])


def test_exported_files_run_alone(t2s, sovits, tmp_path):
    paths = export_onnx(t2s, sovits, tmp_path / "new", "int8")
    assert set(paths) == set((tmp_path / "new").iterdir())
    assert len(paths) == 7
    vocoder = onnxruntime.InferenceSession(tmp_path / "new" / "sovits_vocoder.onnx")
    latent, ge = np.ones((1, 5, 8), np.float32), np.ones((1, 1, 16), np.float32)
    parts = zip(("kept", "row", "place"), windows.Parts(VOCODER, (0, 5), 5, 1).inputs(), strict=True)
    samples = vocoder.run(None, {"latent": latent, "ge": ge, **dict(parts)})[0]
    np.testing.assert_allclose(samples, np.array(sovits.dec(mx.array(latent), mx.array(ge))), atol=1e-5)


def test_vocoder_of_a_file_takes_the_place_of_the_traced_one(sovits, tmp_path):
    runner = factory.sovits_runner(sovits, "onnx", "fp32", threads=1)
    latent, ge = np.ones((5, 8), np.float32), np.ones(16, np.float32)
    paths = {path.stem: path for path in export_onnx(random_weights(T2S(T2S_CONFIG)), sovits, tmp_path)}
    other = runner.with_vocoder(paths["sovits_vocoder"])
    assert other._flow is runner._flow
    np.testing.assert_allclose(other.vocode(latent, ge), runner.vocode(latent, ge), atol=1e-6)
    with pytest.raises(ValueError, match="not a vocoder"):
        runner.with_vocoder(paths["sovits_encode"])
    (tmp_path / "broken.onnx").write_bytes(b"no model at all")
    with pytest.raises(ValueError, match="not an ONNX file"):
        runner.with_vocoder(tmp_path / "broken.onnx")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_freed_memory_goes_back_to_the_system():
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    kept, pieces = [], []
    for _ in range(2000):
        pieces.append(bytearray(40_000))
        kept.append(bytearray(100))
    before = resident()
    pieces.clear()
    memory.release()
    assert before - resident() > 40_000_000


def test_runtime_is_chosen():
    assert factory.choose("mlx") == "mlx"
    assert factory.choose("onnx") == "onnx"
    assert factory.choose("auto") == ("mlx" if factory.accelerated() else "onnx")
    with pytest.raises(ValueError, match="torch"):
        factory.choose("torch")


def test_runners_follow_the_runtime(t2s, sovits):
    assert isinstance(factory.t2s_runner(t2s, "mlx"), MlxT2SRunner)
    assert isinstance(factory.t2s_runner(t2s, "onnx", threads=1), OnnxT2SRunner)
    assert isinstance(factory.sovits_runner(sovits, "mlx"), MlxSovitsRunner)
    assert isinstance(factory.sovits_runner(sovits, "onnx", threads=1), OnnxSovitsRunner)
