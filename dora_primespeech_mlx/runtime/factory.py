"""Which executor runs a network."""

import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dora_primespeech_mlx.nets.dimensions.diffusion import DiffusionConfig
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.runtime import mlx_start
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner, T2SRunner
from dora_primespeech_mlx.settings import RUNTIMES

if TYPE_CHECKING:
    from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
    from dora_primespeech_mlx.nets.sovits import Sovits
    from dora_primespeech_mlx.nets.t2s import T2S
    from dora_primespeech_mlx.runtime.mlx.cuda.device import Device
    from dora_primespeech_mlx.runtime.onnx.session import GraphOf

log = logging.getLogger(__name__)
INSTALL_MLX = "pip install mlx on a Mac, pip install 'mlx[cpu]' or 'mlx[cuda13]' on Linux; it has no wheel for Windows"


def has_mlx() -> bool:
    """Whether MLX is installed."""
    try:
        return "mlx.core" in sys.modules or find_spec("mlx.core") is not None
    except (ImportError, ValueError):
        return False


def require_mlx(why: str) -> None:
    """ImportError saying `why`, and how MLX is installed, where it is not."""
    if not has_mlx():
        raise ImportError(f"{why} without MLX, which is not installed: {INSTALL_MLX}")


def accelerated() -> bool:
    """Whether MLX has Metal or CUDA here. Where only its CPU package is installed it is not imported to be asked."""
    if "mlx.core" not in sys.modules and (not has_mlx() or _only_cpu()):
        return False
    import mlx.core as mx

    return mx.default_device().type == mx.DeviceType.gpu


def _only_cpu() -> bool:
    spec = find_spec("mlx")
    folders = [Path(place).parent for place in (spec and spec.submodule_search_locations) or ()]
    names = {path.name.split("-")[0] for folder in folders for path in folder.glob("mlx_*.dist-info")}
    return "mlx_cpu" in names and not any(name.startswith("mlx_cuda") for name in names)


def has_metal() -> bool:
    """Whether MLX runs on Metal here. Its kernels have gaps, so heads and channels are padded to widths that it has."""
    if not accelerated():
        return False
    import mlx.core as mx

    return not mx.cuda.is_available()


def has_cuda() -> bool:
    """Whether MLX runs on CUDA here."""
    return accelerated() and not has_metal()


def choose(runtime: str) -> str:
    """The executor for a setting: "mlx" or "onnx"; "auto" is MLX where it has Metal or CUDA, else ONNX Runtime.

    Raises:
        ValueError: for another setting, or MLX where it is not installed.
    """
    if not RUNTIMES.accepts(runtime):
        raise ValueError(f"{runtime!r} is not a runtime; it must be {RUNTIMES.allowed}.")
    if runtime == "mlx" and not has_mlx():
        raise ValueError(f"The runtime mlx needs MLX, which is not installed: {INSTALL_MLX}.")
    if runtime != "auto":
        return runtime
    return "mlx" if accelerated() else "onnx"


def t2s_runner(model: "T2S", runtime: str = "auto", precision: str = "auto", threads: int | None = None) -> T2SRunner:
    """Runner of a T2S network.

    Args:
        model: evaluated; with float32 weights for ONNX Runtime.
        runtime: "mlx", "onnx" or "auto".
        precision: on ONNX Runtime "int8" (also "auto") or "fp32"; MLX runs in the precision of the weights.
        threads: of ONNX Runtime; None for its default.
    """
    if choose(runtime) == "mlx":
        return _mlx_t2s_runner(model)
    from dora_primespeech_mlx.runtime.onnx.traced import graph_of, t2s_tracers

    return onnx_t2s_runner(model.config, graph_of(t2s_tracers(model, onnx_precision(precision))), threads)


def onnx_precision(precision: str) -> str:
    """The precision of T2S and of diffusion on ONNX Runtime for a setting: "int8" or "fp32"."""
    return "int8" if precision in ("auto", "int8") else "fp32"


def onnx_t2s_runner(config: T2SConfig, graph: "GraphOf", threads: int | None) -> T2SRunner:
    """Runner of a T2S network from its graphs."""
    from dora_primespeech_mlx.runtime.onnx.t2s import OnnxT2SRunner

    return OnnxT2SRunner(config, graph, threads)


def onnx_s2_runner(
    config: SovitsConfig | DiffusionConfig, graph: "GraphOf", precision: str, threads: int | None
) -> SovitsRunner | DiffusionRunner:
    """Runner of an s2 network of any version from its graphs; precision as of `sovits_runner`."""
    if isinstance(config, DiffusionConfig):
        from dora_primespeech_mlx.runtime.onnx.diffusion import OnnxDiffusionRunner

        return OnnxDiffusionRunner(config, graph, threads)
    from dora_primespeech_mlx.runtime.onnx.sovits import OnnxSovitsRunner

    return OnnxSovitsRunner(config, graph, threads, exact=precision == "fp32")


def _mlx_t2s_runner(model: "T2S") -> T2SRunner:
    import mlx.core as mx

    from dora_primespeech_mlx.runtime.mlx.cuda.device import first_device
    from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner

    half = model.h.layers[0].linear1.weight.dtype == mx.float16
    if accelerated() and mx.cuda.is_available() and half and (device := first_device()):
        return _cuda_t2s_runner(model, device)
    return MlxT2SRunner(model, accelerated())


def _cuda_t2s_runner(model: "T2S", device: "Device") -> T2SRunner:
    """The fastest way that the device has and the network fits."""
    if mlx_start.CAME_FIRST:
        log.warning(
            "mlx.core was imported before dora_primespeech_mlx, so MLX has its own settings for CUDA and audio begins "
            "later: import dora_primespeech_mlx first, or set MLX_USE_CUDA_GRAPHS=0."
        )
    from dora_primespeech_mlx.runtime.mlx.cuda import prefill as cuda_prefill
    from dora_primespeech_mlx.runtime.mlx.cuda import rows as cuda_rows
    from dora_primespeech_mlx.runtime.mlx.cuda.clusters import ClusterT2SRunner, CodesKernel, OperationsPrefill, plan
    from dora_primespeech_mlx.runtime.mlx.cuda.step import BLOCKS, CudaT2SRunner, fits
    from dora_primespeech_mlx.runtime.mlx.cuda.transfers import transfers
    from dora_primespeech_mlx.runtime.mlx.runner import MlxT2SRunner

    if device.clusters and (how := plan(model.config, device.multiprocessors, device.shared)):
        kernel = CodesKernel(model, how)
        many_fit = cuda_rows.fits(model.config, device.multiprocessors, device.shared)
        if not (many_fit and cuda_prefill.fits(model.config, device.shared)):
            return ClusterT2SRunner(kernel, OperationsPrefill(kernel, model), transfers=transfers())
        many = cuda_rows.ManyKernel(model, device.multiprocessors)
        return ClusterT2SRunner(kernel, cuda_prefill.PrefillKernel(model, many), many, transfers())
    blocks = min(BLOCKS, device.multiprocessors)
    return CudaT2SRunner(model, blocks) if fits(model.config, blocks) else MlxT2SRunner(model, accelerated=True)


def s2_runner(
    model: "Sovits | DiffusionSovits", runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> SovitsRunner | DiffusionRunner:
    """Runner of the s2 network of any version: `sovits_runner` or `diffusion_runner`."""
    if isinstance(model.config, DiffusionConfig):
        return diffusion_runner(model, runtime, precision, threads)  # type: ignore[arg-type]
    return sovits_runner(model, runtime, precision, threads)  # type: ignore[arg-type]


def sovits_runner(
    model: "Sovits", runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> SovitsRunner:
    """Runner of a SoVITS network; arguments as for `t2s_runner`.

    On ONNX Runtime the weights stay float32; with "fp32" OpenVINO, where it runs the vocoder, does not use bf16.
    """
    if choose(runtime) == "mlx":
        from dora_primespeech_mlx.nets.operations import use
        from dora_primespeech_mlx.runtime.mlx.cuda.operations import CudaOperations
        from dora_primespeech_mlx.runtime.mlx.cuda.transfers import transfers
        from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner

        if not has_cuda():
            return MlxSovitsRunner(model, accelerated(), compiled=has_metal())
        # Compiled convolutions are no faster there, and cost a minute before the first; calls cost more than frames.
        use(model, CudaOperations())
        return MlxSovitsRunner(model, accelerated(), launch_bound=True, transfers=transfers())
    return _traced(model, precision, threads)  # type: ignore[return-value]


def diffusion_runner(
    model: "DiffusionSovits", runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> DiffusionRunner:
    """Runner of the s2 network of v3 and v4; arguments as for `t2s_runner`: "int8" is of the transformer's products."""
    if choose(runtime) == "mlx":
        from dora_primespeech_mlx.runtime.mlx.diffusion import MlxDiffusionRunner

        return MlxDiffusionRunner(model, accelerated(), accelerated(), cuda=has_cuda())
    return _traced(model, precision, threads)  # type: ignore[return-value]


def _traced(model: "Sovits | DiffusionSovits", precision: str, threads: int | None) -> SovitsRunner | DiffusionRunner:
    from dora_primespeech_mlx.runtime.onnx.traced import graph_of, s2_tracers

    graph = graph_of(s2_tracers(model, onnx_precision(precision)))
    return onnx_s2_runner(model.config, graph, precision, threads)
