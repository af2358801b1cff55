"""BERT (`BertForMaskedLM` of Hugging Face, as chinese-roberta-wwm-ext-large) up to the hidden state GPT-SoVITS uses."""

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from dora_primespeech_mlx.nets.dimensions.encoders import UNUSED_LAYERS, RobertaConfig
from dora_primespeech_mlx.nets.transformer import TransformerLayer, attention_mask


class Roberta(nn.Module):
    """Token ids to contextual features."""

    def __init__(self, config: RobertaConfig):
        super().__init__()
        self._config = config
        self.word_embeddings = nn.Embedding(config.vocabulary, config.hidden)
        self.position_embeddings = nn.Embedding(config.positions, config.hidden)
        self.token_type_embeddings = nn.Embedding(2, config.hidden)
        self.layer_norm = nn.LayerNorm(config.hidden, config.eps)
        self.layers = [
            TransformerLayer(config.hidden, config.intermediate, config.heads, config.eps) for _ in range(config.layers)
        ]

    @property
    def config(self) -> RobertaConfig:
        """Dimensions of this model."""
        return self._config

    def __call__(self, ids: mx.array, mask: mx.array | None = None) -> mx.array:
        """Features of token ids.

        Args:
            ids: integers [B, T], each row [CLS], the tokens, [SEP], padding; T at most `config.positions`.
            mask: [B, T], 1 for real tokens and 0 for padding; None: all are real.

        Returns:
            hidden state [B, T, hidden] after the last layer kept.
        """
        positions = self.position_embeddings(mx.arange(ids.shape[1]))
        x = self.layer_norm(self.word_embeddings(ids) + self.token_type_embeddings.weight[:1] + positions)
        additive = attention_mask(mask, x.dtype)
        for layer in self.layers:
            x = layer(x, additive)
        return x


_RENAMES = (
    ("encoder.layer.", "layers."),
    ("attention.self.query.", "attention.q_proj."),
    ("attention.self.key.", "attention.k_proj."),
    ("attention.self.value.", "attention.v_proj."),
    ("attention.output.dense.", "attention.out_proj."),
    ("attention.output.LayerNorm.", "layer_norm."),
    ("intermediate.dense.", "feed_forward.intermediate_dense."),
    ("output.dense.", "feed_forward.output_dense."),
    ("output.LayerNorm.", "final_layer_norm."),
    ("LayerNorm.", "layer_norm."),
)


def sanitize(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official tensors to this module's names; the head, the pooler and the last two layers are dropped."""
    clean = {}
    for name, value in weights.items():
        name = name.removeprefix("bert.")
        if name.startswith(("cls.", "pooler.")) or name == "embeddings.position_ids":
            continue
        name = name.removeprefix("embeddings.")
        for old, new in _RENAMES:
            name = name.replace(old, new)
        clean[name] = value
    numbers = {int(name.split(".")[1]) for name in clean if name.startswith("layers.")}
    kept = len(numbers) - UNUSED_LAYERS
    return {n: v for n, v in clean.items() if not (n.startswith("layers.") and int(n.split(".")[1]) >= kept)}
