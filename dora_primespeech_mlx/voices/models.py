"""A model's networks on their executor; on ONNX Runtime, graphs are traced once and then read from a cache."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.nets.dimensions.written import as_json, from_json
from dora_primespeech_mlx.runtime.alignment import HeadFinder, Projection
from dora_primespeech_mlx.runtime.factory import (
    accelerated,
    onnx_precision,
    onnx_s2_runner,
    onnx_t2s_runner,
    require_mlx,
    s2_runner,
    t2s_runner,
    width_pays,
)
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner, T2SRunner
from dora_primespeech_mlx.runtime.memory import bound_cache, release
from dora_primespeech_mlx.runtime.onnx.cache import GraphCache, key_of
from dora_primespeech_mlx.runtime.onnx.graph import StoredGraph
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE

T2S_GRAPH, S2_GRAPH = "t2s_{}", "s2_{}"
"""What the graphs of the two networks are called in a cache."""
PROJECTIONS = "t2s_projections"
"""Beside them, and no graph: the arrays of `T2S.projections`."""


@dataclass(frozen=True)
class LoadedModel:
    """The networks of a model on their executor, and whether it listens to the prosody of a text.

    `finder` finds the head of T2S that tells when words are spoken.
    """

    symbols: str | tuple[str, ...]
    t2s: T2SRunner
    sovits: SovitsRunner | DiffusionRunner
    takes_prosody: bool
    finder: HeadFinder


def load_on_mlx(weights: Path | tuple[Path, Path], precision: str) -> LoadedModel:
    """The networks on MLX; `weights` as of `weights.load.load_model`, precision "fp32" or "fp16"."""
    import mlx.core as mx

    from dora_primespeech_mlx.weights.load import load_model

    if accelerated():
        bound_cache()
    model = load_model(weights, precision=precision, wide=width_pays())
    takes_prosody = bool(mx.any(model.t2s.bert_proj.weight != 0).item())
    finder = HeadFinder(model.t2s.projections, model.t2s.config)
    runners = t2s_runner(model.t2s, "mlx"), s2_runner(model.sovits, "mlx")
    return LoadedModel(model.symbols, *runners, takes_prosody, finder)


def load_on_onnx(weights: Path | tuple[Path, Path], precision: str, threads: int | None, cache: Path) -> LoadedModel:
    """The networks on ONNX Runtime.

    Args:
        weights: as of `weights.load.load_model`.
        precision: "fp32" or "int8", see `runtime.factory.t2s_runner`.
        threads: None for the default.
        cache: folder of graphs, see `runtime.onnx.cache`.

    Raises:
        FileNotFoundError, CheckpointError: as `weights.load.load_model`.
        ImportError: there are no graphs yet, and MLX, which they are traced from, is not installed.
    """
    graphs = GraphCache(cache)
    content = _content(weights, graphs)
    key = key_of(onnx_precision(precision), *content) if content else None
    found = graphs.read(key) if key else None
    if found is None:
        found = _traced(weights, precision)
        if key and graphs.write(key, *found):
            found = graphs.read(key) or found  # mapped, where those just made take memory of their own
        release()
    said, stored = found
    t2s, sovits = (from_json(said[name]) for name in ("t2s", "sovits"))
    symbols = said["symbols"]
    return LoadedModel(
        symbols if isinstance(symbols, str) else tuple(symbols),
        onnx_t2s_runner(t2s, lambda name: stored[T2S_GRAPH.format(name)], threads),
        onnx_s2_runner(sovits, lambda name: stored[S2_GRAPH.format(name)], precision, threads),
        said["takes_prosody"],
        HeadFinder(partial(_projections, stored[PROJECTIONS]), t2s),
    )


def _content(weights: Path | tuple[Path, Path], graphs: GraphCache) -> tuple[str, ...]:
    """What the files of a model are; empty where they are not what their manifest says, which is for others to tell."""
    if isinstance(weights, Path):
        return graphs.content(weights, CONFIG_FILE, (T2S_FILE, SOVITS_FILE))
    with suppress(OSError):
        return tuple(graphs.digest(path) for path in weights)
    return ()


def _traced(weights: Path | tuple[Path, Path], precision: str) -> tuple[dict[str, Any], dict[str, StoredGraph]]:
    """What is to be known of a model, and its graphs by name, traced."""
    require_mlx(f"{weights} has no graphs on this computer yet, and none can be traced")
    import mlx.core as mx

    from dora_primespeech_mlx.runtime.onnx.traced import s2_tracers, t2s_tracers
    from dora_primespeech_mlx.weights.load import load_model

    model, precision = load_model(weights), onnx_precision(precision)
    tracers = {T2S_GRAPH.format(name): trace for name, trace in t2s_tracers(model.t2s, precision).items()}
    tracers |= {S2_GRAPH.format(name): trace for name, trace in s2_tracers(model.sovits, precision).items()}
    said = {
        "symbols": model.symbols,
        "t2s": as_json(model.t2s.config),
        "sovits": as_json(model.sovits.config),
        "takes_prosody": bool(mx.any(model.t2s.bert_proj.weight != 0).item()),
    }
    pairs = enumerate(model.t2s.projections())
    numbers = {f"{layer} {part}": array for layer, pair in pairs for part, array in enumerate(pair)}
    return said, {PROJECTIONS: StoredGraph(b"", numbers)} | {name: trace().stored() for name, trace in tracers.items()}


def _projections(stored: StoredGraph) -> list[Projection]:
    """What `T2S.projections` gave."""
    return [(stored.weights[f"{layer} 0"], stored.weights[f"{layer} 1"]) for layer in range(len(stored.weights) // 2)]
