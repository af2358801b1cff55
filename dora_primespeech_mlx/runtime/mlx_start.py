"""What MLX and ONNX Runtime are told before they start; they read it once. The package imports this first."""

import os
import sys

CAME_FIRST = "mlx.core" in sys.modules and "MLX_USE_CUDA_GRAPHS" not in os.environ
"""Whether MLX was there before it could be told."""

# Without CUDA graphs the vocoder is faster (benchmarks/results has both), and small caches make MLX end a process that
# has seen many lengths. Products of float32 are of float32, not of the 11 bits that matrix units would make of it: what
# is left in float32 needs it.
for _name, _value in (
    ("MLX_USE_CUDA_GRAPHS", "0"),
    ("MLX_CUDA_CONV_CACHE_SIZE", "4096"),
    ("MLX_CUDA_GRAPH_CACHE_SIZE", "4096"),
    ("MLX_ENABLE_TF32", "0"),
    ("ORT_DISABLE_TELEMETRY", "1"),
):
    os.environ.setdefault(_name, _value)
