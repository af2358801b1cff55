"""T2S (s1) of GPT-SoVITS v2 as PyTorch modules for training, and as official files hold it.

Parameter names are those of the official v2 checkpoints; every size comes from a configuration. Shapes are static, so
a whole training step fits into one CUDA graph.
"""

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class T2SConfig:
    """Sizes of the s1 network, named as in the official configuration."""

    embedding_dim: int = 320
    hidden_dim: int = 320
    head: int = 5
    n_layer: int = 6
    vocab_size: int = 1025
    phoneme_vocab_size: int = 732
    EOS: int = 1024
    dropout: float = 0.0
    linear_units: int = 1280


class _Embedding(nn.Module):
    def __init__(self, count: int, width: int):
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)
        nn.init.normal_(self.word_embeddings.weight, 0, 0.5)


class _Position(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))


class _SelfAttention(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)


class T2SLayer(nn.Module):
    """Post-norm transformer layer with the parameter names of torch's TransformerEncoderLayer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.self_attn = _SelfAttention(width)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor | None, dropout: float, cache: list[Tensor] | None = None) -> Tensor:
        """x [B, T, D], mask [B, 1, T, S] -> [B, T, D]; a cache list is filled with keys and values."""
        batch, time, width = x.shape
        projected = F.linear(x, self.self_attn.in_proj_weight, self.self_attn.in_proj_bias)
        q, k, v = (p.view(batch, time, self.heads, -1).transpose(1, 2) for p in projected.chunk(3, -1))
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(x.shape)
        x = self.norm1(x + F.dropout(self.self_attn.out_proj(mixed), dropout, self.training))
        inner = F.dropout(F.relu(self.linear1(x)), dropout, self.training)
        return self.norm2(x + F.dropout(self.linear2(inner), dropout, self.training))


class T2S(nn.Module):
    """Phones and the codes so far -> the next code.  The BERT input of the official network is held at zero."""

    def __init__(self, c: T2SConfig):
        super().__init__()
        self.config = c
        width = c.hidden_dim
        self.bert_proj = nn.Linear(1024, width)
        self.ar_text_embedding = _Embedding(c.phoneme_vocab_size, width)
        self.ar_text_position = _Position()
        self.ar_audio_embedding = _Embedding(c.vocab_size, width)
        self.ar_audio_position = _Position()
        self.h = nn.Module()
        self.h.layers = nn.ModuleList(T2SLayer(width, c.head) for _ in range(c.n_layer))
        self.ar_predict_layer = nn.Linear(width, c.vocab_size, bias=False)
        nn.init.normal_(self.ar_predict_layer.weight, 0, width**-0.5)
        nn.init.zeros_(self.bert_proj.weight)
        nn.init.zeros_(self.bert_proj.bias)
        self.bert_proj.weight.requires_grad_(False)
        rate = torch.exp(-torch.arange(0, width, 2).float() * math.log(10000) / width)
        angles = torch.arange(4000).float()[:, None] * rate
        self.register_buffer("sines", torch.stack([angles.sin(), angles.cos()], -1).flatten(1), persistent=False)

    def text(self, phones: Tensor) -> Tensor:
        """[B, L] -> [B, L, D]."""
        embedded = self.ar_text_embedding.word_embeddings(phones) + self.bert_proj.bias
        return embedded + self.ar_text_position.alpha * self.sines[: phones.shape[1]]

    def audio(self, codes: Tensor, start: int = 0) -> Tensor:
        """[B, T] -> [B, T, D], positions from `start`."""
        embedded = self.ar_audio_embedding.word_embeddings(codes)
        return embedded + self.ar_audio_position.alpha * self.sines[start : start + codes.shape[1]]

    def forward(self, phones: Tensor, phone_count: Tensor, codes: Tensor, code_count: Tensor, dropout: float) -> Tensor:
        """Right-padded phones [B, L] and codes [B, T] -> logits [B, T + 1, V]; row i predicts code i."""
        length, time, device = phones.shape[1], codes.shape[1], phones.device
        text_valid = torch.arange(length, device=device) < phone_count[:, None]
        code_valid = torch.arange(time, device=device) < code_count[:, None]
        mask = torch.zeros(len(phones), 1, length + time, length + time, dtype=torch.bool, device=device)
        mask[..., :length] = text_valid[:, None, None]
        causal = torch.ones(time, time, device=device, dtype=torch.bool).tril()
        mask[:, :, length:, length:] = causal & code_valid[:, None, None]
        x = torch.cat([self.text(phones), self.audio(codes)], 1)
        for layer in self.h.layers:
            x = layer(x, mask, dropout)
        last = x.gather(1, (phone_count - 1)[:, None, None].expand(-1, 1, x.shape[2]))
        return self.ar_predict_layer(torch.cat([last, x[:, length:]], 1))

    @torch.no_grad()
    def generate(
        self,
        phones: Tensor,
        prompt: Tensor,
        top_k: int = 15,
        temperature: float = 1.0,
        penalty: float = 1.35,
        limit: int = 600,
    ) -> Tensor:
        """phones [1, L] (prompt's, then the text's), prompt codes [1, P] -> new codes [n], by the official sampling."""
        length, prompted, device = phones.shape[1], prompt.shape[1], phones.device
        mask = torch.zeros(length + prompted, length + prompted, dtype=torch.bool, device=device)
        mask[:, :length] = True
        mask[length:, length:] = torch.ones(prompted, prompted, device=device, dtype=torch.bool).tril()
        x = torch.cat([self.text(phones), self.audio(prompt)], 1)
        caches: list[list[Tensor]] = [[] for _ in self.h.layers]
        for layer, cache in zip(self.h.layers, caches, strict=True):
            x = layer(x, mask[None, None], 0.0, cache)
        seen, out = set(prompt[0].tolist()), []
        for i in range(limit):
            logits = self.ar_predict_layer(x[0, -1]).float()
            if i < 11:
                logits[self.config.EOS] = -math.inf
            known = torch.tensor(sorted(seen), device=device)
            values = logits[known]
            logits[known] = torch.where(values < 0, values * penalty, values / penalty)
            best = int(logits.argmax())
            logits = logits / max(temperature, 1e-5)
            smallest = logits.topk(top_k).values[-1]
            token = int(torch.multinomial(logits.masked_fill(logits < smallest, -math.inf).softmax(-1), 1))
            if self.config.EOS in (token, best):
                break
            out.append(token)
            seen.add(token)
            x = self.audio(torch.tensor([[token]], device=device), prompted + i)
            for layer, cache in zip(self.h.layers, caches, strict=True):
                x = layer(x, None, 0.0, cache)
        return torch.tensor(out, dtype=torch.long, device=device)


def official_t2s(state: dict[str, Tensor], c: T2SConfig) -> dict:
    """A training state dict -> the contents of an official s1 file (fp16)."""
    weight = OrderedDict(("model." + k, v.detach().cpu().half().contiguous()) for k, v in state.items())
    return {"weight": weight, "config": {"model": asdict(c), "data": {"max_sec": 54}}, "info": "GPT-e0"}


def from_official_t2s(file: dict) -> tuple[T2SConfig, dict[str, Tensor]]:
    """The contents of an official s1 file -> its configuration and training state."""
    sizes = {k: v for k, v in file["config"]["model"].items() if k in T2SConfig.__dataclass_fields__}
    return T2SConfig(**sizes), {k.removeprefix("model."): v.float() for k, v in file["weight"].items()}
