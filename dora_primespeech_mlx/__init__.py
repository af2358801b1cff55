"""GPT-SoVITS text-to-speech in MLX, as a dora node for real-time speech."""

import importlib
from typing import TYPE_CHECKING, Any

from dora_primespeech_mlx.runtime import mlx_start as mlx_start

if TYPE_CHECKING:
    from dora_primespeech_mlx.engine import Engine
    from dora_primespeech_mlx.sampling import Sampling
    from dora_primespeech_mlx.settings import Settings
    from dora_primespeech_mlx.speech import AudioChunk, Manner, Omission, Speech, Style
    from dora_primespeech_mlx.synthesis.streaming import Schedule

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
