"""Transfers through memory of the host that a CUDA device reads and writes where it lies.

MLX's own way is managed memory, whose pages travel when the other side touches them, each with a fault: on an H200 host
0.5 ms for the 0.8 MB of 16 texts, and 1.2 ms for their samples. Pages that are told to stay need a tenth of that. They
never go back to MLX, which would give them to kernels for what should be on the device.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import mlx.core as mx
import numpy as np

from dora_primespeech_mlx.runtime.mlx.cuda import kernel as cuda_kernel
from dora_primespeech_mlx.runtime.mlx.transfers import MlxTransfer, MlxTransfers, Underway
from dora_primespeech_mlx.runtime.transfers import Room

LEAST = 1 << 16
"""Numbers that a buffer has room for, at least: it shares no page with other memory."""
MOST_THREADS, THREADS = 1 << 17, 256
PREFERRED_LOCATION, ACCESSED_BY, DEVICE, HOST = 3, 5, 1, 2
"""Of the driver's advice on memory, and its kinds of places."""
PUT = """
  long count = 1;
  for (int i = 0; i < x_ndim; ++i) count *= x_shape[i];
  const long first = (long)blockIdx.x * blockDim.x + threadIdx.x;
  for (long at = first; at < count; at += (long)gridDim.x * blockDim.x) ((float*)to)[at] = (float)x[at];
  if (first == 0) done[0] = 1;
"""


class Buffer:
    """Memory that both sides see: flat float32, as MLX has it and as NumPy does."""

    def __init__(self, count: int, advise: Callable[[int, int], bool]):
        """Raises OSError where the device cannot use the host's memory where it lies."""
        self.array = mx.array(np.zeros(count, np.float32))
        mx.eval(self.array)
        self.view = np.array(self.array, copy=False)
        if not advise(self.view.ctypes.data, self.view.nbytes):
            raise OSError("The device cannot use the host's memory where it lies.")


class StayingTransfer(MlxTransfer):
    """One call's; its buffers are used again when it ends, or once the device is idle if it is forgotten before."""

    def __init__(self, owner: "StayingTransfers"):
        super().__init__()
        self._owner = owner
        self._buffers: list[Buffer] = []

    def room(self, shape: Sequence[int]) -> Room:
        """See `runtime.transfers.Transfer`."""
        count = math.prod(shape)
        buffer = self._buffer(count)
        return Room(buffer.view[:count].reshape(shape), lambda: buffer.array[:count].reshape(shape))

    def taken(self, array: mx.array) -> Underway:
        """See `MlxTransfer`."""
        buffer, shape, count = self._buffer(array.size), array.shape, array.size
        threads = min(MOST_THREADS, -(-count // THREADS) * THREADS)
        (done,) = _put()(
            inputs=[array, buffer.array],
            output_shapes=[(1,)],
            output_dtypes=[mx.int32],
            grid=(threads, 1, 1),
            threadgroup=(THREADS, 1, 1),
        )

        def read() -> np.ndarray:
            mx.eval(done)
            return buffer.view[:count].reshape(shape)

        return Underway(done, read)

    def end(self) -> None:
        """See `runtime.transfers.Transfer`."""
        self._owner.release(self._buffers)
        self._buffers = []

    def __del__(self) -> None:
        self._owner.forgotten.extend(self._buffers)  # from any thread, wherever Python collects

    def _buffer(self, count: int) -> Buffer:
        self._buffers.append(self._owner.take(max(LEAST, 1 << (count - 1).bit_length())))
        return self._buffers[-1]


class StayingTransfers(MlxTransfers):
    """Transfers through buffers that are kept.

    Attributes:
        free: buffers, by the numbers they have room for.
        forgotten: buffers of calls whose results nobody read, which a device may still be at.
        advise: tells the driver that memory of so many bytes stays where it is; whether it will.
    """

    def __init__(self, advise: Callable[[int, int], bool]):
        """Raises OSError as `Buffer` does."""
        super().__init__()
        self.advise = advise
        self.free: dict[int, list[Buffer]] = {LEAST: [Buffer(LEAST, advise)]}
        self.forgotten: list[Buffer] = []

    def begin(self) -> StayingTransfer:
        """See `runtime.transfers.Transfers`."""
        return StayingTransfer(self)

    def take(self, count: int) -> Buffer:
        """A buffer for so many numbers."""
        if not self.free.get(count) and self.forgotten:
            forgotten = [self.forgotten.pop() for _ in range(len(self.forgotten))]
            mx.synchronize()
            self.release(forgotten)
        free = self.free.get(count)
        return free.pop() if free else Buffer(count, self.advise)

    def release(self, buffers: Sequence[Buffer]) -> None:
        """Buffers that no call uses any more."""
        for buffer in buffers:
            self.free.setdefault(len(buffer.view), []).append(buffer)


@lru_cache
def transfers() -> MlxTransfers:
    """Those of the first CUDA device, the same for all networks."""
    try:
        return StayingTransfers(stays)
    except OSError:
        return MlxTransfers()


class _Location(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("number", ctypes.c_int)]


def stays(address: int, size: int) -> bool:
    """Tells the driver that managed memory stays with the host and is used by the first device from there."""
    advise = getattr(ctypes.CDLL("libcuda.so.1"), "cuMemAdvise_v2", None)
    if advise is None:
        return False
    where = ctypes.c_uint64(address), ctypes.c_size_t(size)
    return not (
        advise(*where, PREFERRED_LOCATION, _Location(HOST, 0)) or advise(*where, ACCESSED_BY, _Location(DEVICE, 0))
    )


@lru_cache
def _put() -> Callable[..., list[mx.array]]:
    return cuda_kernel.kernel("put", ("x", "to"), ("done",), PUT)
