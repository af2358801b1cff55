"""The vocoder through OpenVINO, in bf16, where the optional package is installed and the CPU is quick in it."""

import importlib.util
from functools import cache
from itertools import pairwise
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig
from dora_primespeech_mlx.runtime.memory import trim_heap
from dora_primespeech_mlx.runtime.onnx import processor
from dora_primespeech_mlx.runtime.onnx.folds import folded
from dora_primespeech_mlx.runtime.onnx.graph import Graph, StoredGraph
from dora_primespeech_mlx.runtime.onnx.session import BUILDER
from dora_primespeech_mlx.runtime.onnx.windows import Parts

if TYPE_CHECKING:
    import openvino

STRETCH = 24
"""Frames that it renders at a time. More are several stretches, at once where there are threads."""


def available() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def would_pay() -> bool:
    """Whether the processor is known to be quick in bf16: AMD's that have it, Intel's with AMX."""
    words = processor.said()
    return "amx_bf16" in words or {"AuthenticAMD", "avx512_bf16"} <= words


@cache
def pays() -> bool:
    """Whether OpenVINO is installed and the CPU computes in bf16, if it is Intel's with AMX.

    In float32 with AVX2 its vocoder takes 7 to 15 % longer than ONNX Runtime's; in bf16 on Intel's AVX-512 alone it
    takes 72 % longer.
    """
    slow = "avx512_bf16" in processor.said() and not would_pay()
    if slow or not available():
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def window_frames(config: VocoderConfig) -> int:
    """Latents of a stretch with its context."""
    return STRETCH + 2 * config.context


class OpenVinoVocoder:
    """A vocoder compiled for windows of one length, for any number of threads at once.

    A sample is the same to the bit wherever in a window it lies, so that audio in chunks is that of the whole.
    With open lengths OpenVINO takes half as long again, and prepares each that is new to it for .4 to 1.6 s.
    """

    def __init__(self, graph: Graph | StoredGraph | Path, config: VocoderConfig, threads: int, streams: int):
        """Begins to compile, which the first use waits for.

        Args:
            graph: of standard ONNX operators only; or an ONNX file of such.
            config: the vocoder's dimensions, of which the first rate is even (see `folds.folded`).
            threads: in all.
            streams: calls at the same time, which share them.
        """
        self._config, self._frames = config, window_frames(config)
        # What later stages render of a window; see `windows.Parts`.
        self._kept = STRETCH + 2 * -(-config.narrow_contexts[0] // config.upsample_rates[0])
        settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams}
        self._compiled = BUILDER.submit(self._compile, graph, settings)
        self._idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()

    def __call__(self, latent: np.ndarray, ge: np.ndarray, start: int, stop: int) -> np.ndarray | None:
        """Samples, float32 [(stop - start) * hop]; None where the latents are fewer than it needs, as in short texts.

        Args:
            latent: float32 [frames, inter]; the first and the last are taken for those of a sentence where there is
                less than the context between them and what is wanted.
            ge: timbre, float32 [gin].
            start: first frame that is wanted.
            stop: first after them that is not.
        """
        count = -(-(stop - start) // STRETCH)
        ends = [start + (stop - start) * part // count for part in range(count + 1)]
        windows = [(self._begin(len(latent), *stretch), *stretch) for stretch in pairwise(ends)]
        if any(begin < 0 for begin, _, _ in windows):
            return None
        running = [self._start(latent, ge, *window) for window in windows]
        return np.concatenate([self._finish(*run) for run in running])

    def _begin(self, count: int, start: int, stop: int) -> int:
        """The first of so many latents that the window of a stretch holds; less than nothing where these are too few.

        Behind the context of a stretch anything may come, but where a sentence ends nothing may.
        """
        ended = stop + self._config.context > count
        return count - self._frames if ended else max(0, start - self._config.context)

    def _start(
        self, latent: np.ndarray, ge: np.ndarray, begin: int, start: int, stop: int
    ) -> tuple["openvino.InferRequest", Parts]:
        window = latent[begin : begin + self._frames]
        window = np.pad(window, [(0, self._frames - len(window)), (0, 0)])
        parts = Parts(self._config, (start - begin, stop - begin), self._frames, 1, lambda _: self._kept)
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.result().create_infer_request()
        request.start_async([window[None], ge[None, None], *parts.inputs()])
        return request, parts

    def _finish(self, request: "openvino.InferRequest", parts: Parts) -> np.ndarray:
        request.wait()
        samples = parts.joined(request.get_output_tensor().data)
        self._idle.put(request)
        return samples

    def _compile(self, graph: Graph | StoredGraph | Path, settings: dict[str, int]) -> "openvino.CompiledModel":
        import openvino

        core = openvino.Core()
        model = core.read_model(_finished(graph))
        kept = [1, self._config.upsample_rates[0] * self._kept]
        model.reshape(
            {
                "latent": [1, self._frames, self._config.inter_channels],
                "ge": [1, 1, self._config.gin_channels],
                **dict.fromkeys(("kept", "row", "place"), kept),
            }
        )
        compiled = core.compile_model(model, "CPU", settings)
        del model
        trim_heap()
        return compiled


def _finished(graph: Graph | StoredGraph | Path) -> bytes:
    """A finished model, in the form that this processor is quick with."""
    if isinstance(graph, Path):
        graph = StoredGraph(graph.read_bytes(), {})
    if "amx_bf16" in processor.said():
        graph = folded(graph if isinstance(graph, Graph) else Graph.of(graph))
    return (graph.stored() if isinstance(graph, Graph) else graph).embedded()
