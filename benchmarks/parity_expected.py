"""Makes the numbers that `primespeech doctor --parity` compares with: the voice that ships, MLX, float32, on a CPU.

python benchmarks/parity_expected.py
"""

import sys
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.commands.parity import EXPECTED, computed
from dora_primespeech_mlx.runtime.interface import SovitsRunner
from dora_primespeech_mlx.settings import SHIPPED_VOICES
from dora_primespeech_mlx.voices.book import read_voices
from dora_primespeech_mlx.voices.models import load_on_mlx


def main() -> None:
    mx.set_default_device(mx.cpu)
    book = read_voices(SHIPPED_VOICES)
    folder = cast(Path, book.entries[book.default].weights)
    model = load_on_mlx(folder, "fp32")
    found = computed(model.t2s, cast(SovitsRunner, model.sovits))
    np.savez_compressed(folder / EXPECTED, **found)
    print(
        f"{folder / EXPECTED}: {(folder / EXPECTED).stat().st_size} bytes, { ({k: v.shape for k, v in found.items()}) }"
    )


if __name__ == "__main__":
    main()
