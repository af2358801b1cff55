"""Where the networks run: MLX (Metal, CUDA), or ONNX Runtime and OpenVINO (CPUs) from graphs traced out of MLX."""
