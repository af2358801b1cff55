"""The CPU executor's graphs as files, for other programs; the executor itself keeps them in memory."""

from pathlib import Path

import onnx

from dora_primespeech_mlx.files.writing import make_folder
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.onnx.trace_sovits import encode_graph, flow_graph, timbre_graph, vocoder_graph
from dora_primespeech_mlx.runtime.onnx.trace_t2s import t2s_graphs


def export_onnx(t2s: T2S, sovits: Sovits, folder: Path, precision: str = "fp32") -> list[Path]:
    """Writes one ONNX file for each stage, weights within, and returns their paths.

    Args:
        t2s: with float32 weights, evaluated.
        sovits: likewise.
        folder: made if it is not there.
        precision: of the T2S layers, "fp32" or "int8"; the files then use operators of ONNX Runtime, and
            the step of a large model takes caches of bytes with their scales (`quantise.quantise_caches`).
    """
    prefill, step = t2s_graphs(t2s, precision)
    graphs = {
        "t2s_prefill": prefill,
        "t2s_step": step,
        "sovits_timbre": timbre_graph(sovits),
        "sovits_encode": encode_graph(sovits, resampled=False),
        "sovits_encode_resampled": encode_graph(sovits, resampled=True),
        "sovits_flow": flow_graph(sovits),
        "sovits_vocoder": vocoder_graph(sovits),
    }
    make_folder(folder)
    written = []
    for name, graph in graphs.items():
        written.append(folder / f"{name}.onnx")
        onnx.save(graph.to_model(embed=True), written[-1])
    return written
