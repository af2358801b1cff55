"""8-bit weights for the matrix products of a graph, and 8-bit keys and values in the caches of its attention.

Weights have two forms, since neither is best everywhere: blocks of weights with their own scale and activations rounded
block by block (closest to the original, fastest for one row), and one scale per output channel with activations rounded
by one scale for all rows (fastest for many rows).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dora_primespeech_mlx.runtime.onnx.graph import Graph, Node, Port

BLOCKS = (256, 128, 64, 32)
LEVELS = 127
ZERO = 128
INT8_COMPUTE = 4  # MatMulNBits accuracy level: activations in 8 bits
HEADROOM = np.float32(2)
"""How far later rows of a cache may go beyond the largest of the first: clipped keys err far more than coarse ones."""
PAST, SCALE_INPUTS = slice(3, 5), 12  # GroupQueryAttention: which inputs are old rows; how many come before scales


def block_weights(weight: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K, N] as unsigned bytes around 128, [N, K / block, block], and scales float32 [N * K / block]."""
    K, N = weight.shape
    rows = np.ascontiguousarray(weight.T).reshape(N, K // block, block)
    scales = np.maximum(np.abs(rows).max(axis=-1, keepdims=True), np.float32(1e-12)) / np.float32(LEVELS)
    levels = np.rint(rows / scales)
    levels += ZERO
    return levels.astype(np.uint8), scales.reshape(-1)


def channel_weights(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K, N] as signed bytes, [K, N], and scales float32 [N].

    Two neighbours of a column add up to 128 at most: on x86 without VNNI ONNX Runtime adds the products of such a pair
    with unsigned bytes in 16 bits, and 255 * 128 is as much as these hold. Products with unsigned weights take 1.35
    times as long there, and three to four times with VNNI.
    """
    K, N = weight.shape
    pairs = np.pad(weight, [(0, K % 2), (0, 0)]).reshape(-1, 2, N)
    sums = np.maximum(pairs, 0).sum(axis=1), np.maximum(-pairs, 0).sum(axis=1)
    most = np.maximum(*sums).max(axis=0)
    scales = np.maximum(most, np.float32(1e-12)) / np.float32(LEVELS)
    return np.rint(weight / scales).astype(np.int8, order="C"), scales


def _longest_blocks(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return block_weights(weight, _block(weight))


WEIGHTS = {"blocks": _longest_blocks, "channels": channel_weights}
"""What makes levels and scales of a matrix, by form."""


def quantise(graph: Graph, form: str = "blocks", keep: Sequence[np.ndarray] = ()) -> Graph:
    """A graph whose products with a constant matrix use 8-bit weights.

    Args:
        graph: as `translate.translate` gives it; not changed.
        form: "blocks" or "channels".
        keep: arrays whose memory stays as it is (embeddings are no products and stay anyway).

    Raises:
        ValueError: for an unknown form.
    """
    if form not in WEIGHTS:
        raise ValueError(f"{form!r} is not a form of 8-bit weights; choose one of {', '.join(WEIGHTS)}.")
    uses: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            uses.setdefault(name, []).append(node)
    made = replace(graph, nodes=[], constants=dict(graph.constants), rounded=dict(graph.rounded), _known={})
    absorbed: set[str] = set()
    for node in graph.nodes:
        weight = graph.constants.get(node.inputs[1]) if node.operator == "MatMul" else None
        if node.outputs[0] in absorbed:
            continue
        if weight is None or not _fits(weight, form) or any(np.shares_memory(weight, kept) for kept in keep):
            made.nodes.append(node)
            continue
        output, bias = node.outputs, ""
        after = uses.get(node.outputs[0], [])
        if len(after) == 1 and after[0].operator == "Add" and after[0].inputs[0] == node.outputs[0]:
            row = graph.constants.get(after[0].inputs[1])
            if row is not None and row.shape == weight.shape[1:]:
                output, bias = after[0].outputs, after[0].inputs[1]
                absorbed.update(output)
        made.nodes.append(_product(made, node.inputs[:2], weight, bias, output, form))
    made.prune()
    return made


def quantise_caches(graph: Graph) -> Graph:
    """A graph whose caches hold bytes, a quarter of what attention reads otherwise.

    Every cache [B, heads, capacity, d] of attention becomes int8; the graph takes an input more for it, named as the
    old rows with `_scale` behind: float32 [heads, 1, d], what a byte counts (`cache_scale`).
    """
    kinds = {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL", "kv_cache_bit_width": 8}
    nodes: list[Node] = []
    caches: set[str] = set()
    for node in graph.nodes:
        if node.operator == "GroupQueryAttention":
            past = node.inputs[PAST]
            caches.update(past, node.outputs[1:])
            empty = [""] * (SCALE_INPUTS - len(node.inputs))
            names = (*node.inputs, *empty, *(f"{name}_scale" for name in past))
            node = replace(node, inputs=names, attributes={**node.attributes, **kinds})
        nodes.append(node)

    def as_bytes(ports: Sequence[Port]) -> list[Port]:
        return [replace(port, dtype=np.dtype(np.int8)) if port.name in caches else port for port in ports]

    scales = [
        Port(f"{port.name}_scale", (port.shape[1], 1, port.shape[3]), np.dtype(np.float32))
        for port in graph.inputs
        if port.name in caches
    ]
    inputs = [*as_bytes(graph.inputs), *scales]
    return replace(graph, nodes=nodes, inputs=inputs, outputs=as_bytes(graph.outputs), _known={})


def cache_scale(rows: Sequence[np.ndarray]) -> np.ndarray:
    """What a byte counts in a cache that begins with these rows, each [heads, length, d]: float32 [heads, 1, d].

    At least that of the mean channel of a head, for channels that are quiet only in the first rows.
    """
    most = np.max([np.abs(part).max(axis=1, keepdims=True) for part in rows], axis=0)
    return np.maximum(most, most.mean(axis=2, keepdims=True) + np.float32(1e-6)) * (HEADROOM / np.float32(LEVELS))


def cache_levels(rows: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Rows [heads, length, d] as bytes."""
    return np.rint(rows / scale).astype(np.int8)


def _fits(weight: np.ndarray, form: str) -> bool:
    return weight.ndim == 2 and weight.dtype == np.float32 and (form == "channels" or _block(weight) > 0)


def _block(weight: np.ndarray) -> int:
    """The longest block that divides the rows of [K, N]; 0 for none."""
    return next((block for block in BLOCKS if weight.shape[0] % block == 0), 0)


def _product(
    graph: Graph, inputs: tuple[str, ...], weight: np.ndarray, bias: str, outputs: tuple[str, ...], form: str
) -> Node:
    """The node that computes x @ weight + bias with 8-bit weights."""
    K, N = weight.shape
    parts = [graph.constant(part) for part in WEIGHTS[form](weight)]
    graph.rounded |= {name: (inputs[1], form, part) for part, name in enumerate(parts)}
    names = [inputs[0], *parts]
    if form == "blocks":
        sizes = {"K": K, "N": N, "bits": 8, "block_size": _block(weight), "accuracy_level": INT8_COMPUTE}
        return Node("MatMulNBits", (*names, *(["", "", bias] if bias else [])), outputs, sizes, "com.microsoft")
    names.append(graph.constant(np.zeros(N, np.int8)))
    return Node("DynamicQuantizeMatMul", (*names, *([bias] if bias else [])), outputs, {}, "com.microsoft")
