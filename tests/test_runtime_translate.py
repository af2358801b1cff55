"""Every rule of the translator against MLX, for two lengths, and what it refuses."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from dora_primespeech_mlx.runtime.onnx.session import OnnxFunction
from dora_primespeech_mlx.runtime.onnx.translate import translate
from dora_primespeech_mlx.runtime.trace.fold import fold
from dora_primespeech_mlx.runtime.trace.record import Affine, Input, record

WIDTH = 8


def built(layer: nn.Module) -> nn.Module:
    mx.eval(layer.parameters())
    return layer


mx.random.seed(1)
NORM = built(nn.LayerNorm(WIDTH))
NORM.weight, NORM.bias = mx.random.normal((WIDTH,)), mx.random.normal((WIDTH,))
LINEAR = built(nn.Linear(WIDTH, 5))
TABLE = built(nn.Embedding(11, WIDTH))
CONV = built(nn.Conv1d(WIDTH, 6, 5, padding=4, dilation=2))
STRIDED = built(nn.Conv1d(WIDTH, 6, 3, stride=2, padding=1, bias=False))
GROUPED = built(nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=4))
UP = built(nn.ConvTranspose1d(WIDTH, 4, 6, stride=3, padding=1))
POINT = built(nn.Linear(6, WIDTH))
ROWS = mx.random.normal((40, WIDTH))
mx.eval(NORM.parameters(), ROWS)


def island(x: mx.array) -> mx.array:
    """Convolutions with everything that may lie between them."""
    y = nn.leaky_relu(CONV(x), 0.1)
    y = POINT(mx.tanh(y) * mx.sigmoid(y)) + x.mean(axis=1, keepdims=True)
    left, right = mx.split(y, 2, axis=-1)
    y = mx.concatenate([right[..., ::-1], left - right], axis=-1) + x
    return UP(nn.leaky_relu(y, 0.2))[..., 0]


def attention(x: mx.array) -> mx.array:
    heads = x.reshape(*x.shape[:2], 2, 4).transpose(0, 2, 1, 3)
    rows = mx.arange(x.shape[1])
    mask = rows[None] <= rows[:, None]
    out = mx.fast.scaled_dot_product_attention(heads, heads, heads, scale=0.5, mask=mask)
    return out.transpose(0, 2, 1, 3).reshape(x.shape)


FUNCTIONS = {
    "arithmetic": lambda x: (x + 1) * x - x / 3 + mx.maximum(x, 0.5) + mx.minimum(x, 0.1) + mx.abs(-x),
    "functions": lambda x: mx.exp(x) + mx.sin(x) + mx.cos(x) + mx.tanh(x) + mx.sigmoid(x) + mx.erf(x) + mx.floor(x),
    "roots": lambda x: mx.sqrt(mx.square(x) + 1) + mx.rsqrt(mx.square(x) + 1) + mx.log1p(mx.abs(x)),
    "logarithms": lambda x: mx.log(mx.abs(x) + 1) + nn.softplus(x) + nn.mish(x),
    "comparisons": lambda x: mx.where(mx.logical_and(x > 0, x < 1), x, mx.where(x <= -1, 2.0, x)),
    "activations": lambda x: nn.relu(x) + nn.leaky_relu(x, 0.3) + nn.gelu(x) + nn.silu(x),
    "layer norm": NORM,
    "plain layer norm": lambda x: mx.fast.layer_norm(x, None, None, 1e-5),
    "linear": LINEAR,
    "matrices": lambda x: x @ x.swapaxes(1, 2),
    "embedding": lambda x: TABLE(mx.clip(mx.abs(x[..., 0]) * 3, 0, 10).astype(mx.int32)),
    "pick frames": lambda x: ROWS[mx.arange(x.shape[1])] + x[:, mx.arange(x.shape[1])],
    "gather along": lambda x: mx.take_along_axis(x, mx.broadcast_to(mx.array([3, 1]), (1, x.shape[1], 2)), axis=-1),
    "gather inner": lambda x: mx.take(x, mx.array([2, 0, 1]), axis=1),
    "gather grid": lambda x: mx.take(x, mx.array([[2, 0], [1, 1]]), axis=2),
    "shapes": lambda x: x[:, 1:-1, None, ::2].transpose(0, 3, 1, 2).reshape(1, 4, -1),
    "joins": lambda x: mx.concatenate([mx.split(x, 2, axis=-1)[1], x[..., ::-1]], axis=1 - 2),
    "pad": lambda x: mx.pad(x, [(0, 0), (2, 1), (0, 0)]),
    "repeat": lambda x: mx.repeat(x, 2, axis=1),
    "reductions": lambda x: x.sum(axis=-1) + x.max(axis=-1) - x.min(axis=-1) + x.mean(axis=1).sum(),
    "softmax": lambda x: mx.softmax(x, axis=-1, precise=True),
    "convolution": CONV,
    "strided convolution": STRIDED,
    "grouped convolution": GROUPED,
    "transposed convolution": UP,
    "between convolutions": island,
    "attention": attention,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_gives_the_numbers_of_mlx_for_any_length(name):
    function = FUNCTIONS[name]
    inputs = [Input("x", (1, "frames" if name != "strided convolution" else 13, WIDTH))]
    compiled = OnnxFunction(translate(function, inputs, ["y"]), threads=1)
    for frames in (13,) if name == "strided convolution" else (13, 6):
        x = mx.random.normal((1, frames, WIDTH), key=mx.random.key(frames))
        (ours,), reference = compiled(np.array(x)), np.array(function(x))
        assert ours.shape == reference.shape
        np.testing.assert_allclose(ours, reference, atol=2e-6, rtol=2e-5)


def test_results_are_the_same_without_folding():
    x = np.random.default_rng(0).standard_normal((1, 9, WIDTH)).astype(np.float32)
    for function in (NORM, CONV, nn.gelu, FUNCTIONS["activations"]):
        graphs = [translate(function, [Input("x", (1, "frames", WIDTH))], ["y"], fold=f) for f in (True, False)]
        assert len(graphs[0].nodes) < len(graphs[1].nodes)
        folded, plain = (OnnxFunction(graph, 1)(x)[0] for graph in graphs)
        np.testing.assert_allclose(folded, plain, atol=2e-6)


def test_groups_become_single_operators():
    def function(x):
        return nn.gelu(NORM(nn.leaky_relu(x, 0.1)))

    trace = fold(record(function, [Input("x", (1, "frames", WIDTH))]))
    assert [p.name for p in trace.primitives] == ["LeakyRelu", "LayerNorm", "Gelu"]


def test_convolutions_stay_channel_first_between_each_other():
    graph = translate(lambda x: UP(nn.leaky_relu(GROUPED(x), 0.1)), [Input("x", (1, "frames", WIDTH))], ["y"])
    operators = [node.operator for node in graph.nodes]
    assert operators.count("Transpose") == 2
    assert "Add" not in operators


def test_sizes_follow_lengths():
    def function(x, y):
        return mx.concatenate([mx.repeat(x, 2, axis=1), y], axis=1)

    trace = record(function, [Input("x", (1, "a", 3)), Input("y", (1, "b", 3))])
    size = trace.tensors[trace.outputs[0]].shape[1]
    assert size == Affine(0, (("a", 2), ("b", 1)))


def test_numbers_computed_from_a_length_follow_it():
    compiled = OnnxFunction(translate(lambda x: x * (x.shape[1] - 1), [Input("x", (1, "frames", 2))], ["y"]), 1)
    assert compiled(np.ones((1, 6, 2), np.float32))[0].max() == 5


def test_equal_weights_are_written_once():
    graph = translate(lambda x: LINEAR(x) + LINEAR(2 * x), [Input("x", (1, "frames", WIDTH))], ["y"])
    assert sum(value.shape == (WIDTH, 5) for value in graph.constants.values()) == 1


def test_unknown_primitive_is_named():
    with pytest.raises(ValueError, match="FFT"):
        translate(lambda x: mx.abs(mx.fft.rfft(x)), [Input("x", (1, 8))], ["y"])


def test_functions_that_depend_on_a_length_are_refused():
    inputs = [Input("x", (1, "frames", 2))]
    with pytest.raises(ValueError, match="other steps"):
        translate(lambda x: x + 1 if x.shape[1] > 1100 else x * mx.exp(x), inputs, ["y"])
    with pytest.raises(ValueError, match="shape follows a length"):
        translate(lambda x: x + mx.array(np.zeros((x.shape[1], 2), np.float32)), inputs, ["y"])
    with pytest.raises(ValueError, match="whole multiple"):
        translate(lambda x: x[:, : x.shape[1] // 2], inputs, ["y"])
    with pytest.raises(ValueError, match="whole multiple"):
        translate(lambda x: mx.broadcast_to(x[:, :1, :1], (1, x.shape[1] ** 2, 2)), inputs, ["y"])
    with pytest.raises(ValueError, match="from a length"):
        translate(lambda x: x * float(x.shape[1] ** 2), inputs, ["y"])


def test_a_value_may_be_input_constant_and_output_at_once():
    def function(x):
        y = x + 1
        return x, y, y, mx.exp(y), ROWS

    compiled = OnnxFunction(translate(function, [Input("x", (1, "frames", WIDTH))], ["a", "b", "c", "d", "e"]), 1)
    x = np.ones((1, 3, WIDTH), np.float32)
    for ours, reference in zip(compiled(x), (x, x + 1, x + 1, np.exp(x + 1), np.array(ROWS)), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-6)
