"""GPT-SoVITS text-to-speech in MLX, as a dora node for real-time speech."""

__version__ = "0.1.0"
