"""Networks of toy sizes with random weights."""

import math
from typing import TypeVar

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_map

from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.dimensions.t2s import T2SConfig
from dora_primespeech_mlx.nets.dimensions.vocoder import VocoderConfig

Network = TypeVar("Network", bound=nn.Module)

T2S_CONFIG = T2SConfig(
    hidden=128, heads=4, layers=2, feed_forward=256, phones=40, vocabulary=65, end=64, head_dim=32, head_width=32,
    max_seconds=54,
)  # fmt: skip
VOCODER = VocoderConfig(8, 32, 16, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), (3, 7), ((1, 3), (1, 3)))
SOVITS_CONFIG = SovitsConfig(
    version="v2Pro", symbols=40, hidden_channels=16, filter_channels=24, heads=2, layers=2, ssl_layers=1, post_layers=1,
    kernel=3, window=4, code_count=64, ssl_dim=20, mrte_channels=32, spectrum_bins=30, style_channels=16,
    style_kernel=5, flow_channels=16, flow_layers=4, flow_depth=2, flow_kernel=5, speaker_dim=12, vocoder=VOCODER,
)  # fmt: skip


def random_weights(network: Network) -> Network:
    """`network` with small random numbers for weights."""

    def draw(parameter: mx.array) -> mx.array:
        scale = math.prod(parameter.shape[1:]) ** -0.5 if parameter.ndim > 1 else 0.1
        return parameter * (parameter.ndim < 2) + mx.random.normal(parameter.shape) * scale

    network.update(tree_map(draw, network.parameters()))
    mx.eval(network.parameters())
    return network
