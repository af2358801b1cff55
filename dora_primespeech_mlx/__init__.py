"""GPT-SoVITS text-to-speech in MLX, as a dora node for real-time speech."""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.sampling import Sampling
    from dora_primespeech_mlx.settings import Settings
    from dora_primespeech_mlx.speech import AudioChunk, Manner, Omission, Speech, Style
    from dora_primespeech_mlx.synthesis.streaming import Schedule

# MLX reads these once, when it starts. Without CUDA graphs the vocoder is faster (benchmarks/results has both), and
# small caches make MLX end a process that has seen many lengths. Products of float32 are of float32, not of the 11 bits
# that matrix units would make of it: what is left in float32 needs it.
for _name, _value in (
    ("MLX_USE_CUDA_GRAPHS", "0"),
    ("MLX_CUDA_CONV_CACHE_SIZE", "4096"),
    ("MLX_CUDA_GRAPH_CACHE_SIZE", "4096"),
    ("MLX_ENABLE_TF32", "0"),
):
    os.environ.setdefault(_name, _value)

__version__ = "0.1.0"
__all__ = [
    "AudioChunk",
    "Engine",
    "Manner",
    "Omission",
    "Sampling",
    "Schedule",
    "Settings",
    "Speech",
    "Style",
    "__version__",
]

_HOMES = {
    "AudioChunk": "speech",
    "Engine": "engine",
    "Manner": "speech",
    "Omission": "speech",
    "Sampling": "sampling",
    "Schedule": "synthesis.streaming",
    "Settings": "settings",
    "Speech": "speech",
    "Style": "speech",
}


def __getattr__(name: str) -> Any:
    """The public names, each imported when first asked for: importing the package alone loads no network library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names too."""
    return sorted({*globals(), *__all__})
