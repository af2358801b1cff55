"""Convolutions by tiles on ONNX Runtime: the sums of plain ones, written where they pay."""

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, random_weights

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.onnx import cache, fitting, openvino, processor
from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.runtime.onnx.sovits import OnnxSovitsRunner
from dora_primespeech_mlx.runtime.onnx.tiles import NEVER, saved, tiled
from dora_primespeech_mlx.runtime.onnx.traced import s2_tracers

FLOAT = np.dtype(np.float32)


def convolutions(kernel: int, apart: int, channels: tuple[int, ...] = (6, 16, 8), **others: object) -> Graph:
    """Convolutions one after the other, with a bend between them."""
    random, graph = np.random.default_rng(kernel * apart), Graph()
    graph.inputs.append(Port("x", ("rows", channels[0], 1, "samples"), FLOAT))
    around, value = (kernel - 1) * apart // 2, "x"
    for before, after in zip(channels[:-1], channels[1:], strict=True):
        weight = random.standard_normal((after, before, 1, kernel)) / np.sqrt(before * kernel)
        names = [value, graph.constant(weight, FLOAT), graph.constant(random.standard_normal(after), FLOAT)]
        attributes = {"dilations": [1, apart], "pads": [0, around, 0, around], **others}
        value = graph.add("LeakyRelu", [graph.add("Conv", names, **attributes)], alpha=0.125)
    graph.bind_outputs([(value, Port("y", ("rows", channels[-1], 1, "samples"), FLOAT))])
    return graph


@pytest.mark.parametrize("kernel", [3, 5, 7, 9, 11])
@pytest.mark.parametrize("apart", [1, 2, 3, 5])
def test_tiles_give_the_sums_of_a_convolution(kernel: int, apart: int) -> None:
    graph = convolutions(kernel, apart)
    plain, tiles = OnnxFunction(graph, 1), OnnxFunction(tiled(graph, 0.0), 1)
    random = np.random.default_rng(1)
    for rows, samples in ((1, 1), (2, 7), (3, 64), (1, 240), (2, 233)):
        x = random.standard_normal((rows, 6, 1, samples)).astype(np.float32)
        expected, found = plain(x)[0], tiles(x)[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_tap_too_many_would_be_seen() -> None:
    graph, other = convolutions(11, 3), convolutions(11, 3)
    first = next(name for name, value in other.constants.items() if value.ndim == 4)
    other.constants[first] = np.pad(other.constants[first][..., 1:], [(0, 0)] * 3 + [(0, 1)])
    x = np.random.default_rng(1).standard_normal((1, 6, 1, 64)).astype(np.float32)
    difference = np.abs(OnnxFunction(tiled(other, 0.0), 1)(x)[0] - OnnxFunction(graph, 1)(x)[0])
    assert difference.max() > 0.1


def test_only_convolutions_over_time_that_gain_enough_are_written_so() -> None:
    def count(graph: Graph, least: float) -> int:
        groups = [node.attributes.get("group", 1) for node in tiled(graph, least).nodes if node.operator == "Conv"]
        return groups.count(7)

    wide, narrow = (11 - 3 * 7 / 4) * 32, (7 - 2 * 7 / 4) * 32
    assert [count(convolutions(11, 1, (64, 64)), least) for least in (wide, wide + 0.1)] == [1, 0]
    assert [count(convolutions(7, 1, (64, 64)), least) for least in (narrow, narrow + 0.1)] == [1, 0]
    assert count(convolutions(7, 1, (64, 64), strides=[1, 2]), 1.0) == 0
    assert count(convolutions(7, 1, (64, 64), pads=[0, 0, 0, 0]), 1.0) == 0
    assert count(convolutions(7, 1, (64, 64)), NEVER) == 0
    assert [saved((384, 384, 1, kernel)) > 300 for kernel in (7, 11)] == [True, False]


def test_a_graph_without_convolutions_stays_as_it_is() -> None:
    graph = Graph(constants={"projections": np.ones((2, 3), np.float32)})
    assert tiled(graph, 0.0) is graph


def test_a_vocoder_by_tiles_sounds_as_it_does_without_streamed_or_whole() -> None:
    mx.random.seed(4)
    tracers = s2_tracers(random_weights(Sovits(SOVITS_CONFIG)), "fp32")
    plain = OnnxSovitsRunner(SOVITS_CONFIG, lambda name: tracers[name](), threads=1, exact=True)
    tiles = OnnxSovitsRunner(SOVITS_CONFIG, lambda name: tiled(tracers[name](), 2.0), threads=2, exact=True)
    random, vocoder = np.random.default_rng(5), SOVITS_CONFIG.vocoder
    latent = random.standard_normal((64, vocoder.inter_channels)).astype(np.float32)
    ge = random.standard_normal(vocoder.gin_channels).astype(np.float32)
    whole, hop = tiles.vocode(latent, ge), int(np.prod(vocoder.upsample_rates))
    np.testing.assert_allclose(whole, plain.vocode(latent, ge), atol=1e-5)
    assert np.abs(whole).max() > 0.1
    for start, stop in ((0, 7), (7, 20), (33, 64)):
        near = slice(max(0, start - vocoder.context), stop + vocoder.context)
        part = tiles.vocode(latent[near], ge, start - near.start, stop - near.start)
        np.testing.assert_allclose(part, whole[start * hop : stop * hop], atol=1e-5)


def test_what_pays_depends_on_the_computer_and_so_does_the_name_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, keys = convolutions(7, 1, (192, 192)), set()
    for flags, bf16, pays in (
        ("avx2", False, True),
        ("avx2 avx512f", False, False),
        ("", False, False),
        ("avx2", True, False),
    ):
        monkeypatch.setattr(processor, "said", lambda flags=flags: frozenset(flags.split()))
        monkeypatch.setattr(openvino, "pays", lambda bf16=bf16: bf16)
        assert (fitting.for_this_computer(graph) is not graph) == pays
        keys.add(cache.key_of("x"))
    assert len(keys) == 3


def test_finished_graphs_are_fitted_as_those_just_traced_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "said", lambda: frozenset(["avx2"]))
    monkeypatch.setattr(openvino, "pays", lambda: False)
    graph = convolutions(7, 1, (192, 192))
    again, fit = Graph.of(graph.stored()), fitting.for_this_computer(graph)
    assert (again.inputs, again.outputs, again.nodes) == (graph.inputs, graph.outputs, graph.nodes)
    x = np.random.default_rng(1).standard_normal((2, 192, 1, 50)).astype(np.float32)
    found, expected = fitting.fitted(graph.stored()), fit.stored()
    assert list(map(np.shape, found.weights.values())) == list(map(np.shape, expected.weights.values()))
    np.testing.assert_array_equal(OnnxFunction(found, 1)(x)[0], OnnxFunction(expected, 1)(x)[0])
    narrow = convolutions(7, 1, (16, 16)).stored()
    assert fitting.fitted(narrow) is narrow
    projections = Graph(constants={"projections": np.ones((2, 300), np.float32)}).stored()
    assert fitting.fitted(projections) is projections
