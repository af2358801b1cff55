"""What a CUDA device can do, asked of the driver."""

import ctypes
from dataclasses import dataclass

_MULTIPROCESSOR_COUNT, _SHARED_MEMORY_OF_A_BLOCK, _CLUSTER_LAUNCH = 16, 97, 120


@dataclass(frozen=True)
class Device:
    """A device.

    Attributes:
        multiprocessors: how many there are.
        shared: bytes of shared memory that a block may ask for.
        clusters: whether blocks can run in clusters.
    """

    multiprocessors: int
    shared: int
    clusters: bool


def first_device() -> Device | None:
    """The first CUDA device; None where that cannot be known."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    device = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None

    def attribute(number: int) -> int:
        # An old driver does not know the newer attributes, and leaves the value alone.
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), number, device)
        return value.value

    return Device(
        attribute(_MULTIPROCESSOR_COUNT), attribute(_SHARED_MEMORY_OF_A_BLOCK), bool(attribute(_CLUSTER_LAUNCH))
    )
