"""MLX on CUDA: kernels of this package where operations would be too many, and transfers."""
