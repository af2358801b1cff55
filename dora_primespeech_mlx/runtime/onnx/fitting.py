"""The form of a graph that is fastest on this computer, which is not for others."""

from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph
from dora_primespeech_mlx.runtime.onnx.quantise import as_signed, signed_products
from dora_primespeech_mlx.runtime.onnx.tiles import NEVER, least_saved, saved, tiled


def for_this_computer(graph: Graph) -> Graph:
    """The graph in that form; it computes the same numbers but for rounding."""
    return tiled(as_signed(graph) if signed_products() else graph, _least_saved())


def fitted(stored: StoredGraph) -> StoredGraph:
    """The same for a finished graph; one that cannot have another form is not read, which takes time and `onnx`."""
    shapes = [weight.shape for weight in stored.weights.values() if weight.ndim == 4]
    signed = signed_products() and b"DynamicQuantizeMatMul" in stored.model
    if not signed and all(saved(shape) < _least_saved() for shape in shapes):
        return stored
    return for_this_computer(Graph.of(stored)).stored()


def form() -> str:
    """A word for the form, which differs where graphs do."""
    return f"{'signed' if signed_products() else ''} {_least_saved()}"


def _least_saved() -> float:
    """See `tiles.least_saved`; OpenVINO, in bf16, has not the digits for it."""
    from dora_primespeech_mlx.runtime.onnx import openvino

    return NEVER if openvino.pays() else least_saved()
