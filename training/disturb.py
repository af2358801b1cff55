"""Teacher speech as recordings are: rooms, microphones, noise, other voices, cheap codecs; and its labels.

Everything has fixed shapes and draws from torch's generator of the device, so a training step can be captured.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.content import MIDDLE_PITCH, Target
from training.tokens import PHONES, TONES, VOICED, WEIGHTS

RATE, STORED = 16000, 24000  # what the content encoder hears, and what is stored for it
CODE = 640  # samples of a code at RATE
EDGE = 120  # samples in front of the first filter bank window and behind the last, so that windows sit on their codes
WINDOW, HOP, FFT, BANDS = 400, 160, 512, 80
FLOOR = 1.1920928955078125e-07
POINTS = 16  # of a code at which labels are read
WARPS = 17
WARP_RANGE = (0.84, 1.19)
SPEED_RANGE = (0.84, 1.2)
ROOM = 0.5  # seconds of a room's echo
NEAR = 0.12  # squared distance of classes that count as near the right one
QUANTILE, DEPTH, UNIT = 0.95, 10.0, 3.0  # of the level, see `normalised`


def mel(hertz: np.ndarray) -> np.ndarray:
    """Kaldi's mel scale."""
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def filters(warp: float) -> np.ndarray:
    """Kaldi's triangles [FFT / 2 + 1, BANDS] over frequencies that are multiplied by `warp` below 6 kHz."""
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    knee = 6000.0 / max(warp, 1.0)
    moved = np.where(hertz < knee, hertz * warp, 8000 - (8000 - knee * warp) / (8000 - knee) * (8000 - hertz))
    edges = np.linspace(mel(np.array(20.0)), mel(np.array(8000.0)), BANDS + 2)
    place = mel(np.maximum(moved, 0))[:, None]
    up = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(up, down))
    bank[-1] = 0
    return bank.astype(np.float32)


def normalised(banks: Tensor) -> Tensor:
    """Logarithmic filter banks [B, T, BANDS] made independent of the level: what `nets.content` takes."""
    level = banks.mean(-1).sort(1).values[:, int(QUANTILE * (banks.shape[1] - 1))]
    return (banks - level[:, None, None]).clamp(min=-DEPTH) / UNIT


@dataclass
class Chosen:
    """A batch before it is disturbed: where utterances lie in the store, in labels; where crops begin, in labels."""

    offset: Tensor
    length: Tensor
    begin: Tensor
    speed: Tensor
    statistics: Tensor


class Microphone:
    """Records batches of [batch, samples] at `rate` as cheap microphones in rooms would."""

    def __init__(self, batch: int, samples: int, rate: int, device: str):
        self.batch, self.samples, self.rate, self.device = batch, samples, rate, device
        self.room = int(ROOM * rate)
        self.transform = 1 << (samples + self.room - 1).bit_length()
        self.bins = torch.linspace(0, rate / 2, self.transform // 2 + 1, device=device)
        self.octave = (torch.log2(self.bins.clamp(min=30) / 30) / math.log2(8000 / 30)).clamp(0, 1)  # 0 to 1

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Numbers of the device's generator [batch, *shape]."""
        return low + (high - low) * torch.rand(self.batch, *(shape or (1,)), device=self.device)

    def chance(self, share: float) -> Tensor:
        """1 for so many rows, else 0: [batch, 1]."""
        return (torch.rand(self.batch, 1, device=self.device) < share).float()

    def _curve(self, points: int, decibels: float) -> Tensor:
        """A random smooth gain over the octaves [batch, bins]."""
        heights = torch.randn(self.batch, points, device=self.device) * decibels
        at = self.octave * (points - 1)
        low = at.floor().long().clamp(max=points - 2)
        share = at - low
        return 10 ** ((heights[:, low] * (1 - share) + heights[:, low + 1] * share) / 20)

    def disturbed(self, x: Tensor) -> Tensor:
        """x [batch, samples] as a cheap microphone in a room would have it."""
        power = x.square().mean(1, keepdim=True).clamp(min=1e-8)
        # another voice, far away, and noise of a random colour
        other = x.roll(1, 0) * (power / power.roll(1, 0)).sqrt()
        x = x + other * self.chance(0.15) * 10 ** (-self.uniform(12, 30) / 20)
        decay = 10 ** (-3 * torch.arange(self.room, device=self.device) / self.rate / self.uniform(0.08, 0.5))
        echo = torch.randn(self.batch, self.room, device=self.device) * decay
        echo = echo / echo.square().sum(1, keepdim=True).sqrt() * 10 ** (self.uniform(-22, 1) / 20) * self.chance(0.55)
        echo[:, 0] = 1.0
        gain = 1 + (self._curve(9, 5.0) - 1) * self.chance(0.7)
        high = torch.where(self.chance(0.25) > 0, self.uniform(3200, 7500), self.rate / 2 + 1000)
        low = torch.where(self.chance(0.4) > 0, self.uniform(50, 320), 1.0)
        gain = gain * torch.sigmoid((high - self.bins) / 150) / (1 + (low / self.bins.clamp(min=10)) ** 4).sqrt()
        spectrum = torch.fft.rfft(x, self.transform) * torch.fft.rfft(echo, self.transform) * gain
        x = torch.fft.irfft(spectrum, self.transform)[:, : self.samples]
        white = torch.fft.rfft(torch.randn(self.batch, self.samples, device=self.device), self.transform)
        noise = torch.fft.irfft(white * self._curve(6, 9.0), self.transform)[:, : self.samples]
        noise = noise / noise.square().mean(1, keepdim=True).sqrt()
        power = x.square().mean(1, keepdim=True).clamp(min=1e-8)
        ratio = torch.where(self.chance(0.6) > 0, self.uniform(3, 40), self.uniform(45, 75))
        x = x + noise * power.sqrt() * 10 ** (-ratio / 20)
        peak = x.abs().amax(1, keepdim=True).clamp(min=1e-6)
        limit = torch.where(self.chance(0.12) > 0, self.uniform(0.25, 0.9), 1.0)
        x = (x / peak).clamp(-limit, limit)
        coarse = torch.sign(x) * torch.log1p(255 * x.abs()) / math.log(256)
        coarse = (coarse * 60).round() / 60
        coarse = torch.sign(coarse) * ((coarse.abs() * math.log(256)).exp() - 1) / 255
        telephone = self.chance(0.1)
        return x * (1 - telephone) + coarse * telephone


class Disturbance(Microphone):
    """Makes filter banks and targets of crops of `codes` codes for the content encoder."""

    def __init__(self, centres: np.ndarray, phones: np.ndarray, codes: int, batch: int, device: str):
        super().__init__(batch, codes * CODE + 2 * EDGE, RATE, device)
        self.count = codes
        varying = centres.std(0) > 0
        self.varying = torch.from_numpy(np.flatnonzero(varying)).to(device)
        self.centres = torch.from_numpy(centres[:, varying].astype(np.float32)).to(device)
        gaps = torch.cdist(self.centres, self.centres) ** 2
        near = torch.where(gaps < 6 * NEAR, (-gaps / NEAR).exp(), torch.zeros_like(gaps))
        self.near = near / near.sum(-1, keepdim=True)
        self.phones = torch.from_numpy(phones.astype(np.int64)).to(device)
        banks = np.stack([filters(w) for w in np.linspace(*WARP_RANGE, WARPS)])
        self.warped = torch.from_numpy(banks).to(device)
        self.plain = torch.from_numpy(filters(1.0)).to(device)
        self.window = torch.from_numpy((np.hanning(WINDOW) ** 0.85).astype(np.float32)).to(device)

    def sound(self, audio: Tensor, chosen: Chosen) -> Tensor:
        """Crops [batch, samples] at RATE of the store [n] int16 at STORED, played `speed` times as fast."""
        places = torch.arange(self.samples, device=self.device, dtype=torch.float64)[None] - EDGE
        at = chosen.begin.double()[:, None] * 300 + places * (STORED / RATE) * chosen.speed.double()[:, None]
        whole = at.floor()
        t = (at - whole).float()
        near = whole.long()[..., None] + torch.arange(-1, 3, device=self.device)
        inside = (near >= 0) & (near < chosen.length[:, None, None] * 300)
        values = audio[(chosen.offset[:, None, None] * 300 + near).clamp(0, len(audio) - 1)].float() / 32768 * inside
        a, b, c, d = values.unbind(-1)
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))

    def target(self, phone: Tensor, tone: Tensor, pitch: Tensor, energy: Tensor, chosen: Chosen) -> Target:
        """Labels of the crops, from the stores [n] at 80 Hz; outside an utterance is silence."""
        steps = (torch.arange(self.count * POINTS, device=self.device) + 0.5) / POINTS * 3.2
        at = (chosen.begin[:, None] + steps[None] * chosen.speed[:, None]).floor().long()
        inside = (at >= 0) & (at < chosen.length[:, None])
        place = (chosen.offset[:, None] + at).clamp(0, len(phone) - 1)
        shape = (self.batch, self.count, POINTS)
        phones = torch.where(inside, phone[place].long(), 0).view(shape)
        tones = torch.where(inside, tone[place].long(), 0).view(shape)
        hertz = torch.where(inside, pitch[place].float(), 0.0).view(shape)
        median, mean, deviation = (v.view(-1, 1, 1) for v in chosen.statistics.unbind(1))
        loud = torch.where(inside, energy[place].float(), -12.0).view(shape)
        voiced = (hertz > VOICED).float()
        octaves = torch.log2(hertz.clamp(min=VOICED))
        relative = ((octaves - median).clamp(-1, 1) * voiced).mean(-1)
        share = voiced.mean(-1)
        level = ((loud - mean) / deviation).clamp(-4, 2).mean(-1)
        ones = torch.full((), 1 / POINTS, device=self.device).expand(shape)
        shares = torch.zeros(self.batch, self.count, PHONES, device=self.device).scatter_add(-1, phones, ones)
        marks = torch.zeros(self.batch, self.count, TONES, device=self.device).scatter_add(-1, tones, ones)
        w = WEIGHTS
        coloured = torch.cat([torch.zeros_like(marks[..., :1]), marks[..., 1:]], -1)
        rest = torch.stack([relative * w["pitch"], share * w["voiced"], level * w["energy"]], -1)
        features = torch.cat([shares * w["phone"], coloured * w["tone"], rest], -1)[..., self.varying]
        codes = ((self.centres**2).sum(-1) - 2 * features @ self.centres.T).argmin(-1)
        absolute = (octaves * voiced).sum(-1) / voiced.sum(-1).clamp(min=1)
        absolute = absolute + torch.log2(chosen.speed)[:, None] - MIDDLE_PITCH
        return Target(codes, shares[..., self.phones], marks, share, absolute, level, self.near[codes])

    def banks(self, x: Tensor, warped: bool) -> Tensor:
        """Logarithmic filter banks [batch, 4 codes, BANDS] of x [batch, samples], as `audio.fbank` makes them."""
        frames = x.unfold(1, WINDOW, HOP)
        frames = frames - frames.mean(-1, keepdim=True)
        frames = frames - 0.97 * torch.cat([frames[..., :1], frames[..., :-1]], -1)
        power = torch.view_as_real(torch.fft.rfft(frames * self.window, FFT)).square().sum(-1)
        if not warped:
            return (power @ self.plain).clamp(min=FLOOR).log()
        pick = torch.randint(0, WARPS, (self.batch,), device=self.device)
        pick = torch.where(self.chance(0.3)[:, 0] > 0, torch.full_like(pick, WARPS // 2), pick)
        depth = torch.where(self.chance(0.25) > 0, self.uniform(3.5, 9), 20.0)[..., None]  # a codec's holes, in nepers
        power = torch.maximum(power, power.amax((1, 2), keepdim=True) * (-depth).exp())
        banks = torch.bmm(power, self.warped[pick]).clamp(min=FLOOR).log()
        return banks + 0.05 * torch.randn_like(banks)

    def masked(self, x: Tensor) -> Tensor:
        """Bands and short times of normalised banks left out."""
        band = torch.arange(BANDS, device=self.device)
        time = torch.arange(x.shape[1], device=self.device)
        for _ in range(2):
            start, width = self.uniform(0, BANDS), self.uniform(0, 10)
            keep = 1 - ((band >= start) & (band < start + width)).float() * self.chance(0.5)
            x = x * keep[:, None]
            start, width = self.uniform(0, x.shape[1]), self.uniform(0, 12)
            keep = 1 - ((time >= start) & (time < start + width)).float() * self.chance(0.5)
            x = x * keep[..., None]
        return x
