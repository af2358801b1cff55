"""Makes ahead what is made once on a computer: kernels of a device, graphs of a CPU."""

import time
from collections.abc import Iterator

from dora_primespeech_mlx.engine import Engine
from dora_primespeech_mlx.settings import Settings

TEXTS = {"zh": "你好。今天天气很好。我们明天再见。", "en": "Hello. It is a fine day. We shall meet again tomorrow."}


def warm(settings: Settings) -> Iterator[tuple[str, float]]:
    """Speaks with the default voice in every way that has kernels of its own.

    MLX keeps kernels of CUDA in the folder that MLX_PTX_CACHE_DIR names, by itself one for temporary files, and Metal's
    system keeps its own; graphs of the CPU lie in GRAPH_CACHE.

    Yields:
        what was done, and the seconds it took.
    """
    began = time.perf_counter()
    engine = Engine.from_config(settings.voices, settings)
    yield "voice loaded", time.perf_counter() - began
    text = TEXTS.get(engine.settle({}).language, TEXTS["en"])
    ways = {
        "a sentence as it streams": engine.warm_up,
        "a whole text, its sentences together": lambda: engine.synthesize(text, seed=0),
        "a sentence again": engine.warm_up,
    }
    for name, way in ways.items():
        began = time.perf_counter()
        way()
        yield name, time.perf_counter() - began
