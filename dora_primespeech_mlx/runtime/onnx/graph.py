"""An ONNX graph under construction: nodes, constants that stay numpy views, and sizes known only at run time."""

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dora_primespeech_mlx.runtime.trace.shapes import Affine, Dim

if TYPE_CHECKING:
    import onnx

OPSETS = (("", 20), ("com.microsoft", 1))
IR_VERSION = 10
SMALL = 1024  # constants of up to this many bytes are written into the model, larger ones stay outside it
PAST_LENGTH, TOTAL_LENGTH = "past_length", "total_length"
"""Inputs of a graph with cached attention: rows of each cache that are real, and of the longest with the new one."""


@dataclass(frozen=True)
class Node:
    """One ONNX operator."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True)
class Port:
    """An input or output of the graph; sizes that are names are open."""

    name: str
    shape: tuple[int | str, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class StoredGraph:
    """A finished graph: an ONNX model, and the weights by the names that it declares external.

    `file` is what the weights lie in, where they are not memory of their own.
    """

    model: bytes
    weights: Mapping[str, np.ndarray]
    file: mmap.mmap | None = None

    def let_go(self) -> None:
        """Tells the system that the weights have been read, and are read from their file again if need be."""
        if self.file is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.file.madvise(mmap.MADV_DONTNEED)

    def embedded(self) -> bytes:
        """The model with its weights within."""
        import onnx

        model = onnx.load_model_from_string(self.model)
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                tensor.CopyFrom(
                    onnx.numpy_helper.from_array(np.ascontiguousarray(self.weights[tensor.name]), tensor.name)
                )
        return model.SerializeToString()


@dataclass
class Graph:
    """Nodes in order, constants by name, inputs and outputs."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    lengths: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # length -> input, axis, what to subtract
    rounded: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """Constants that `quantise` made: of which other, in which form, and which part of what that gives."""
    _known: dict[Any, str] = field(default_factory=dict)
    _count: int = 0

    @classmethod
    def of(cls, stored: StoredGraph) -> Self:
        """A finished graph, to be changed; lengths that stay open are no longer known."""
        if not stored.model:
            return cls(constants=dict(stored.weights))
        import onnx
        from onnx import helper

        graph = onnx.load_model_from_string(stored.model).graph
        small = (tensor for tensor in graph.initializer if tensor.name not in stored.weights)
        constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in small} | dict(stored.weights)
        nodes = []
        for node in graph.node:
            attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            nodes.append(Node(node.op_type, tuple(node.input), tuple(node.output), attributes, node.domain))
        names = [*constants, *(name for node in nodes for name in node.outputs)]
        count = max((int(name[1:]) for name in names if name[1:].isdecimal()), default=0)
        inputs, outputs = ([_port(value) for value in side] for side in (graph.input, graph.output))
        return cls(nodes, constants, inputs, outputs, _count=count)

    def fresh(self) -> str:
        """A name no other value has."""
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: np.ndarray | Sequence[int] | float, dtype: Any = None) -> str:
        """The name of a constant. Equal small whole numbers share it, and so do views of the same memory.

        Weights that happen to be equal do not, so that names depend on the network alone.
        """
        array = np.asarray(value, dtype=dtype)
        if array.nbytes <= SMALL and array.dtype.kind != "f":
            key: Any = (array.dtype.str, array.shape, array.tobytes())
        else:
            key = (array.dtype.str, array.shape, array.strides, array.__array_interface__["data"][0])
        if key not in self._known:
            self._known[key] = self.fresh()
            self.constants[self._known[key]] = array
        return self._known[key]

    def add(self, operator: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        """Appends an operator with one result and returns the result's name."""
        return self.add_many(operator, inputs, 1, domain, **attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], count: int, domain: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Appends an operator and returns the names of its results."""
        outputs = tuple(self.fresh() for _ in range(count))
        self.nodes.append(Node(operator, tuple(inputs), outputs, attributes, domain))
        return outputs

    def length(self, name: str) -> str:
        """An open length as an int64 vector of one element."""
        key = ("length", name)
        if key not in self._known:
            port, axis, offset = self.lengths[name]
            size = self.add("Shape", [port], start=axis, end=axis + 1)
            self._known[key] = self.add("Sub", [size, self.constant([offset], np.int64)]) if offset else size
        return self._known[key]

    def vector(self, dims: Sequence[Dim]) -> str:
        """Sizes as an int64 vector, computed from the open lengths where they follow one."""
        if None in dims:
            raise ValueError(
                "A size that is not a whole multiple of open lengths plus a number cannot be written into a graph."
            )
        if all(isinstance(dim, int) for dim in dims):
            return self.constant(np.array(dims, np.int64))
        key = ("vector", tuple(dims))
        if key not in self._known:
            names = sorted({name for dim in dims if isinstance(dim, Affine) for name, _ in dim.factors})
            result = self.constant(np.array([d.constant if isinstance(d, Affine) else d for d in dims], np.int64))
            for name in names:
                factors = [dict(dim.factors).get(name, 0) if isinstance(dim, Affine) else 0 for dim in dims]
                part = self.add("Mul", [self.constant(np.array(factors, np.int64)), self.length(name)])
                result = self.add("Add", [result, part])
            self._known[key] = result
        return self._known[key]

    def bind_outputs(self, values: Sequence[tuple[str, Port]]) -> None:
        """Makes values the outputs: under the port's name if an operator made them, else as a copy."""
        made = {name for node in self.nodes for name in node.outputs}
        names: dict[str, str] = {}
        copies = []
        for name, port in values:
            if name in made and name not in names:
                names[name] = port.name
            else:
                copies.append(Node("Identity", (name,), (port.name,)))
            self.outputs.append(port)
        self.nodes = [
            replace(
                node,
                inputs=tuple(names.get(name, name) for name in node.inputs),
                outputs=tuple(names.get(name, name) for name in node.outputs),
            )
            for node in (*self.nodes, *copies)
        ]

    def prune(self) -> None:
        """Drops nodes and constants that no output needs."""
        needed = {port.name for port in self.outputs}
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(node.inputs)
        self.nodes = kept[::-1]
        self.constants = {name: value for name, value in self.constants.items() if name in needed}

    def stored(self) -> StoredGraph:
        """The finished graph; large constants stay the memory that they are. One without nodes is its constants."""
        if not self.nodes:
            return StoredGraph(b"", dict(self.constants))
        weights = {name: value for name, value in self.constants.items() if value.nbytes > SMALL}
        return StoredGraph(self.to_model().SerializeToString(), weights)

    def to_model(self, embed: bool = False) -> "onnx.ModelProto":
        """The ONNX model.

        Args:
            embed: write every constant into the model; otherwise large ones are declared external, for a session that
                is given their memory.
        """
        import onnx
        from onnx import helper

        initialisers = []
        for name, value in self.constants.items():
            if embed or value.nbytes <= SMALL:
                initialisers.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
                continue
            tensor = onnx.TensorProto(name=name, dims=value.shape, data_location=onnx.TensorProto.EXTERNAL)
            tensor.data_type = helper.np_dtype_to_tensor_dtype(value.dtype)
            tensor.external_data.add(key="location", value="memory")
            initialisers.append(tensor)
        inputs, outputs = (
            [helper.make_tensor_value_info(p.name, helper.np_dtype_to_tensor_dtype(p.dtype), p.shape) for p in side]
            for side in (self.inputs, self.outputs)
        )
        nodes = [helper.make_node(n.operator, n.inputs, n.outputs, domain=n.domain, **n.attributes) for n in self.nodes]
        graph = helper.make_graph(nodes, "primespeech", inputs, outputs, initialisers)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _port(value: "onnx.ValueInfoProto") -> Port:
    from onnx import helper

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_param or dim.dim_value for dim in tensor.shape.dim)
    return Port(value.name, shape, np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)))
