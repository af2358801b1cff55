"""The networks in MLX: weights only, no request state."""
