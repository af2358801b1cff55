"""The post-norm transformer layer that HuBERT and BERT share. Arrays are [batch, time, channels]."""

import mlx.core as mx
import mlx.nn as nn

from dora_primespeech_mlx.nets.operations import merge_heads, split_heads


class SelfAttention(nn.Module):
    """Plain multi-head self attention."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.out_proj = nn.Linear(channels, channels)
        self._heads, self._scale = heads, (channels // heads) ** -0.5

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        """x [B, T, C], mask additive [B, 1, 1, T] or None; returns [B, T, C]."""
        queries, keys, values = (split_heads(p(x), self._heads) for p in (self.q_proj, self.k_proj, self.v_proj))
        out = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=self._scale, mask=mask)
        return self.out_proj(merge_heads(out))


class FeedForward(nn.Module):
    """Two linear layers with an exact GELU between."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.intermediate_dense = nn.Linear(channels, hidden)
        self.output_dense = nn.Linear(hidden, channels)

    def __call__(self, x: mx.array) -> mx.array:
        """x [B, T, C]; returns [B, T, C]."""
        return self.output_dense(nn.gelu(self.intermediate_dense(x)))


class TransformerLayer(nn.Module):
    """Attention and feed-forward, each added to its input and then normalised."""

    def __init__(self, channels: int, hidden: int, heads: int, eps: float):
        super().__init__()
        self.attention = SelfAttention(channels, heads)
        self.layer_norm = nn.LayerNorm(channels, eps)
        self.feed_forward = FeedForward(channels, hidden)
        self.final_layer_norm = nn.LayerNorm(channels, eps)

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        """x [B, T, C], mask additive [B, 1, 1, T] or None; returns [B, T, C]."""
        x = self.layer_norm(x + self.attention(x, mask))
        return self.final_layer_norm(x + self.feed_forward(x))


def attention_mask(keep: mx.array | None, dtype: mx.Dtype) -> mx.array | None:
    """1 for real and 0 for padded positions [B, T] to the additive mask [B, 1, 1, T] (-1e4 where padded)."""
    return None if keep is None else ((keep - 1) * 1e4).astype(dtype)[:, None, None, :]
