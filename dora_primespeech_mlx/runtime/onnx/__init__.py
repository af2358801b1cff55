"""Networks on ONNX Runtime and OpenVINO, from graphs traced out of the MLX functions."""
