"""Convolutions over time with half the multiplications, which is faster where channels are many.

Four results of a filter of four taps are sums of seven products, not sixteen: polynomials of samples and of taps are
multiplied by their values at seven points (Toom and Cook; turned round, as here, Winograd's minimal filtering). Taps
are cut into such filters, samples into *tiles* of four, so a convolution becomes: values of the tiles at the points,
for each point a convolution over tiles with a quarter of the taps, results of the tiles out of those. Where taps lie
apart, so do the samples of a tile, and as many tiles interleave. It is the same sum but for rounding, four times that
of a sum in float32.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from dora_primespeech_mlx.runtime.onnx import processor
from dora_primespeech_mlx.runtime.onnx.graph import Graph, Node

TILE = 4
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5)
"""The last of the seven is infinity."""
COUNT = len(POINTS) + 1
PAYS = (("avx512f", 400.0), ("avx2", 300.0))
"""From how many multiplications that are saved for each number that goes in and out the tiles cost less than they save.

By what the processor has, since what moves numbers is no faster on one that multiplies faster.
"""
LARGEST = 1 << 20
"""Numbers that weights have at most, since by tiles they are twice as many, for the memory and the caches to hold."""
NEVER = float("inf")


def least_saved() -> float:
    """The bound of `PAYS` for this processor; `NEVER` where it was not measured."""
    return next((least for flag, least in PAYS if flag in processor.said()), NEVER)


@cache
def _transforms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Results from products [4, 7], values from taps [7, 4] and from samples [7, 7], float64."""

    def powers(count: int) -> np.ndarray:
        return np.vstack([np.power.outer(POINTS, np.arange(count)), np.eye(count)[-1]])

    samples = np.linalg.inv(powers(COUNT)).T
    size = 2.0 ** np.round(np.log2(np.linalg.norm(samples, axis=1, keepdims=True)))
    return powers(TILE).T, powers(TILE) * size, samples / size


@cache
def _into_tiles(apart: int) -> np.ndarray:
    """Filters [7 * apart, 4 * apart, 2] over interleaved tiles, two at a time, to their values."""
    taps = np.zeros((apart, COUNT, 2 * TILE * apart), np.float32)
    for place in range(apart):
        taps[place][:, place + apart * np.arange(COUNT)] = _transforms()[2]
    return np.ascontiguousarray(taps.reshape(apart * COUNT, 2, TILE * apart).transpose(0, 2, 1))


@cache
def _out_of_tiles(apart: int) -> np.ndarray:
    """The matrix [4 * apart, 7 * apart] that makes results, as they follow each other, of interleaved products."""
    matrix = np.zeros((TILE, apart, apart, COUNT), np.float32)
    for place in range(apart):
        matrix[:, place, place] = _transforms()[0]
    return matrix.reshape(TILE * apart, apart * COUNT)


def tiled_weights(weight: np.ndarray) -> np.ndarray:
    """Weights [out, in, 1, k] of a convolution as those of seven over tiles: [7 * out, in, 1, taps]."""
    out, inputs, _, kernel = weight.shape
    groups = -(-kernel // TILE)
    taps = np.pad(weight[:, :, 0].astype(np.float64), [(0, 0), (0, 0), (0, groups * TILE - kernel)])
    values = np.einsum("pt,oigt->poig", _transforms()[1], taps.reshape(out, inputs, groups, TILE))
    return values.reshape(COUNT * out, inputs, 1, groups).astype(np.float32)


def tiled_bias(bias: np.ndarray) -> np.ndarray:
    """Biases [out] as those of the seven, [7 * out]: results of a tile all have the bias."""
    ones = np.linalg.lstsq(_transforms()[0], np.ones(TILE), rcond=None)[0]
    return np.outer(ones, bias).reshape(-1).astype(np.float32)


def tiled(graph: Graph, least: float) -> Graph:
    """A graph whose convolutions over time [B, C, 1, T] use tiles where these save at least so much; see `PAYS`."""
    worth = [_saved(graph, node) >= least for node in graph.nodes]
    if not any(worth):
        return graph
    made = replace(graph, nodes=[], constants=dict(graph.constants), _known={})
    lengths = _Lengths(made)
    for node, pays in zip(graph.nodes, worth, strict=True):
        if pays:
            _write(made, lengths, node)
        else:
            made.nodes.append(node)
        if node.operator == "LeakyRelu" or keeps_length(graph, node):
            lengths.same(node)
    made.prune()
    return made


def keeps_length(graph: Graph, node: Node) -> bool:
    """Whether a node is a plain convolution over time whose results are as many as its samples."""
    weight = graph.constants.get(node.inputs[1]) if node.operator == "Conv" else None
    if weight is None or weight.ndim != 4 or weight.shape[2] != 1 or node.attributes.get("group", 1) != 1:
        return False
    apart = node.attributes.get("dilations", [1, 1])[1]
    around = (weight.shape[3] - 1) * apart // 2
    strides, pads = node.attributes.get("strides", [1, 1]), node.attributes.get("pads", [0] * 4)
    return weight.shape[3] % 2 == 1 and list(strides) == [1, 1] and list(pads) == [0, around, 0, around]


def saved(shape: tuple[int, ...]) -> float:
    """Multiplications that tiles save with weights [out, in, 1, k], for each number that goes in and out.

    Less than nothing where these are too many.
    """
    out, inputs, _, kernel = shape
    if out * inputs * kernel > LARGEST:
        return -NEVER
    return (kernel - COUNT / TILE * -(-kernel // TILE)) * out * inputs / (out + inputs)


def _saved(graph: Graph, node: Node) -> float:
    """The same of a node, and where there cannot be tiles."""
    return saved(graph.constants[node.inputs[1]].shape) if keeps_length(graph, node) else -NEVER


class _Lengths:
    """Sizes in a graph that follow how many samples values [B, C, 1, T] have, each computed once."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._first: dict[str, str] = {}
        self._made: dict[tuple, str] = {}

    def same(self, node: Node) -> None:
        """What a node makes has the length of its first input."""
        self._first[node.outputs[0]] = self._first.get(node.inputs[0], node.inputs[0])

    def of(self, value: str) -> str:
        """Samples of a value, [1]."""
        return self._once("Shape", self._first.get(value, value), start=3, end=4)

    def computed(self, operator: str, size: str, number: int) -> str:
        """A size and a number through an operator."""
        return self._once(operator, size, self._graph.constant([number], np.int64))

    def vector(self, numbers: list[int], size: str) -> str:
        """Numbers with a size behind them."""
        return self._once("Concat", self._graph.constant(numbers, np.int64), size, axis=0)

    def difference(self, size: str, other: str) -> str:
        """One size less another."""
        return self._once("Sub", size, other)

    def _once(self, operator: str, *inputs: str, **attributes: Any) -> str:
        key = operator, inputs, tuple(attributes.items())
        if key not in self._made:
            self._made[key] = self._graph.add(operator, inputs, **attributes)
        return self._made[key]


def _write(graph: Graph, lengths: _Lengths, node: Node) -> None:
    """Writes a convolution by tiles.

    Samples of a channel have as many zeros before them as the convolution puts there, and behind them at least until
    their last tile ends, so that what a tile sees beyond it are zeros of the next channel.
    """
    weight = graph.constants[node.inputs[1]]
    out, inputs, _, kernel = weight.shape
    apart = node.attributes.get("dilations", [1, 1])[1]
    groups, around, width = -(-kernel // TILE), (kernel - 1) * apart // 2, TILE * apart
    more = max(groups - 1, 1)

    samples = lengths.of(node.inputs[0])
    results = lengths.computed("Div", lengths.computed("Add", samples, width - 1), width)
    tiles = lengths.computed("Add", results, more)
    behind = lengths.difference(lengths.computed("Mul", tiles, width), lengths.computed("Add", samples, around))
    results = lengths.computed("Add", results, more + 1 - groups)

    def reshaped(value: str, shape: str) -> str:
        return graph.add("Reshape", [value, shape])

    def vector(*numbers: int) -> str:
        return graph.constant(numbers, np.int64)

    padded = graph.add("Pad", [node.inputs[0], lengths.vector([0, 0, 0, around, 0, 0, 0], behind)])
    turned = graph.add("Transpose", [reshaped(padded, vector(0, -1, width))], perm=[0, 2, 1])
    values = graph.add("Conv", [turned, graph.constant(_into_tiles(apart))], kernel_shape=[2], pads=[0, 1])
    names = [
        reshaped(values, lengths.vector([-1, COUNT * inputs, 1], tiles)),
        graph.constant(tiled_weights(weight)),
    ]
    if len(node.inputs) > 2:
        names.append(graph.constant(tiled_bias(graph.constants[node.inputs[2]])))
    products = graph.add("Conv", names, kernel_shape=[1, groups], group=COUNT)
    rows = reshaped(products, lengths.vector([-1, COUNT * apart], lengths.computed("Mul", results, out)))
    found = graph.add("MatMul", [graph.constant(_out_of_tiles(apart)), rows])
    whole = reshaped(graph.add("Transpose", [found], perm=[0, 2, 1]), vector(0, out, 1, -1))
    graph.nodes.append(Node("Slice", (whole, vector(0), samples, vector(3)), node.outputs))
