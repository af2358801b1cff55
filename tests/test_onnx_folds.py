"""Convolutions of few channels with samples side by side as channels."""

from collections.abc import Sequence

import mlx.core as mx
import numpy as np
import pytest
from tiny_networks import SOVITS_CONFIG, VOCODER, random_weights

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.runtime.onnx import folds, windows
from dora_primespeech_mlx.runtime.onnx.graph import Graph, Port
from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.runtime.onnx.trace_sovits import vocoder_graph


def convolution(kernel: int, apart: int, channels: tuple[int, int]) -> Graph:
    """x [B, C, 1, T] through a convolution, and beside it doubled: what folded values and others come to."""
    random, graph = np.random.default_rng(3), Graph()
    inputs, out = channels
    port = Port("x", (1, inputs, 1, "time"), np.dtype(np.float32))
    graph.inputs.append(port)
    weight = random.standard_normal((out, inputs, 1, kernel)).astype(np.float32)
    around = (kernel - 1) // 2 * apart
    names = ["x", graph.constant(weight), graph.constant(random.standard_normal(out).astype(np.float32))]
    made = graph.add("Conv", names, dilations=[1, apart], pads=[0, around, 0, around])
    bent = graph.add("LeakyRelu", [made], alpha=0.1)
    whole = graph.add("ReduceSum", [bent], keepdims=1)
    graph.bind_outputs([(bent, Port("bent", (1, out, 1, "time"), port.dtype)), (whole, Port("sum", (), port.dtype))])
    return graph


def outputs(graph: Graph, *arrays: np.ndarray) -> Sequence[np.ndarray]:
    return OnnxFunction(graph, 1)(*arrays)


@pytest.mark.parametrize("kernel", [1, 3, 7, 11])
@pytest.mark.parametrize("apart", [1, 3, 5])
@pytest.mark.parametrize("channels", [(8, 8), (2, 1)])
def test_a_folded_convolution_is_the_same(kernel: int, apart: int, channels: tuple[int, int]) -> None:
    graph = convolution(kernel, apart, channels)
    x = np.random.default_rng(4).standard_normal((1, channels[0], 1, 48)).astype(np.float32)
    made = folds.folded(graph)
    (wide,) = (made.constants[node.inputs[1]].shape for node in made.nodes if node.operator == "Conv")
    assert wide[:2] == (4 * channels[1], 4 * channels[0])
    for folded, plain in zip(outputs(made, x), outputs(graph, x), strict=True):
        np.testing.assert_allclose(folded, plain, atol=2e-5)


def test_weights_of_taps_that_lie_apart_stand_where_their_samples_are() -> None:
    weight = np.arange(1.0, 4.0, dtype=np.float32).reshape(1, 1, 1, 3)
    wide, back, ahead = folds.folded_weights(weight, 3)
    assert (wide.shape, back, ahead) == ((4, 4, 1, 3), 1, 1)
    # The first of four samples looks at the second of the four before and at the fourth of its own.
    assert [tuple(place) for place in np.argwhere(wide[0, :, 0])] == [(0, 1), (1, 0), (3, 1)]
    assert (wide[0, 1, 0, 0], wide[0, 0, 0, 1], wide[0, 3, 0, 1]) == (1, 2, 3)


def test_a_graph_of_many_channels_stays_as_it_is() -> None:
    graph = convolution(3, 1, (16, 16))
    assert folds.folded(graph) is graph


def test_a_vocoder_with_its_last_stages_folded_gives_the_same_samples() -> None:
    mx.random.seed(4)
    graph, random = vocoder_graph(random_weights(Sovits(SOVITS_CONFIG))), np.random.default_rng(5)
    latent, ge = (random.standard_normal(shape).astype(np.float32) for shape in ((1, 46, 8), (1, 1, 16)))
    inputs = latent, ge, *windows.Parts(VOCODER, (11, 35), 46, 1, lambda frames: 28).inputs()
    made = folds.folded(graph)
    convolutions = [made.constants[node.inputs[1]].shape for node in made.nodes if node.operator == "Conv"]
    assert sum(shape[1] == 32 for shape in convolutions) == 8
    (folded,), (plain,) = outputs(made, *inputs), outputs(graph, *inputs)
    np.testing.assert_allclose(folded, plain, atol=1e-5)
