"""Several processes train the same network, one per GPU, and average weights every few steps (local SGD).

The first process trains alone until all others are ready, which then take over everything the first has learned.
"""

from collections.abc import Sequence
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(seconds=120)  # for the other processes at a meeting
LONGEST = timedelta(hours=12)  # for the first meeting


class Together:
    """Meetings of the processes.  Every tensor handed over must be float32, of the same shapes in all."""

    def __init__(self, rank: int, processes: int, port: int, device: str):
        self.rank, self.processes, self.device, self.joined = rank, processes, device, False
        self._others = [f"ready{other}" for other in range(1, processes)]
        self._store = dist.TCPStore(
            "127.0.0.1", port, is_master=rank == 0, wait_for_workers=False, timeout=LONGEST if rank else PATIENCE
        )

    def join(self, tensors: Sequence[Tensor], clock: Tensor) -> None:
        """Another process, when it could start: waits for the next meeting and receives all values."""
        self._store.set(f"ready{self.rank}", "")
        self._store.wait(["go"])
        self._begin(tensors, clock)

    def meet(self, tensors: Sequence[Tensor], clock: Tensor) -> None:
        """Averages tensors over all processes; `clock` (float64) becomes the first process's.  Alone: nothing."""
        if self.joined:
            flat = torch.cat([t.reshape(-1) for t in tensors])
            dist.all_reduce(flat)
            self._hand_out(flat / self.processes, tensors)
            dist.broadcast(clock, 0)
        elif self._store.check(self._others):
            self._store.set("go", "")
            self._begin(tensors, clock)

    def _begin(self, tensors: Sequence[Tensor], clock: Tensor) -> None:
        backend = "nccl" if self.device.startswith("cuda") else "gloo"
        dist.init_process_group(
            backend,
            store=dist.PrefixStore("group", self._store),
            rank=self.rank,
            world_size=self.processes,
            timeout=PATIENCE,
        )
        flat = torch.cat([t.reshape(-1) for t in tensors])
        dist.broadcast(flat, 0)
        self._hand_out(flat, tensors)
        dist.broadcast(clock, 0)
        self.joined = True

    def leave(self) -> None:
        """Ends what `join` or `meet` began."""
        if self.joined:
            dist.destroy_process_group()

    @staticmethod
    def _hand_out(flat: Tensor, tensors: Sequence[Tensor]) -> None:
        parts = flat.split([t.numel() for t in tensors])
        with torch.no_grad():
            torch._foreach_copy_(list(tensors), [p.view_as(t) for p, t in zip(parts, tensors, strict=True)])
