"""SoVITS (s2) as official files hold it, and back; and what of it remains where convolutions are left out."""

from collections import OrderedDict
from dataclasses import asdict

import torch
from torch import Tensor

from training.sovits import FFT, HOP, RATE, SoVITSConfig


def _normalised(name: str) -> bool:
    """Whether the official file stores this weight as weight_g and weight_v."""
    inside = name.startswith(("dec.ups.", "dec.resblocks.")) or (name.startswith("flow.") and ".enc." in name)
    return inside and name.endswith(".weight")


def written(state: dict[str, Tensor], c: SoVITSConfig, step: int) -> dict:
    """A training state dict -> the contents of an official s2 file (fp16, weight norm as g and v)."""
    weight: OrderedDict[str, Tensor] = OrderedDict()
    for name, tensor in state.items():
        if name == "codebook":
            prefix = "quantizer.vq.layers.0._codebook."
            weight[prefix + "inited"] = torch.ones(1)
            weight[prefix + "cluster_size"] = torch.ones(c.codes)
            weight[prefix + "embed"] = tensor
            weight[prefix + "embed_avg"] = tensor
        elif _normalised(name):
            stem = name.removesuffix("weight")
            norm = tensor.float().flatten(1).norm(dim=1)
            weight[stem + "weight_g"] = norm.view(-1, *[1] * (tensor.dim() - 1))
            weight[stem + "weight_v"] = tensor
        else:
            weight[name] = tensor
    weight["ssl_proj.weight"] = torch.eye(c.ssl_dim).unsqueeze(-1).repeat(1, 1, 2) / 2
    weight["ssl_proj.bias"] = torch.zeros(c.ssl_dim)
    sizes = asdict(c)
    model = {
        **{k: v for k, v in sizes.items() if k not in ("symbols", "codes", "ref_bins", "flow_layers")},
        "kernel_size": 3,
        "p_dropout": 0.0,
        "resblock": "1",
        "resblock_dilation_sizes": [list(dilations) for dilations in c.resblock_dilation_sizes],
        "n_layers_q": 3,
        "use_spectral_norm": False,
        "semantic_frame_rate": "25hz",
        "freeze_quantizer": True,
        "version": "v2",
    }
    model = {k: list(v) if isinstance(v, tuple) else v for k, v in model.items()}
    config = {
        "train": {"segment_size": 20480},
        "data": {
            "sampling_rate": RATE,
            "filter_length": FFT,
            "hop_length": HOP,
            "win_length": FFT,
            "n_speakers": 300,
        },
        "model": model,
    }
    halves = OrderedDict((k, v.detach().cpu().half().contiguous()) for k, v in weight.items())
    return {"weight": halves, "config": config, "info": f"0epoch_{step}iteration"}


def read(file: dict) -> tuple[SoVITSConfig, dict[str, Tensor]]:
    """The contents of an official s2 file that `written` made -> its configuration and training state."""
    names = SoVITSConfig.__dataclass_fields__
    model = file["config"]["model"]
    sizes = {k: tuple(v) if isinstance(v, list) else v for k, v in model.items() if k in names}
    sizes["resblock_dilation_sizes"] = tuple(map(tuple, model["resblock_dilation_sizes"]))
    state: dict[str, Tensor] = {}
    for name, tensor in file["weight"].items():
        value = tensor.float()
        if name.endswith("_codebook.embed"):
            state["codebook"] = value
        elif name.endswith(".weight_v"):
            gain = file["weight"][name.removesuffix("v") + "g"].float()
            norm = value.flatten(1).norm(dim=1).view_as(gain)
            state[name.removesuffix("_v")] = value * (gain / norm)
        elif not name.endswith(".weight_g") and not name.startswith(("ssl_proj.", "quantizer.", "enc_q.")):
            state[name] = value
    return SoVITSConfig(**sizes), state


def fewer_convolutions(state: dict[str, Tensor], held: SoVITSConfig, wanted: SoVITSConfig) -> dict[str, Tensor]:
    """A training state of `held` with those convolutions alone of the decoder's residual blocks that `wanted` has."""
    pairs = [list(zip(c.resblock_kernel_sizes, c.resblock_dilation_sizes, strict=True)) for c in (held, wanted)]
    places: dict[tuple[int, int], tuple[int, int]] = {}  # block of a stage and pair in it, as held: as wanted
    for block, (kernel, dilations) in enumerate(pairs[1]):
        for pair, dilation in enumerate(dilations):
            found = [(b, d.index(dilation)) for b, (k, d) in enumerate(pairs[0]) if k == kernel and dilation in d]
            if not found:
                raise ValueError(f"the weights have no convolution of width {kernel} and dilation {dilation}")
            places[found[0]] = (block, pair)
    kept: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.startswith("dec.resblocks."):
            _, _, index, convs, pair, rest = name.split(".", 5)
            stage, block = divmod(int(index), len(pairs[0]))
            if (place := places.get((block, int(pair)))) is None:
                continue
            name = f"dec.resblocks.{stage * len(pairs[1]) + place[0]}.{convs}.{place[1]}.{rest}"
        kept[name] = tensor
    return kept
