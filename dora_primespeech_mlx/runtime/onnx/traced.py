"""Every graph of a network by the names that runners ask for, traced when asked for."""

from collections.abc import Callable
from functools import partial

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.onnx import trace_diffusion, trace_sovits
from dora_primespeech_mlx.runtime.onnx.fitting import for_this_computer
from dora_primespeech_mlx.runtime.onnx.graph import Graph
from dora_primespeech_mlx.runtime.onnx.trace_t2s import t2s_graphs

Tracers = dict[str, Callable[[], Graph]]
"""What traces each graph."""


def t2s_tracers(model: T2S, precision: str) -> Tracers:
    """What traces the graphs of `runtime.onnx.t2s.OnnxT2SRunner`; the precision is that of the layers."""
    made: dict[str, Graph] = {}

    def both(name: str) -> Graph:
        if not made:
            made["prefill"], made["step"] = t2s_graphs(model, precision)
        return made[name]

    return {name: partial(both, name) for name in ("prefill", "step")}


def s2_tracers(model: Sovits | DiffusionSovits, precision: str) -> Tracers:
    """What traces the graphs of the runner of an s2 network; the precision is that of a diffusion transformer."""
    if isinstance(model, DiffusionSovits):
        return {
            "timbre": partial(trace_diffusion.timbre_graph, model),
            "features": partial(trace_diffusion.features_graph, model),
            "condition": partial(trace_diffusion.condition_graph, model),
            "velocity": partial(trace_diffusion.velocity_graph, model, precision),
            "vocoder": partial(trace_diffusion.mel_vocoder_graph, model),
            "codes": partial(trace_sovits.codes_graph, model),
        }
    return {
        "timbre": partial(trace_sovits.timbre_graph, model),
        "read": partial(trace_sovits.read_graph, model),
        "encode": partial(trace_sovits.encode_graph, model, resampled=False),
        "encode_resampled": partial(trace_sovits.encode_graph, model, resampled=True),
        "flow": partial(trace_sovits.flow_graph, model),
        "vocoder": partial(trace_sovits.vocoder_graph, model),
        "codes": partial(trace_sovits.codes_graph, model),
    }


def graph_of(tracers: Tracers) -> Callable[[str], Graph]:
    """What a runner asks for its graphs."""
    return lambda name: for_this_computer(tracers[name]())
