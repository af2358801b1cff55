"""The same graphs through OpenVINO, in bf16, where the optional package is installed and the CPU has it."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

from dora_primespeech_mlx.runtime.onnx import processor
from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph
from dora_primespeech_mlx.runtime.onnx.session import default_threads


def available() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


@cache
def pays() -> bool:
    """Whether OpenVINO is installed and the CPU computes in bf16, if it is Intel's with AMX.

    In float32 with AVX2 its vocoder takes 7 to 15 % longer than ONNX Runtime's, and it prepares every new length; in
    bf16 on Intel's AVX-512 alone it takes 72 % longer.
    """
    slow = {"GenuineIntel", "avx512_bf16"} <= processor.said() and "amx_bf16" not in processor.said()
    if slow or not available():
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoFunction:
    """A graph as a function of numpy arrays, run by OpenVINO."""

    def __init__(self, graph: Graph | StoredGraph | Path, threads: int | None = None, exact: bool = False):
        """Compiles the graph.

        Args:
            graph: of standard ONNX operators only; or an ONNX file of such.
            threads: None for `onnx_session.default_threads`.
            exact: keep float32; otherwise OpenVINO takes bf16 where the CPU computes in it.
        """
        import openvino

        core = openvino.Core()
        settings: dict[str, str | int] = {"INFERENCE_NUM_THREADS": threads or default_threads(), "NUM_STREAMS": 1}
        if exact:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        if isinstance(graph, Graph):
            graph = graph.stored()
        model = core.read_model(graph if isinstance(graph, Path) else graph.embedded())
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Results in the order of the outputs, for arrays in the order of the inputs."""
        return [np.array(value) for value in self._request.infer(list(arrays)).values()]
