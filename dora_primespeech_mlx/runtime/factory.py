"""Which executor runs a network."""

import mlx.core as mx

from dora_primespeech_mlx.nets.sovits import Sovits
from dora_primespeech_mlx.nets.t2s import T2S
from dora_primespeech_mlx.runtime.interface import SovitsRunner, T2SRunner
from dora_primespeech_mlx.runtime.mlx_runner import MlxSovitsRunner, MlxT2SRunner


def accelerated() -> bool:
    """Whether MLX has Metal or CUDA here."""
    return mx.default_device().type == mx.DeviceType.gpu


def t2s_runner(model: T2S, runtime: str) -> T2SRunner:
    """Runner of a T2S network; ``runtime`` is "mlx" or "onnx"."""
    return MlxT2SRunner(model, accelerated())


def sovits_runner(model: Sovits, runtime: str) -> SovitsRunner:
    """Runner of a SoVITS network; ``runtime`` is "mlx" or "onnx"."""
    return MlxSovitsRunner(model, accelerated())
