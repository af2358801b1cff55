"""The form of a graph that is fastest on this computer, which is not for others."""

from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph
from dora_primespeech_mlx.runtime.onnx.tiles import NEVER, least_saved, saved, tiled


def for_this_computer(graph: Graph) -> Graph:
    """The graph in that form; it computes the same numbers but for rounding."""
    return tiled(graph, _least_saved())


def fitted(stored: StoredGraph) -> StoredGraph:
    """The same for a finished graph; one that cannot have another form is not read, which takes time and `onnx`."""
    least = _least_saved()
    if all(saved(weight.shape) < least for weight in stored.weights.values() if weight.ndim == 4):
        return stored
    return for_this_computer(Graph.of(stored)).stored()


def form() -> str:
    """A word for the form, which differs where graphs do."""
    return str(_least_saved())


def _least_saved() -> float:
    """See `tiles.least_saved`; OpenVINO, in bf16, has not the digits for it."""
    from dora_primespeech_mlx.runtime.onnx import openvino

    return NEVER if openvino.pays() else least_saved()
