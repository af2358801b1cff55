"""Discriminators and the spectral loss that train the decoder; none of them is part of the shipped files."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class PeriodDiscriminator(nn.Module):
    """Looks at every p-th sample (HiFi-GAN), at half the usual channels."""

    def __init__(self, period: int, channels: tuple[int, ...]):
        super().__init__()
        self.period = period
        widths = (1, *channels)
        layers = [nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0)) for a, b in zip(widths[:-1], widths[1:], strict=True)]
        layers.append(nn.Conv2d(channels[-1], channels[-1], (5, 1), 1, (2, 0)))
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.out = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), 1, (1, 0)))

    def prepare(self, audio: Tensor) -> Tensor:
        """[B, n] -> [B, 1, n / p, p]."""
        padded = F.pad(audio, (0, -audio.shape[-1] % self.period), mode="reflect")
        return padded.unflatten(1, (-1, self.period)).unsqueeze(1).contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> list[Tensor]:
        """All layers' outputs, the verdict last."""
        outputs = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            outputs.append(x)
        return [*outputs, self.out(x)]


class SpectralDiscriminator(nn.Module):
    """Looks at a complex spectrogram; the first layers halve the frequencies."""

    def __init__(self, size: int, channels: int):
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        layers = [nn.Conv2d(2, channels, (3, 9), (1, 2), (1, 4))]
        layers += [nn.Conv2d(channels, channels, (3, 9), (1, 2), (1, 4)) for _ in range(2)]
        layers += [nn.Conv2d(channels, channels, (3, 3), 1, 1) for _ in range(2)]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.out = weight_norm(nn.Conv2d(channels, 1, (3, 3), 1, 1))

    def prepare(self, audio: Tensor) -> Tensor:
        """[B, n] -> [B, 2, frames, size / 2 + 1]."""
        padded = F.pad(audio, (self.size // 2, self.size // 2), mode="reflect")
        frames = padded.unfold(-1, self.size, self.size // 4) * self.window
        spectrum = torch.view_as_real(torch.fft.rfft(frames)) * (4 / math.sqrt(self.size))
        return spectrum.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    forward = PeriodDiscriminator.forward


class Discriminators(nn.Module):
    """Five periods and three resolutions."""

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 64, 256, 512),
        spectral: int = 32,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        sizes: tuple[int, ...] = (2048, 1024, 512),
    ):
        super().__init__()
        parts: list[nn.Module] = [PeriodDiscriminator(p, channels) for p in periods]
        parts += [SpectralDiscriminator(n, spectral) for n in sizes]
        self.parts = nn.ModuleList(parts)

    def prepare(self, audio: Tensor) -> list[Tensor]:
        """Samples [B, n] in float32 -> one input per part."""
        return [part.prepare(audio) for part in self.parts]

    def forward(self, inputs: list[Tensor]) -> list[list[Tensor]]:
        """Layer outputs per part."""
        return [part(x) for part, x in zip(self.parts, inputs, strict=True)]


def mel_bank(rate: int, size: int, bands: int) -> Tensor:
    """Slaney-style triangular filters [bands, size / 2 + 1] up to half the rate."""
    top = 15 + 27 * math.log(rate / 2 / 1000) / math.log(6.4)
    mels = torch.linspace(0, top, bands + 2)
    edges = torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * math.log(6.4) / 27))
    bins = torch.linspace(0, rate / 2, size // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0) * (2 / (edges[2:] - edges[:-2]))[:, None]


class MelLoss(nn.Module):
    """Mean of the log-mel L1 distances at three resolutions."""

    def __init__(self, rate: int = 32000, sizes: tuple[tuple[int, int], ...] = ((512, 40), (1024, 80), (2048, 128))):
        super().__init__()
        self.sizes = sizes
        for size, bands in sizes:
            self.register_buffer(f"bank{size}", mel_bank(rate, size, bands).T.contiguous(), persistent=False)
            self.register_buffer(f"window{size}", torch.hann_window(size), persistent=False)

    def mel(self, audio: Tensor, size: int) -> Tensor:
        """[B, n] -> [B, frames, bands]."""
        padded = F.pad(audio, (size // 2, size // 2), mode="reflect")
        frames = padded.unfold(-1, size, size // 4) * getattr(self, f"window{size}")
        magnitude = torch.view_as_real(torch.fft.rfft(frames)).pow(2).sum(-1).add(1e-9).sqrt()
        return (magnitude @ getattr(self, f"bank{size}")).clamp(min=1e-5).log()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Samples [B, n] in float32, twice -> scalar."""
        return sum((self.mel(a, n) - self.mel(b, n)).abs().mean() for n, _ in self.sizes) / len(self.sizes)
