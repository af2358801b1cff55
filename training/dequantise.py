"""Turns the 8-bit ONNX graph of Kokoro-82M into a float graph with taps on durations, pitch and energy.

    python -m training.dequantise kokoro_int8.onnx kokoro_float.onnx

The 8-bit file is a quarter of the size to move; the float one runs on a GPU (see `teacher`).
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from training.teacher import TAPS

PRODUCTS = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}


@dataclass
class Changes:
    """What replaces what: new nodes by the name of the node whose place they take, names that go, new constants."""

    made: dict[str, NodeProto] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    constants: dict[str, TensorProto] = field(default_factory=dict)


class Graph:
    """Look-ups over an ONNX graph: who makes a value, who reads it, what a constant holds."""

    def __init__(self, graph: onnx.GraphProto):
        self.nodes = list(graph.node)
        self.constants = {t.name: t for t in graph.initializer}
        self.maker = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)

    def array(self, name: str) -> np.ndarray:
        """A constant as float32."""
        return numpy_helper.to_array(self.constants[name]).astype(np.float32)


def float_product(graph: Graph, node: NodeProto, changes: Changes) -> None:
    """Replaces an integer product and what rescales it: a cast, perhaps a sum with an integer bias, the scales."""
    quantiser = graph.maker[node.input[0]]
    value, bias = node.output[0], ""
    changes.gone.add(node.name)
    while True:
        (reader,) = graph.readers[value]
        changes.gone.add(reader.name)
        (other,) = (name for name in reader.input if name != value) if len(reader.input) > 1 else ("",)
        value = reader.output[0]
        if reader.op_type == "Mul":
            break
        if reader.op_type == "Add":  # other = cast(floor(float bias / scale)): the float bias is what is wanted
            step = graph.maker[other]
            while step.op_type != "Div":
                changes.gone.add(step.name)
                step = graph.maker[step.input[0]]
            changes.gone |= {step.name, graph.maker[step.input[1]].name}
            bias = step.input[0]
    weight = node.input[1]
    if weight in graph.constants:
        (scale_name,) = (name for name in graph.maker[other].input if name != quantiser.output[1])
        scale = graph.array(scale_name)
        zero = graph.array(node.input[3]) if len(node.input) > 3 and node.input[3] else np.zeros(1, np.float32)
        values = graph.array(weight)
        shape = (-1, *[1] * (values.ndim - 1)) if node.op_type == "ConvInteger" else (-1,)
        zero, scale = (a.reshape(shape) if a.size > 1 else a.reshape(()) for a in (zero, scale))
        weight += "_float"
        changes.constants[weight] = numpy_helper.from_array(((values - zero) * scale).astype(np.float32), weight)
    else:
        weight = graph.maker[weight].input[0]
    inputs = [quantiser.input[0], weight, *([bias] if bias else [])]
    made = helper.make_node(PRODUCTS[node.op_type], inputs, [reader.output[0]], node.name + "_float")
    made.attribute.extend(node.attribute)
    changes.made[reader.name] = made


def float_lstm(graph: Graph, node: NodeProto, changes: Changes) -> None:
    """Replaces a dynamically quantised LSTM; its weights lie transposed, [directions, in, 4 hidden]."""
    names = [*node.input, *[""] * (12 - len(node.input))]
    weights = []
    for weight, scale_name, zero_name in ((names[1], names[8], names[9]), (names[2], names[10], names[11])):
        scale, zero = graph.array(scale_name), graph.array(zero_name)
        shape = (scale.shape[0], 1, -1)
        values = (graph.array(weight) - zero.reshape(shape)) * scale.reshape(shape)
        name = weight + "_float"
        weights.append(name)
        changes.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values.transpose(0, 2, 1)), name)
    made = helper.make_node("LSTM", [names[0], *weights, *names[3:7]], list(node.output), node.name + "_float")
    made.attribute.extend(node.attribute)
    changes.made[node.name] = made


def dequantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in float, with TAPS as further outputs; changes the model it is given."""
    proto = model.graph
    graph, changes = Graph(proto), Changes()
    for node in graph.nodes:
        if node.op_type in PRODUCTS:
            float_product(graph, node, changes)
        elif node.op_type == "DynamicQuantizeLSTM":
            float_lstm(graph, node, changes)
    nodes = [changes.made.get(n.name, n) for n in graph.nodes if n.name in changes.made or n.name not in changes.gone]
    needed = {o.name for o in proto.output} | set(TAPS)
    kept = []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    constants = [t for t in (*proto.initializer, *changes.constants.values()) if t.name in needed]
    del proto.node[:], proto.initializer[:]
    proto.node.extend(reversed(kept))
    proto.initializer.extend(constants)
    proto.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in TAPS)
    return model


if __name__ == "__main__":
    onnx.save(dequantise(onnx.load(sys.argv[1])), sys.argv[2])
