"""What the networks measure: sizes and places in time, plain numbers without MLX."""
