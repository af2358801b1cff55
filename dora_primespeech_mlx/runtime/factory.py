"""Which executor runs a network."""

import mlx.core as mx

from dora_primespeech_mlx.nets.diffusion import DiffusionSovits
from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.interface import DiffusionRunner, SovitsRunner, T2SRunner
from dora_primespeech_mlx.runtime.mlx.cuda_device import Device, first_device
from dora_primespeech_mlx.runtime.mlx.diffusion import MlxDiffusionRunner
from dora_primespeech_mlx.runtime.mlx.runner import MlxSovitsRunner, MlxT2SRunner

RUNTIMES = ("auto", "mlx", "onnx")


def accelerated() -> bool:
    """Whether MLX has Metal or CUDA here."""
    return mx.default_device().type == mx.DeviceType.gpu


def wide_heads_pay() -> bool:
    """Whether to pad attention heads to the width of a fused kernel: on Metal; for CUDA the step has its own kernel."""
    return accelerated() and not mx.cuda.is_available()


def choose(runtime: str) -> str:
    """The executor for a setting: "mlx" or "onnx"; "auto" is MLX where it has Metal or CUDA, else ONNX Runtime.

    Raises:
        ValueError: for another setting.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"{runtime!r} is not a runtime; choose one of {', '.join(RUNTIMES)}.")
    if runtime != "auto":
        return runtime
    return "mlx" if accelerated() else "onnx"


def t2s_runner(model: T2S, runtime: str = "auto", precision: str = "auto", threads: int | None = None) -> T2SRunner:
    """Runner of a T2S network.

    Args:
        model: evaluated; with float32 weights for ONNX Runtime.
        runtime: "mlx", "onnx" or "auto".
        precision: on ONNX Runtime "int8" (also "auto") or "fp32"; MLX runs in the precision of the weights.
        threads: of ONNX Runtime; None for its default.
    """
    if choose(runtime) == "mlx":
        return _mlx_t2s_runner(model)
    from dora_primespeech_mlx.runtime.onnx.t2s import OnnxT2SRunner

    return OnnxT2SRunner(model, "int8" if precision in ("auto", "int8") else "fp32", threads)


def _mlx_t2s_runner(model: T2S) -> T2SRunner:
    half = model.h.layers[0].linear1.weight.dtype == mx.float16
    if accelerated() and mx.cuda.is_available() and half and (device := first_device()):
        return _cuda_t2s_runner(model, device)
    return MlxT2SRunner(model, accelerated())


def _cuda_t2s_runner(model: T2S, device: Device) -> T2SRunner:
    """The fastest way that the device has and the network fits."""
    from dora_primespeech_mlx.runtime.mlx.cuda_clusters import ClusterT2SRunner, plan
    from dora_primespeech_mlx.runtime.mlx.cuda_t2s import BLOCKS, CudaT2SRunner, fits

    if device.clusters and (how := plan(model.config, device.multiprocessors, device.shared)):
        return ClusterT2SRunner(model, how)
    blocks = min(BLOCKS, device.multiprocessors)
    return CudaT2SRunner(model, blocks) if fits(model.config, blocks) else MlxT2SRunner(model, accelerated=True)


def s2_runner(
    model: Sovits | DiffusionSovits, runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> SovitsRunner | DiffusionRunner:
    """Runner of the s2 network of any version: `sovits_runner` or `diffusion_runner`."""
    if isinstance(model, DiffusionSovits):
        return diffusion_runner(model, runtime, precision, threads)
    return sovits_runner(model, runtime, precision, threads)


def sovits_runner(
    model: Sovits, runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> SovitsRunner:
    """Runner of a SoVITS network; arguments as for `t2s_runner`.

    On ONNX Runtime the weights stay float32; with "fp32" OpenVINO, where it runs the vocoder, does not use bf16.
    """
    if choose(runtime) == "mlx":
        return MlxSovitsRunner(model, accelerated(), compiled=accelerated())
    from dora_primespeech_mlx.runtime.onnx.sovits import OnnxSovitsRunner

    return OnnxSovitsRunner(model, threads, exact=precision == "fp32")


def diffusion_runner(
    model: DiffusionSovits, runtime: str = "auto", precision: str = "auto", threads: int | None = None
) -> DiffusionRunner:
    """Runner of the s2 network of v3 and v4; arguments as for `t2s_runner`: "int8" is of the transformer's products."""
    if choose(runtime) == "mlx":
        return MlxDiffusionRunner(model, accelerated(), compiled=accelerated())
    from dora_primespeech_mlx.runtime.onnx.diffusion import OnnxDiffusionRunner

    return OnnxDiffusionRunner(model, "int8" if precision in ("auto", "int8") else "fp32", threads)
