"""What the s2 models of all versions begin with: a reference to a timbre, codes and phones to frames at 50 Hz."""

import mlx.core as mx
import mlx.nn as nn

from dora_primespeech_mlx.nets.dimensions.sovits import FRAMES_PER_CODE, EncoderConfig
from dora_primespeech_mlx.nets.layers import (
    CrossAttention,
    RelativeEncoder,
    additive_mask,
)
from dora_primespeech_mlx.nets.operations import merge_heads, split_heads

MRTE_HEADS = 4
STYLE_HEADS = 2


class MRTE(nn.Module):
    """Lets the acoustic frames look at the phones, and adds the timbre (multi-reference timbre encoder)."""

    def __init__(self, hidden: int, channels: int):
        super().__init__()
        self.c_pre = nn.Linear(hidden, channels)
        self.text_pre = nn.Linear(hidden, channels)
        self.cross_attention = CrossAttention(channels, MRTE_HEADS)
        self.c_post = nn.Linear(channels, hidden)

    def __call__(self, frames: mx.array, text: mx.array, ge: mx.array, text_mask: mx.array | None) -> mx.array:
        """Frames [B, T, C], text [B, S, C], ge [B, 1, channels], text_mask [B, S]; returns [B, T, C]."""
        frames, text = self.c_pre(frames), self.text_pre(text)
        return self.c_post(self.cross_attention(frames, text, additive_mask(text_mask)) + frames + ge)


class TextEncoder(nn.Module):
    """Semantic features and phones to frames, and with `prior` to that many numbers a frame of a prior."""

    def __init__(self, config: EncoderConfig, prior: int):
        super().__init__()
        hidden = config.hidden_channels

        def encoder(layers: int) -> RelativeEncoder:
            return RelativeEncoder(hidden, config.filter_channels, config.heads, layers, config.kernel, config.window)

        self.ssl_proj = nn.Linear(config.ssl_dim, hidden)
        self.encoder_ssl = encoder(config.ssl_layers)
        self.text_embedding = nn.Embedding(config.symbols, hidden)
        self.encoder_text = encoder(config.layers)
        self.mrte = MRTE(hidden, config.mrte_channels)
        self.encoder2 = encoder(config.post_layers)
        if prior:
            self.proj = nn.Linear(hidden, prior)


class StyleEncoder(nn.Module):
    """Reference spectrogram to one timbre vector (MelStyleEncoder)."""

    def __init__(self, config: EncoderConfig, gin: int):
        super().__init__()
        channels = config.style_channels
        self.spectral = [nn.Linear(config.spectrum_bins, channels), nn.Linear(channels, channels)]
        self.temporal = [
            nn.Conv1d(channels, 2 * channels, config.style_kernel, padding=config.style_kernel // 2) for _ in range(2)
        ]
        self.w_qs = nn.Linear(channels, channels)
        self.w_ks = nn.Linear(channels, channels)
        self.w_vs = nn.Linear(channels, channels)
        self.attention_out = nn.Linear(channels, channels)
        self.fc = nn.Linear(channels, gin)

    def __call__(self, spectrum: mx.array) -> mx.array:
        """Spectrum [B, T, bins]; returns [B, 1, gin]."""
        x = spectrum
        for linear in self.spectral:
            x = nn.mish(linear(x))
        for convolve in self.temporal:
            value, gate = mx.split(convolve(x), 2, axis=-1)
            x = x + value * mx.sigmoid(gate)
        queries, keys, values = (split_heads(w(x), STYLE_HEADS) for w in (self.w_qs, self.w_ks, self.w_vs))
        # The official temperature is the square root of the model width, not of the head width.
        attended = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=x.shape[-1] ** -0.5)
        x = x + self.attention_out(merge_heads(attended))
        return self.fc(x).mean(axis=1, keepdims=True)


class CodeEncoder(nn.Module):
    """What the s2 models of all versions begin with: a reference to a timbre, codes and phones to frames at 50 Hz.

    Args:
        config: dimensions.
        gin: width of the timbre.
        prior: numbers a frame that the model's `TextEncoder` projects to; 0 for none.
    """

    def __init__(self, config: EncoderConfig, gin: int, prior: int):
        super().__init__()
        self.enc_p = TextEncoder(config, prior)
        self.ref_enc = StyleEncoder(config, gin)
        self.quantizer = nn.Embedding(config.code_count, config.ssl_dim)
        self.ssl_proj = nn.Conv1d(config.ssl_dim, config.ssl_dim, 2, stride=2)
        self._bins = config.spectrum_bins

    def style(self, spectrum: mx.array) -> mx.array:
        """Timbre of one reference as the style encoder hears it: spectrum [B, T, >= bins]; returns [B, 1, gin]."""
        return self.ref_enc(spectrum[..., : self._bins])

    def read(self, phones: mx.array, phone_mask: mx.array | None = None) -> mx.array:
        """Phone ids [B, S] as `frames` looks at them, [B, S, hidden]; mask [B, S], true where a phone is real."""
        return self.enc_p.encoder_text(self.enc_p.text_embedding(phones), phone_mask)

    def frames(
        self,
        codes: mx.array,
        text: mx.array,
        text_timbre: mx.array,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
        resample: tuple[mx.array, mx.array, mx.array] | None = None,
    ) -> mx.array:
        """Frames [B, 2 T, hidden], or [B, F, hidden] with `resample`.

        Args:
            codes: semantic codes [B, T] (25 a second).
            text: of `read`, [B, S, hidden].
            text_timbre: [B, 1, mrte_channels].
            code_mask: [B, T], true where a code is real; None when all are.
            phone_mask: [B, S], likewise.
            resample: (lower frame [F], upper frame [F], weight of the upper [F]).
        """
        encoder = self.enc_p
        frames = mx.repeat(encoder.ssl_proj(self.quantizer(codes)), FRAMES_PER_CODE, axis=1)
        frame_mask = None if code_mask is None else mx.repeat(code_mask, FRAMES_PER_CODE, axis=1)
        frames = encoder.encoder_ssl(frames, frame_mask)
        frames = encoder.mrte(frames, text, text_timbre, phone_mask)
        frames = encoder.encoder2(frames, frame_mask)
        if resample is None:
            return frames
        lower, upper, weight = resample
        weight = weight[:, None].astype(frames.dtype)
        return frames[:, lower] * (1 - weight) + frames[:, upper] * weight

    def extract_codes(self, features: mx.array) -> mx.array:
        """Codes of a recording from its HuBERT features [B, N, ssl_dim]; returns int [B, N // 2]."""
        projected = self.ssl_proj(features).astype(mx.float32)
        book = self.quantizer.weight.astype(mx.float32)
        distance = (book * book).sum(axis=-1) - 2 * (projected @ book.T)
        return mx.argmin(distance, axis=-1)
