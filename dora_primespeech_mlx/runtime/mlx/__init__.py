"""Networks on MLX: Metal, CUDA, or its own CPU backend."""
