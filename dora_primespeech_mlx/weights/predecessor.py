"""Key names of T2S weights that predecessors of this project converted (`gpt.safetensors`): to the official ones.

Their SoVITS files keep the official names. Facts from the conversion scripts of moxin-org/Moxin-Voice.
"""

from collections.abc import Mapping

import numpy as np

NAMES = {
    "audio_proj.weight": "bert_proj.weight",
    "audio_proj.bias": "bert_proj.bias",
    "phoneme_embed.weight": "ar_text_embedding.word_embeddings.weight",
    "semantic_embed.weight": "ar_audio_embedding.word_embeddings.weight",
    "text_pos_alpha": "ar_text_position.alpha",
    "audio_pos_alpha": "ar_audio_position.alpha",
    "lm_head.weight": "ar_predict_layer.weight",
}
LAYER_NAMES = {
    "self_attn.o_proj": "self_attn.out_proj",
    "mlp.gate_proj": "linear1",
    "mlp.down_proj": "linear2",
    "input_layernorm": "norm1",
    "post_attention_layernorm": "norm2",
}


def official_names(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """T2S weights under the official names, with the three attention projections joined; others are left alone."""
    renamed: dict[str, np.ndarray] = {}
    for name, value in weights.items():
        if ".self_attn.q_proj." in name:
            parts = [weights[name.replace(".q_proj.", f".{kind}_proj.")] for kind in "qkv"]
            name, value = name.replace(".q_proj.", ".in_proj."), np.concatenate(parts)
        elif ".self_attn.k_proj." in name or ".self_attn.v_proj." in name:
            continue
        if name.startswith("layers."):
            name = f"h.{name}"
            for old, new in LAYER_NAMES.items():
                name = name.replace(f".{old}.", f".{new}.")
        renamed[NAMES.get(name, name)] = value
    return renamed
