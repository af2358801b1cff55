"""An MLX function's operations, recorded and simplified."""
