"""SoVITS (the s2 model of GPT-SoVITS v1, v2, v2Pro, v2ProPlus): semantic codes and phones to samples.

The stages are separate methods, since streaming calls them on different spans: `timbre` once per voice, `encode`
on all tokens so far, `flow` and `dec` on the new frames with their context.
"""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_map

from dora_primespeech_mlx.nets.code_encoder import CodeEncoder
from dora_primespeech_mlx.nets.dimensions.sovits import SovitsConfig
from dora_primespeech_mlx.nets.operations import OPERATIONS, convolved, masked
from dora_primespeech_mlx.nets.vocoder import Vocoder


class WaveNet(nn.Module):
    """Gated convolutions with a skip sum, conditioned on the timbre (undilated here)."""

    def __init__(self, channels: int, kernel: int, layers: int, gin: int):
        super().__init__()
        self.in_layers = [nn.Conv1d(channels, 2 * channels, kernel, padding=kernel // 2) for _ in range(layers)]
        self.res_skip_layers = [
            nn.Linear(channels, 2 * channels if i < layers - 1 else channels) for i in range(layers)
        ]
        self.cond_layer = nn.Linear(gin, 2 * channels * layers)
        self._operations = OPERATIONS

    def __call__(self, x: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, C], ge [B, 1, gin], mask [B, T] of real frames (None: all); returns the skip sum [B, T, C]."""
        conditions = mx.split(self.cond_layer(ge), len(self.in_layers), axis=-1)
        keep = None if mask is None else mask[..., None].astype(x.dtype)
        skips: list[mx.array] = []
        for convolve, res_skip, condition in zip(self.in_layers, self.res_skip_layers, conditions, strict=True):
            convolution = convolved(convolve, masked(x, keep))
            out = res_skip(self._operations.gated(convolution, convolve.bias, condition))
            if len(skips) < len(self.in_layers) - 1:
                residual, out = mx.split(out, 2, axis=-1)
                x = x + residual
            skips.append(out)
        return sum(skips[1:], skips[0])


class Coupling(nn.Module):
    """Mean-only residual coupling, run in reverse."""

    def __init__(self, inter: int, channels: int, kernel: int, layers: int, gin: int):
        super().__init__()
        self.pre = nn.Linear(inter // 2, channels)
        self.enc = WaveNet(channels, kernel, layers, gin)
        self.post = nn.Linear(channels, inter // 2)
        self._reversed = False

    def reverse(self) -> None:
        """Changes the weights so that channels come, and go, in the opposite order."""
        self.pre.weight, self.post.weight = self.pre.weight[:, ::-1], self.post.weight[::-1]
        self.post.bias = self.post.bias[::-1]
        for layer in (self.pre, self.post):
            layer.update(tree_map(mx.contiguous, layer.parameters()))
        self._reversed = not self._reversed

    def __call__(self, x: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, inter]; returns [B, T, inter] with the second half shifted back, or the first when reversed.

        `mask` as of `WaveNet`.
        """
        first, second = mx.split(x, 2, axis=-1)
        kept, shifted = (second, first) if self._reversed else (first, second)
        shifted = shifted - self.post(self.enc(self.pre(kept), ge, mask))
        return mx.concatenate([shifted, kept] if self._reversed else [kept, shifted], axis=-1)


class Flow(nn.Module):
    """The normalising flow in reverse: prior samples to decoder latents."""

    def __init__(self, config: SovitsConfig):
        super().__init__()
        vocoder = config.vocoder
        self.flows = [
            Coupling(
                vocoder.inter_channels,
                config.flow_channels,
                config.flow_kernel,
                config.flow_depth,
                vocoder.gin_channels,
            )
            for _ in range(config.flow_layers)
        ]
        self._reversed = False

    def settle(self) -> None:
        """Folds the reversals of channels between couplings into the weights of every second coupling, once."""
        for coupling in self.flows[::-1][::2]:
            coupling.reverse()
        self._reversed = True

    def __call__(self, x: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [B, T, inter], ge [B, 1, gin], mask [B, T] of real frames (None: all); returns [B, T, inter]."""
        for coupling in reversed(self.flows):
            x = coupling(x if self._reversed else x[..., ::-1], ge, mask)
        return x[..., ::-1] if self._reversed and len(self.flows) % 2 else x


class Sovits(CodeEncoder):
    """The whole s2 model, for inference."""

    def __init__(self, config: SovitsConfig):
        gin = config.vocoder.gin_channels
        super().__init__(config, gin, 2 * config.vocoder.inter_channels)
        self.flow = Flow(config)
        self.dec = Vocoder(config.vocoder)
        if config.speaker_dim:
            self.sv_emb = nn.Linear(config.speaker_dim, gin)
            self.ge_to512 = nn.Linear(gin, config.mrte_channels)
            self.prelu = nn.PReLU(gin)
        self._config = config

    def settle(self, multiple: int = 1) -> None:
        """Brings flow and vocoder, evaluated, into the form that is fast; `multiple` as of `vocoder.settle`."""
        self.flow.settle()
        self.dec.settle(multiple)
        mx.eval(self.parameters())

    @property
    def config(self) -> SovitsConfig:
        """The dimensions the model was built with."""
        return self._config

    def timbre(self, spectrum: mx.array, speaker: mx.array | None = None) -> mx.array:
        """Timbre of one reference: spectrum [B, T, >= bins], speaker [B, speaker_dim] (Pro); returns [B, 1, gin].

        Several references are averaged by the caller.
        """
        ge = self.style(spectrum)
        if not self._config.speaker_dim:
            return ge
        if speaker is None:
            raise ValueError(
                f"A {self._config.version} model needs a speaker embedding of {self._config.speaker_dim} numbers."
            )
        return self.prelu(ge + self.sv_emb(speaker)[:, None, :])

    def text_timbre(self, ge: mx.array) -> mx.array:
        """The timbre as the text encoder takes it, [B, 1, mrte_channels]."""
        return self.ge_to512(ge) if self._config.speaker_dim else ge

    def encode(
        self,
        codes: mx.array,
        text: mx.array,
        ge: mx.array,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
        resample: tuple[mx.array, mx.array, mx.array] | None = None,
    ) -> tuple[mx.array, mx.array]:
        """Prior of the latent frames: mean and log deviation, each [B, frames, inter_channels].

        `ge` is the timbre [B, 1, gin]; other arguments and the number of frames as of `frames`.
        """
        frames = self.frames(codes, text, self.text_timbre(ge), code_mask, phone_mask, resample)
        mean, log_deviation = mx.split(self.enc_p.proj(frames), 2, axis=-1)
        return mean, log_deviation


def fold_weight_norm(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Replaces each pair `weight_g`, `weight_v` by the weight it stands for, in float32.

    The norm runs over every axis where g has size 1. torch's newer names of the pair are read too.
    """
    weights = {_weight_norm_name(name): value for name, value in weights.items()}
    folded = {}
    for name, value in weights.items():
        if name.endswith(".weight_g"):
            continue
        if name.endswith(".weight_v"):
            gain = weights[name[:-1] + "g"].astype(np.float32)
            direction = value.astype(np.float32)
            axes = tuple(i for i, n in enumerate(gain.shape) if n == 1)
            norm = np.sqrt((direction**2).sum(axis=axes, keepdims=True))
            name, value = name[: -len("_v")], gain * direction / norm
        folded[name] = value
    return folded


def _weight_norm_name(name: str) -> str:
    return name.replace("parametrizations.weight.original0", "weight_g").replace(
        "parametrizations.weight.original1", "weight_v"
    )


UNUSED = ("enc_q.", "quantizer.vq.layers.0._codebook.inited", "quantizer.vq.layers.0._codebook.cluster_size",
          "quantizer.vq.layers.0._codebook.embed_avg")  # fmt: skip
RENAMES = (
    ("quantizer.vq.layers.0._codebook.embed", "quantizer.weight"),
    ("ref_enc.spectral.0.fc.", "ref_enc.spectral.0."),
    ("ref_enc.spectral.3.fc.", "ref_enc.spectral.1."),
    ("ref_enc.temporal.0.conv1.conv.", "ref_enc.temporal.0."),
    ("ref_enc.temporal.1.conv1.conv.", "ref_enc.temporal.1."),
    ("ref_enc.slf_attn.fc.", "ref_enc.attention_out."),
    ("ref_enc.slf_attn.", "ref_enc."),
    ("ref_enc.fc.fc.", "ref_enc.fc."),
    ("flow.flows.2.", "flow.flows.1."),
    ("flow.flows.4.", "flow.flows.2."),
    ("flow.flows.6.", "flow.flows.3."),
)


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official s2 tensors to this module's names and layouts: no training parts, weight norm folded, channels last.

    Pointwise convolutions become linear layers [out, in]; other convolutions [out, kernel, in].
    """
    clean = {}
    for name, value in fold_weight_norm(weights).items():
        if name.startswith(UNUSED):
            continue
        for old, new in RENAMES:
            if name.startswith(old):
                name = new + name[len(old) :]
                break
        name = name.replace(".gamma", ".weight").replace(".beta", ".bias")
        if name.startswith("dec.ups.") and name.endswith(".weight"):
            value = value.transpose(1, 2, 0)
        elif value.ndim == 3 and name.endswith(".weight"):
            value = value[..., 0] if value.shape[2] == 1 else value.transpose(0, 2, 1)
        clean[name] = np.ascontiguousarray(value)
    return clean
