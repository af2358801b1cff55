"""A converted model folder back to official checkpoints, to go on training from what ships.

    python -m training.from_model models/demo OUT

Writes `OUT/s1.ckpt` and `OUT/s2.pth` in the official layouts, which `training.train_t2s --init` and
`training.train_sovits --init` take. The inverse of `primespeech convert`.
"""

import argparse
import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from dora_primespeech_mlx.nets.sovits import RENAMES
from dora_primespeech_mlx.weights.checkpoint import read_torch
from dora_primespeech_mlx.weights.official import CONFIG_FILE, SOVITS_FILE, T2S_FILE

WEIGHT_NORM = (".enc.in_layers.", ".enc.res_skip_layers.", ".enc.cond_layer.", "dec.ups.", "dec.resblocks.")
LINEAR = ("ref_enc.", "ge_to512.", "sv_emb.", "quantizer.", "enc_p.text_embedding.")


def official_t2s(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official s1 names."""
    return {
        "model." + name.replace(".in_proj.weight", ".in_proj_weight").replace(".in_proj.bias", ".in_proj_bias"): value
        for name, value in weights.items()
    }


def official_sovits(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official s2 names and layouts, channels second, with weight norm taken apart."""
    official: dict[str, np.ndarray] = {}
    for name, value in weights.items():
        array = value.astype(np.float32)
        if name.startswith("dec.ups.") and name.endswith(".weight"):
            array = array.transpose(2, 0, 1)
        elif array.ndim == 3 and name.endswith(".weight"):
            array = array.transpose(0, 2, 1)
        elif array.ndim == 2 and name.endswith(".weight") and not name.startswith(LINEAR):
            array = array[..., None]
        name = _official_name(name)
        if name.endswith(".weight") and any(part in name for part in WEIGHT_NORM):
            norm = np.sqrt((array**2).sum(axis=(1, 2), keepdims=True))
            official[f"{name}_g"], official[f"{name}_v"] = norm, array
        else:
            official[name] = array
    return official


def _official_name(name: str) -> str:
    if ".norm_layers_" in name:
        name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
    for old, new in RENAMES:
        if name.startswith(new) and (new != "ref_enc." or name.startswith("ref_enc.w_")):
            return old + name[len(new) :]
    return name


def _save(path: Path, weights: Mapping[str, np.ndarray], config: Mapping, info: str) -> None:
    tensors = OrderedDict((name, torch.from_numpy(np.array(v)).half()) for name, v in weights.items())
    torch.save({"weight": tensors, "config": config, "info": info}, path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    config = json.loads((args.model / CONFIG_FILE).read_text("utf-8"))
    args.out.mkdir(parents=True, exist_ok=True)
    _save(args.out / "s1.ckpt", official_t2s(read_torch(args.model / T2S_FILE)), config["t2s"], "GPT-e1")
    _save(
        args.out / "s2.pth",
        official_sovits(read_torch(args.model / SOVITS_FILE)),
        config["sovits"],
        "1epoch_1iteration",
    )


if __name__ == "__main__":
    main()
