"""Samples side by side as channels, for a processor that multiplies many channels as fast as few.

AMX takes 32 bfloat16 numbers of a sum at a time, so a convolution of 8 channels keeps a quarter of it busy at best.
With four samples of time as channels there are 32, and where channels come last no number moves for it. They are the
same sums, with zeros between: taps that lie apart get more of these than there are taps, and still are quicker.
"""

from dataclasses import replace

import numpy as np

from dora_primespeech_mlx.runtime.onnx.graph import Graph, Node
from dora_primespeech_mlx.runtime.onnx.tiles import keeps_length

FEW = 8
"""Channels that are too few by themselves, at most."""
SAMPLES = 4
"""Samples that lie side by side."""
_EACH_ALONE = {"Add", "Div", "LeakyRelu", "Tanh"}


def folded(graph: Graph) -> Graph:
    """A graph whose convolutions over time of few channels are of `SAMPLES` times as many.

    Lengths there have to be multiples of `SAMPLES`.
    """
    if not any(_few(graph, node) for node in graph.nodes):
        return graph
    made = replace(graph, nodes=[], constants=dict(graph.constants), _known={})
    values = _Values(made)
    for node in graph.nodes:
        if _few(graph, node):
            values.write_convolution(node)
        elif node.operator in _EACH_ALONE and any(map(values.is_folded, node.inputs)) and _alike(graph, node):
            values.write_each_alone(node)
        else:
            values.write_unfolded(node)
    made.prune()
    return made


def folded_weights(weight: np.ndarray, apart: int) -> tuple[np.ndarray, int, int]:
    """Weights [out, in, 1, k] of a convolution that keeps lengths, as those over folded samples.

    Args:
        weight: float32, k is odd.
        apart: samples from tap to tap.

    Returns:
        [S * out, S * in, 1, taps], and how many folded samples they look back and ahead, for S `SAMPLES`.
    """
    out, inputs, _, kernel = weight.shape
    around = (kernel - 1) // 2 * apart
    back, ahead = -(-around // SAMPLES), (around + SAMPLES - 1) // SAMPLES
    made = np.zeros((SAMPLES, out, SAMPLES, inputs, 1, back + 1 + ahead), weight.dtype)
    for place in range(SAMPLES):
        for tap in range(kernel):
            step, source = divmod(place + tap * apart - around, SAMPLES)
            made[place, :, source, :, :, back + step] = weight[..., tap]
    return made.reshape(SAMPLES * out, SAMPLES * inputs, 1, -1), back, ahead


def _few(graph: Graph, node: Node) -> bool:
    return keeps_length(graph, node) and max(graph.constants[node.inputs[1]].shape[:2]) <= FEW


def _alike(graph: Graph, node: Node) -> bool:
    """Whether the constants of a node are the same for all channels."""
    return all(graph.constants[name].size == 1 for name in node.inputs if name in graph.constants)


class _Values:
    """What a graph's values [B, C, 1, T] are called folded, [B, S * C, 1, T / S], and as they were."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._folded: dict[str, str] = {}
        self._channels: dict[str, int] = {}
        self._written = {port.name for port in graph.inputs}

    def is_folded(self, value: str) -> bool:
        """Whether there is such a value folded."""
        return value in self._folded

    def write_unfolded(self, node: Node) -> None:
        """Writes a node as it is."""
        for value in node.inputs:
            if value in self._folded and value not in self._written:
                self._moved(self._folded[value], self._channels[value], value)
        self._graph.nodes.append(node)
        self._written.update(node.outputs)

    def write_each_alone(self, node: Node) -> None:
        """Writes a node that treats every number alike."""
        (channels,) = {self._channels[value] for value in node.inputs if value in self._channels}
        names = [name if name in self._graph.constants else self._fold(name, channels) for name in node.inputs]
        self._note(node, self._graph.add(node.operator, names, **node.attributes), channels)

    def write_convolution(self, node: Node) -> None:
        """Writes a convolution over time that keeps lengths."""
        weight = self._graph.constants[node.inputs[1]]
        apart = node.attributes.get("dilations", [1, 1])[1]
        wide, back, ahead = folded_weights(weight, apart)
        names = [self._fold(node.inputs[0], weight.shape[1]), self._graph.constant(wide)]
        if len(node.inputs) > 2:
            names.append(self._graph.constant(np.tile(self._graph.constants[node.inputs[2]], SAMPLES)))
        made = self._graph.add("Conv", names, kernel_shape=[1, wide.shape[3]], pads=[0, back, 0, ahead])
        self._note(node, made, weight.shape[0])

    def _note(self, node: Node, made: str, channels: int) -> None:
        self._folded[node.outputs[0]], self._channels[node.outputs[0]] = made, channels

    def _fold(self, value: str, channels: int) -> str:
        if value not in self._folded:
            self._folded[value], self._channels[value] = self._moved(value, SAMPLES * channels), channels
        return self._folded[value]

    def _moved(self, value: str, channels: int, name: str | None = None) -> str:
        """A value with so many channels, as its numbers follow each other where channels come last."""
        rows = self._graph.add("Transpose", [value], perm=[0, 2, 3, 1])
        shaped = self._graph.add("Reshape", [rows, self._graph.constant([0, 1, -1, channels], np.int64)])
        if name is None:
            return self._graph.add("Transpose", [shaped], perm=[0, 3, 1, 2])
        self._graph.nodes.append(Node("Transpose", (shaped,), (name,), {"perm": [0, 3, 1, 2]}))
        self._written.add(name)
        return name
