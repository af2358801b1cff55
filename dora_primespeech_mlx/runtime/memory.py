"""Memory that loading leaves behind."""

import ctypes
import sys


def release() -> None:
    """Gives freed memory back to the system: MLX's cache, and what the C library's heap holds free (glibc)."""
    if "mlx.core" in sys.modules:
        import mlx.core as mx

        mx.clear_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
