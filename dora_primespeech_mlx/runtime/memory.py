"""Memory that MLX and the C library hold free."""

import ctypes
import sys

CACHE_SHARE = 16
"""MLX may hold this part of a device's memory free for its next arrays; every new length adds to what it holds."""
LEAST_CACHE = 256 << 20


def release() -> None:
    """Gives freed memory back to the system: MLX's cache and the heap's."""
    if "mlx.core" in sys.modules:
        import mlx.core as mx

        mx.clear_cache()
    trim_heap()


def trim_heap() -> None:
    """Gives what the C library's heap holds free back to the system (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def bound_cache() -> int:
    """Bounds what MLX holds free of a device's memory, by itself nearly all of it; returns the bound in bytes."""
    import mlx.core as mx

    described = mx.device_info()
    size = int(described.get("memory_size") or described.get("total_memory") or 0)
    limit = max(LEAST_CACHE, size // CACHE_SHARE)
    mx.set_cache_limit(limit)
    return limit
