"""A model's networks on their executor; on ONNX Runtime, graphs are traced once and then read from a cache."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.dimensions.written import as_json, from_json
from dora_primespeech_mlx.runtime.alignment import Head, HeadFinder, Projection
from dora_primespeech_mlx.runtime.factory import (
    accelerated,
    has_metal,
    has_mlx,
    onnx_precision,
    onnx_s2_runner,
    onnx_t2s_runner,
    require_mlx,
    s2_runner,
    t2s_runner,
)
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner, T2SRunner
from dora_primespeech_mlx.runtime.memory import bound_cache, release
from dora_primespeech_mlx.runtime.onnx.cache import GraphCache, key_of
from dora_primespeech_mlx.runtime.onnx.fitting import fitted
from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE, read_whole, stamps_of

T2S_GRAPH, S2_GRAPH = "t2s_{}", "s2_{}"
"""What the graphs of the two networks are called in a cache."""
PROJECTIONS = "t2s_projections"
"""Beside them, and no graph: the arrays of `T2S.projections`."""
HEAD = "head"
"""An entry of its own: what `HeadFinder` found."""


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
    model = load_model(weights, precision=precision, wide=has_metal())
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
        said, made = _portable(weights, precision) or _traced(weights, precision)
        found = said, {name: fitted(graph) for name, graph in made.items()}
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
        _finder(stored[PROJECTIONS], t2s, graphs, key),
    )


def _content(weights: Path | tuple[Path, Path], graphs: GraphCache) -> tuple[str, ...]:
    """What the files of a model are; empty where they are not what their manifest says, which is for others to tell."""
    if isinstance(weights, Path):
        return graphs.content(weights, CONFIG_FILE, (T2S_FILE, SOVITS_FILE))
    with suppress(OSError):
        return tuple(graphs.digest(path) for path in weights)
    return ()


def _portable(
    weights: Path | tuple[Path, Path], precision: str
) -> tuple[dict[str, Any], dict[str, StoredGraph]] | None:
    """The same from the file that lies with the weights; of another version of this package only without MLX."""
    if isinstance(weights, tuple):
        return None
    from dora_primespeech_mlx.runtime.onnx.portable import read_portable

    return read_portable(weights, onnx_precision(precision), any_code=not has_mlx())


def _traced(weights: Path | tuple[Path, Path], precision: str) -> tuple[dict[str, Any], dict[str, StoredGraph]]:
    """What is to be known of a model, and its graphs by name, traced."""
    require_mlx(f"{weights} has no graphs on this computer yet, and none can be traced")
    from dora_primespeech_mlx.weights.load import load_model

    model = load_model(weights)
    graphs = _graphs(model.t2s, model.sovits, onnx_precision(precision))
    return _said(model.t2s, model.sovits, model.symbols), {name: graph.stored() for name, graph in graphs.items()}


def examine(weights: Path | tuple[Path, Path]) -> Any:
    """Checks the weights of a voice, as far as that can be done here, and gives the dimensions of the s2 network.

    Raises:
        FileNotFoundError, CheckpointError: as `weights.load.load_model`.
        ImportError: there are no graphs that tell the dimensions, and MLX, which would, is not installed.
    """
    if not has_mlx() and (found := _portable(weights, "auto")):
        return from_json(found[0]["sovits"])
    require_mlx("The model cannot be checked")
    from dora_primespeech_mlx.weights.load import examine_model

    return examine_model(weights)


def write_graphs(folder: Path) -> Path:
    """Writes a model's graphs beside its weights, for computers without MLX; returns the file.

    Raises:
        FileNotFoundError, CheckpointError: as `weights.load.load_model`.
        ImportError: MLX is not installed.
    """
    require_mlx(f"{folder} cannot be traced")
    from dora_primespeech_mlx.runtime.onnx.write_portable import write_portable
    from dora_primespeech_mlx.weights.load import build_sovits, build_t2s, load_model

    model, precision = load_model(folder), onnx_precision("auto")
    config, tensors = read_whole(folder, CONFIG_FILE, (T2S_FILE, SOVITS_FILE))

    def traced(t2s: Mapping[str, Any], s2: Mapping[str, Any], precision: str) -> Mapping[str, Graph]:
        networks = build_t2s(t2s, config["t2s"]), build_sovits(s2, config["sovits"], config["version"])
        return _graphs(*networks, precision)

    about = {
        "precision": precision,
        "weights": {name: stamp.sha256 for name, stamp in stamps_of(config).items()},
        "said": _said(model.t2s, model.sovits, model.symbols),
    }
    return write_portable(folder, traced, (tensors[0], tensors[1]), about)


def _said(t2s: Any, sovits: Any, symbols: str | tuple[str, ...]) -> dict[str, Any]:
    """What is to be known of a model besides its graphs."""
    return {
        "symbols": symbols,
        "t2s": as_json(t2s.config),
        "sovits": as_json(sovits.config),
        "takes_prosody": bool((t2s.bert_proj.weight != 0).any().item()),
    }


def _graphs(t2s: Any, sovits: Any, precision: str) -> dict[str, Graph]:
    """The graphs of two networks by name."""
    from dora_primespeech_mlx.runtime.onnx.traced import s2_tracers, t2s_tracers

    tracers = {T2S_GRAPH.format(name): trace for name, trace in t2s_tracers(t2s, precision).items()}
    tracers |= {S2_GRAPH.format(name): trace for name, trace in s2_tracers(sovits, precision).items()}
    pairs = enumerate(t2s.projections())
    numbers = {f"{layer} {part}": array for layer, pair in pairs for part, array in enumerate(pair)}
    return {PROJECTIONS: Graph(constants=numbers)} | {name: trace() for name, trace in tracers.items()}


def _finder(projections: StoredGraph, config: T2SConfig, graphs: GraphCache, key: str | None) -> HeadFinder:
    """Finds the head that tells when words are spoken, once for the graphs of that key."""
    name = key_of(HEAD, key) if key else ""

    def keep(head: Head | None) -> None:
        place = [] if head is None else [head.layer, head.head]
        arrays = {} if head is None else {"weight": head.weight, "bias": head.bias}
        if name:
            graphs.write(name, {HEAD: place}, {HEAD: StoredGraph(b"", arrays)})

    finder = HeadFinder(partial(_projections, projections), config, keep)
    if name and (kept := graphs.read(name)):
        place, arrays = kept[0][HEAD], kept[1][HEAD].weights
        finder.settle(Head(place[0], place[1], arrays["weight"], arrays["bias"]) if place else None)
    return finder


def _projections(stored: StoredGraph) -> list[Projection]:
    """What `T2S.projections` gave."""
    return [(stored.weights[f"{layer} 0"], stored.weights[f"{layer} 1"]) for layer in range(len(stored.weights) // 2)]
