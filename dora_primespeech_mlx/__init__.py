"""GPT-SoVITS text-to-speech in MLX, as a dora node for real-time speech."""

import os

# MLX reads these once, when it starts. Without CUDA graphs the vocoder is faster (benchmarks/results has both), and
# small caches make MLX end a process that has seen many lengths.
for _name, _value in (
    ("MLX_USE_CUDA_GRAPHS", "0"),
    ("MLX_CUDA_CONV_CACHE_SIZE", "4096"),
    ("MLX_CUDA_GRAPH_CACHE_SIZE", "4096"),
):
    os.environ.setdefault(_name, _value)

__version__ = "0.1.0"
