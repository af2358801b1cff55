"""The vocoder with every convolution as one matrix product over unfolded frames, to be compared with the package's.

On CUDA a convolution goes through cuDNN, whose launches cost the host more than those of a product.
"""

import mlx.core as mx
import mlx.nn as nn

from dora_primespeech_mlx.nets.vocoder import FINAL_SLOPE, SLOPE, Phases, Vocoder


class UnfoldedVocoder:
    """Samples of latents, as `Vocoder` gives them; for a batch of one."""

    def __init__(self, vocoder: Vocoder):
        """Takes the weights of an evaluated vocoder."""
        self._vocoder = vocoder

    def __call__(self, latent: mx.array, ge: mx.array) -> mx.array:
        """Latent [1, frames, C] and timbre ge [1, 1, gin] to samples [1, frames * product(rates)]."""
        vocoder, branches = self._vocoder, self._vocoder._branches
        x = _convolve(vocoder.conv_pre, latent[0]) + vocoder.cond(ge)[0]
        for stage, up in enumerate(vocoder.ups):
            x = _raise(up, nn.leaky_relu(x, SLOPE))
            blocks = vocoder.resblocks[stage * branches : (stage + 1) * branches]
            x = sum((_block(block, x) for block in blocks[1:]), _block(blocks[0], x)) / branches
        return mx.tanh(_convolve(vocoder.conv_post, nn.leaky_relu(x, FINAL_SLOPE)))[None, :, 0]


def _block(block: nn.Module, x: mx.array) -> mx.array:
    for dilated, plain in zip(block.convs1, block.convs2, strict=True):
        x = x + _convolve(plain, nn.leaky_relu(_convolve(dilated, nn.leaky_relu(x, SLOPE)), SLOPE))
    return x


def _unfold(x: mx.array, taps: int, dilation: int, frames: int) -> mx.array:
    """Rows of `taps` frames each, [frames, taps * C], of x [T, C]."""
    channels = x.shape[1]
    return mx.as_strided(x, (frames, taps, channels), (channels, dilation * channels, 1)).reshape(frames, -1)


def _convolve(conv: nn.Conv1d, x: mx.array) -> mx.array:
    """A convolution that keeps the length, x [T, C]."""
    out, taps, _ = conv.weight.shape
    frames, dilation = x.shape[0], conv.dilation
    reach = dilation * (taps - 1) // 2
    rows = _unfold(mx.pad(x, [(reach, reach), (0, 0)]), taps, dilation, frames)
    weight = conv.weight.reshape(out, -1).T
    return mx.addmm(conv.bias, rows, weight) if "bias" in conv else rows @ weight


def _raise(up: Phases, x: mx.array) -> mx.array:
    """A transposed convolution in phases, x [T, C] to [T * rate, out]."""
    frames, (phases, taps, _) = x.shape[0], up.weight.shape
    rows = _unfold(mx.pad(x, [(taps - 1, taps - 1), (0, 0)]), taps, 1, frames + taps - 1)
    samples = mx.addmm(up.bias, rows, up.weight.reshape(phases, -1).T).reshape(-1, up.out)
    return samples[up.padding : up.padding + frames * up.rate]
