"""SoVITS (s2) of GPT-SoVITS v2 as PyTorch modules for training.

Parameter names are those of the official v2 checkpoints; every size comes from a configuration. Shapes are static, so
a whole training step fits into one CUDA graph.  Convolutions of the decoder, the flow and the discriminators take
[B, C, 1, T] tensors in channels-last memory, which is several times faster in bfloat16 than [B, C, T].

Weight normalisation is left out while training and put back by `official.written` at export (g = norm of v), which
gives the same function.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HOP = 640
FFT = 2048
RATE = 32000
WINDOW = 4  # relative attention reaches this many frames to each side
MASKED = -1e4


@dataclass(frozen=True)
class SoVITSConfig:
    """Sizes of the s2 network; names follow the official configuration where one exists."""

    inter_channels: int = 128
    hidden_channels: int = 128
    filter_channels: int = 512
    n_heads: int = 2
    n_layers: int = 4
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8, 2, 2)
    upsample_initial_channel: int = 256
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    gin_channels: int = 256
    ssl_dim: int = 128
    mrte_channels: int = 256
    mrte_heads: int = 4
    flow_layers: int = 4
    ref_bins: int = 704
    symbols: int = 732
    codes: int = 1024


class Conv(nn.Conv1d):
    """Conv1d that also takes [B, C, 1, T], as a channels-last 2-D convolution."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] or [B, C, 1, T] -> the same layout."""
        if x.dim() == 3:
            return super().forward(x)
        weight = self.weight.unsqueeze(2)
        return F.conv2d(x, weight, self.bias, 1, (0, self.padding[0]), (1, self.dilation[0]))


class ConvTransposed(nn.ConvTranspose1d):
    """ConvTranspose1d over [B, C, 1, T]."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, 1, T] -> [B, C', 1, T * stride]."""
        return F.conv_transpose2d(x, self.weight.unsqueeze(2), self.bias, (1, self.stride[0]), (0, self.padding[0]))


def flat(x: Tensor) -> Tensor:
    """[B, C, T] -> [B, C, 1, T] in channels-last memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, C, T], parameters named gamma and beta."""

    def __init__(self, channels: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head attention of 1x1 convolutions; with `relative`, learned offsets within WINDOW, shared by the heads."""

    def __init__(self, channels: int, heads: int, relative: bool):
        super().__init__()
        self.heads, self.relative = heads, relative
        self.conv_q, self.conv_k, self.conv_v, self.conv_o = (nn.Conv1d(channels, channels, 1) for _ in range(4))
        if relative:
            width = channels // heads
            self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * WINDOW + 1, width) * width**-0.5)
            self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * WINDOW + 1, width) * width**-0.5)
        for layer in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        """x [B, C, T], context [B, C, S], bias [B, 1, 1, S] (0 or MASKED) -> [B, C, T]."""
        batch, channels, time = x.shape
        width = channels // self.heads

        def split(layer: nn.Conv1d, source: Tensor) -> Tensor:
            return layer(source).view(batch, self.heads, width, -1).transpose(2, 3)

        q, k, v = split(self.conv_q, x), split(self.conv_k, context), split(self.conv_v, context)
        if not self.relative:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        else:
            # offsets as a dense [T, T] pick of the 2 * WINDOW + 1 rows: one matrix product with a fixed band
            q = q * width**-0.5
            by_offset = q @ self.emb_rel_k[0].T.to(q.dtype)  # [B, h, T, 9]
            scores = q @ k.transpose(2, 3) + band(by_offset, time) + bias
            weights = scores.float().softmax(-1).to(v.dtype)
            out = weights @ v + diagonals(weights) @ self.emb_rel_v[0].to(v.dtype)
        return self.conv_o(out.transpose(2, 3).reshape(batch, channels, time))


def band(values: Tensor, time: int) -> Tensor:
    """Values per offset [B, h, T, 2w+1] -> [B, h, T, T] with entry (i, j) = values[i, j - i + w], zero outside."""
    batch, heads = values.shape[:2]
    wide = F.pad(values, (time - 1 - WINDOW, time - 1 - WINDOW))  # [.., T, 2T-1], column o + T - 1
    wide = F.pad(F.pad(wide, (0, 1)).reshape(batch, heads, 2 * time * time), (0, time - 1))
    return wide.view(batch, heads, time + 1, 2 * time - 1)[:, :, :time, time - 1 :]


def diagonals(weights: Tensor) -> Tensor:
    """[B, h, T, T] -> [B, h, T, 2w+1] with entry (i, r) = weights[i, i + r - w], zero outside."""
    batch, heads, time, _ = weights.shape
    wide = F.pad(F.pad(weights, (0, time - 1)).reshape(batch, heads, time * (2 * time - 1)), (time, 0))
    return wide.view(batch, heads, time, 2 * time)[..., time - WINDOW : time + WINDOW + 1]


class FeedForward(nn.Module):
    """Two convolutions of width 3 with a rectifier between them."""

    def __init__(self, channels: int, inner: int):
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, inner, 3, padding=1)
        self.conv_2 = nn.Conv1d(inner, channels, 3, padding=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        return self.conv_2(F.relu(self.conv_1(x * mask)) * mask) * mask


class Encoder(nn.Module):
    """Post-norm transformer of VITS."""

    def __init__(self, channels: int, inner: int, heads: int, layers: int):
        super().__init__()
        self.attn_layers = nn.ModuleList(Attention(channels, heads, True) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(FeedForward(channels, inner) for _ in range(layers))
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, C, T], mask [B, 1, T] -> [B, C, T]."""
        bias = (1 - mask).unsqueeze(1) * MASKED
        x = x * mask
        for attention, norm1, forward, norm2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm1(x + attention(x, x, bias))
            x = norm2(x + forward(x, mask))
        return x * mask


class MRTE(nn.Module):
    """Lets every speech frame look at the phones, and adds the voice."""

    def __init__(self, channels: int, hidden: int, heads: int):
        super().__init__()
        self.cross_attention = Attention(hidden, heads, False)
        self.c_pre = nn.Conv1d(channels, hidden, 1)
        self.text_pre = nn.Conv1d(channels, hidden, 1)
        self.c_post = nn.Conv1d(hidden, channels, 1)

    def forward(self, x: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, voice: Tensor) -> Tensor:
        """x [B, C, T], text [B, C, L], voice [B, hidden, 1] -> [B, C, T]."""
        u, v = self.c_pre(x * mask), self.text_pre(text * text_mask)
        bias = (1 - text_mask).unsqueeze(1) * MASKED
        return self.c_post((self.cross_attention(u * mask, v * text_mask, bias) + u + voice) * mask)


class TextEncoder(nn.Module):
    """Codes and phones -> mean and log deviation of the latent frames."""

    def __init__(self, c: SoVITSConfig):
        super().__init__()
        hidden, heads = c.hidden_channels, c.n_heads
        self.ssl_proj = nn.Conv1d(c.ssl_dim, hidden, 1)
        self.encoder_ssl = Encoder(hidden, c.filter_channels, heads, c.n_layers // 2)
        self.encoder_text = Encoder(hidden, c.filter_channels, heads, c.n_layers)
        self.text_embedding = nn.Embedding(c.symbols, hidden)
        self.mrte = MRTE(hidden, c.mrte_channels, c.mrte_heads)
        self.encoder2 = Encoder(hidden, c.filter_channels, heads, c.n_layers // 2)
        self.proj = nn.Conv1d(hidden, 2 * c.inter_channels, 1)
        nn.init.normal_(self.text_embedding.weight, 0, hidden**-0.5)
        with torch.no_grad():
            self.proj.bias[c.inter_channels :] = -2.0  # starts with little noise on the latents

    def forward(
        self, features: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, voice: Tensor
    ) -> tuple[Tensor, Tensor]:
        """features [B, ssl, T], text [B, L], voice [B, gin, 1] -> mean, log deviation [B, inter, T]."""
        x = self.encoder_ssl(self.ssl_proj(features * mask) * mask, mask)
        t = self.encoder_text(self.text_embedding(text).transpose(1, 2) * text_mask, text_mask)
        x = self.encoder2(self.mrte(x, mask, t, text_mask, voice) * mask, mask)
        mean, log_deviation = (self.proj(x) * mask).chunk(2, 1)
        return mean, log_deviation


class WaveNet(nn.Module):
    """Gated convolutions conditioned on the voice, [B, C, 1, T] inside."""

    def __init__(self, hidden: int, kernel: int, layers: int, gin: int):
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.cond_layer = Conv(gin, 2 * hidden * layers, 1)
        self.in_layers = nn.ModuleList(Conv(hidden, 2 * hidden, kernel, padding=kernel // 2) for _ in range(layers))
        self.res_skip_layers = nn.ModuleList(
            Conv(hidden, 2 * hidden if i < layers - 1 else hidden, 1) for i in range(layers)
        )

    def forward(self, x: Tensor, mask: Tensor, voice: Tensor) -> Tensor:
        """x [B, C, 1, T], mask [B, 1, 1, T], voice [B, gin, 1, 1] -> [B, C, 1, T]."""
        conditions = self.cond_layer(voice).chunk(self.layers, 1)
        skip: Tensor | None = None
        for i, (inner, out) in enumerate(zip(self.in_layers, self.res_skip_layers, strict=True)):
            a, b = (inner(x) + conditions[i]).chunk(2, 1)
            r = out(torch.tanh(a) * torch.sigmoid(b))
            if i < self.layers - 1:
                x = (x + r[:, : self.hidden]) * mask
                r = r[:, self.hidden :]
            skip = r if skip is None else skip + r
        assert skip is not None
        return skip * mask


class Coupling(nn.Module):
    """Additive coupling: the second half of the channels is shifted by a function of the first."""

    def __init__(self, c: SoVITSConfig):
        super().__init__()
        self.half = c.inter_channels // 2
        self.pre = Conv(self.half, c.hidden_channels, 1)
        self.enc = WaveNet(c.hidden_channels, 5, c.flow_layers, c.gin_channels)
        self.post = Conv(c.hidden_channels, self.half, 1)
        nn.init.normal_(self.post.weight, 0, 1e-3)
        nn.init.zeros_(self.post.bias)

    def inverse(self, x: Tensor, mask: Tensor, voice: Tensor) -> Tensor:
        """[B, C, 1, T] -> [B, C, 1, T]."""
        a, b = x.split(self.half, 1)
        shift = self.post(self.enc(self.pre(a) * mask, mask, voice)) * mask
        return torch.cat([a, (b - shift) * mask], 1)


class Flow(nn.Module):
    """Four couplings at the even places; the odd places flip the channels and hold no weights."""

    def __init__(self, c: SoVITSConfig):
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(4):
            self.flows += [Coupling(c), nn.Identity()]

    def inverse(self, x: Tensor, mask: Tensor, voice: Tensor) -> Tensor:
        """The direction used at inference: prior -> latent, [B, C, 1, T]."""
        for flow in list(self.flows)[::2][::-1]:
            x = flow.inverse(x.flip(1), mask, voice)
        return x


class ResBlock(nn.Module):
    """Pairs of convolutions, one for each dilation, with residual connections."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = nn.ModuleList(
            Conv(channels, channels, kernel, padding=d * (kernel - 1) // 2, dilation=d) for d in dilations
        )
        self.convs2 = nn.ModuleList(Conv(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, 1, T] -> [B, C, 1, T]."""
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        return x


class Decoder(nn.Module):
    """HiFi-GAN generator: latent frames at 50 Hz -> samples at 32 kHz."""

    def __init__(self, c: SoVITSConfig):
        super().__init__()
        width = c.upsample_initial_channel
        self.blocks = len(c.resblock_kernel_sizes)
        self.conv_pre = Conv(c.inter_channels, width, 7, padding=3)
        self.cond = Conv(c.gin_channels, width, 1)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(c.upsample_rates, c.upsample_kernel_sizes, strict=True):
            self.ups.append(ConvTransposed(width, width // 2, kernel, rate, (kernel - rate) // 2))
            width //= 2
            for k, dilations in zip(c.resblock_kernel_sizes, c.resblock_dilation_sizes, strict=True):
                self.resblocks.append(ResBlock(width, k, dilations))
        self.conv_post = Conv(width, 1, 7, padding=3, bias=False)

    def begin(self, z: Tensor, voice: Tensor) -> Tensor:
        """z [B, inter, 1, T], voice [B, gin, 1, 1] -> [B, C, 1, T], what the first stage takes."""
        return self.conv_pre(z) + self.cond(voice)

    def stages(self, x: Tensor, first: int, last: int) -> Tensor:
        """Stages first .. last: upsampling and residual blocks."""
        for i in range(first, last):
            x = self.ups[i](F.leaky_relu(x, 0.1))
            blocks = self.resblocks[i * self.blocks : (i + 1) * self.blocks]
            x = sum(block(x) for block in blocks) / self.blocks
        return x

    def steps(self, z: Tensor, voice: Tensor) -> list[Tensor]:
        """As `forward`, with what each stage gives before the samples."""
        x, outputs = self.begin(z, voice), []
        for i in range(len(self.ups)):
            x = self.stages(x, i, i + 1)
            outputs.append(x)
        return [*outputs, self.end(x)]

    def end(self, x: Tensor) -> Tensor:
        """What the last stage gives -> samples [B, 1, 1, n]."""
        return torch.tanh(self.conv_post(F.leaky_relu(x)))

    def forward(self, z: Tensor, voice: Tensor) -> Tensor:
        """z [B, inter, 1, T], voice [B, gin, 1, 1] -> [B, 1, 1, 640 T]."""
        return self.end(self.stages(self.begin(z, voice), 0, len(self.ups)))


class _Linear(nn.Module):
    def __init__(self, inner: int, outer: int):
        super().__init__()
        self.fc = nn.Linear(inner, outer)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class _Gate(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Module()
        self.conv1.conv = nn.Conv1d(channels, 2 * channels, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.conv1.conv(x).chunk(2, 1)
        return x + a * torch.sigmoid(b)


class VoiceEncoder(nn.Module):
    """Linear spectrogram of a reference -> one vector for the voice."""

    def __init__(self, bins: int, gin: int, hidden: int = 128):
        super().__init__()
        layers = [_Linear(bins, hidden), nn.Mish(), nn.Identity(), _Linear(hidden, hidden), nn.Mish(), nn.Identity()]
        self.spectral = nn.Sequential(*layers)
        self.temporal = nn.Sequential(_Gate(hidden), _Gate(hidden))
        self.slf_attn = nn.Module()
        for name in ("w_qs", "w_ks", "w_vs", "fc"):
            setattr(self.slf_attn, name, nn.Linear(hidden, hidden))
        self.fc = _Linear(hidden, gin)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, bins, T], mask [B, 1, T] -> [B, gin, 1]."""
        x = self.temporal(self.spectral(x.transpose(1, 2)).transpose(1, 2)).transpose(1, 2)
        keep = mask.transpose(1, 2)
        x = x * keep
        batch, time, width = x.shape
        attention = self.slf_attn
        q, k, v = (
            layer(x).view(batch, time, 2, width // 2).transpose(1, 2)
            for layer in (attention.w_qs, attention.w_ks, attention.w_vs)
        )
        bias = ((1 - mask).unsqueeze(1) * MASKED).to(q.dtype).expand(batch, 1, time, time)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=width**-0.5)
        x = self.fc(attention.fc(mixed.transpose(1, 2).reshape(batch, time, width)) + x) * keep
        return (x.sum(1) / keep.sum(1)).unsqueeze(-1)


class SoVITS(nn.Module):
    """The s2 network as it runs at inference; there is no posterior encoder (see README: trained end to end)."""

    def __init__(self, c: SoVITSConfig):
        super().__init__()
        self.config = c
        self.enc_p = TextEncoder(c)
        self.dec = Decoder(c)
        self.flow = Flow(c)
        self.ref_enc = VoiceEncoder(c.ref_bins, c.gin_channels)
        self.codebook = nn.Parameter(torch.zeros(c.codes, c.ssl_dim))

    def latents(
        self,
        codes: Tensor,
        mask: Tensor,
        text: Tensor,
        text_mask: Tensor,
        voice: Tensor,
        noise: float = 0.5,
        drawn: Tensor | None = None,
    ) -> Tensor:
        """codes [B, T], mask [B, 1, 2T], text [B, L], voice [B, gin, 1] -> z [B, inter, 1, 2T].

        `drawn` [B, inter, 2T] are the normal numbers of the noise, where two networks shall have the same.
        """
        features = F.embedding(codes, self.codebook).repeat_interleave(2, 1).transpose(1, 2)
        mean, log_deviation = self.enc_p(features, mask, text, text_mask, voice)
        drawn = torch.randn_like(mean, dtype=torch.float32) if drawn is None else drawn
        prior = mean.float() + drawn * log_deviation.float().exp() * noise
        return self.flow.inverse(flat(prior * mask), mask.unsqueeze(2), voice.unsqueeze(2))

    def voice(self, reference: Tensor) -> Tensor:
        """Whole reference spectrogram [1, 1025, F] -> [1, gin, 1]."""
        mask = torch.ones(1, 1, reference.shape[2], device=reference.device)
        return self.ref_enc(reference[:, : self.config.ref_bins], mask)

    @torch.no_grad()
    def infer(self, codes: Tensor, text: Tensor, reference: Tensor, noise: float = 0.5) -> Tensor:
        """codes [1, T], text [1, L], reference spectrogram [1, 1025, F] -> samples [1280 T]."""

        def ones(length: int) -> Tensor:
            return torch.ones(1, 1, length, device=codes.device)

        voice = self.voice(reference)
        z = self.latents(codes, ones(2 * codes.shape[1]), text, ones(text.shape[1]), voice, noise)
        return self.dec(z, voice.unsqueeze(2)).flatten()


def spectrogram(samples: Tensor) -> Tensor:
    """Samples [B, n] at 32 kHz -> linear magnitude [B, 1025, n // 640], as the official reference spectrogram."""
    padding = (FFT - HOP) // 2
    padded = F.pad(samples.unsqueeze(1), (padding, padding), mode="reflect").squeeze(1)
    frames = padded.unfold(-1, FFT, HOP) * torch.hann_window(FFT, device=samples.device)
    return torch.view_as_real(torch.fft.rfft(frames)).pow(2).sum(-1).add(1e-8).sqrt().transpose(1, 2)
