"""Machines that are not there: each a set of namespaces of its own, and a link between two of them that can be bad.

`Machine` needs no root where user namespaces are allowed: network, processes, mounts and shared memory are its own, and
all of it ends with it. `Link` joins two machines in user space, so that delay, loss and cuts are the same on every
kernel, with netem or without.
"""

import contextlib
import heapq
import itertools
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NEEDED = ("unshare", "nsenter", "ip", "mount")
NAMESPACES = ("--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
FRAME = 65_536
BACKLOG = 4_000
"""Frames that may be under way in one direction; a full link drops what comes, as a full router does."""

_BIRTH = """
import array, fcntl, os, socket, struct, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "none", "/dev/shm"], check=True)
tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"lan", 0x0002 | 0x1000))
for words in ("link set lo up", f"address add {sys.argv[2]}/24 dev lan", "link set lan up"):
    subprocess.run(["ip", *words.split()], check=True)
with socket.socket(fileno=int(sys.argv[1])) as parent:
    socket.send_fds(parent, [b"ready"], [tap])
    parent.recv(1)
"""


def why_not() -> str:
    """Why there can be no machines here, as a sentence; nothing if there can be."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun cannot be opened"
    tried = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True)
    return f"no namespaces of one's own are allowed: {tried.stderr.strip()}" if tried.returncode else ""


class Machine:
    """A machine on a network of its own, at `address`."""

    def __init__(self, address: str):
        self.address = address
        ours, theirs = socket.socketpair()
        with theirs:
            birth = [sys.executable, "-c", _BIRTH, str(theirs.fileno()), address]
            self._holder = subprocess.Popen(["unshare", *NAMESPACES, *birth], pass_fds=[theirs.fileno()])
        self._socket = ours
        ours.settimeout(10.0)
        said, fds, _, _ = socket.recv_fds(ours, 16, 1)
        if said != b"ready":
            raise OSError("a machine did not start")
        self.tap = fds[0]
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self._init = children[0]

    def command(self, folder: Path, *arguments: str) -> list[str]:
        """What to run here in order to run `arguments` there, in `folder`."""
        spaces = ("--preserve-credentials", "--user", "--net", "--mount", "--pid", "--target", self._init)
        return ["nsenter", *spaces, f"--wdns={folder}", *arguments]

    def end(self) -> None:
        """End everything that runs there."""
        self._holder.send_signal(signal.SIGKILL)
        self._holder.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self._init), signal.SIGKILL)
        self._socket.close()
        os.close(self.tap)


@dataclass(frozen=True)
class Quality:
    """What a link does to a frame: seconds of `delay` and at most `jitter` more or less, share of `loss`.

    Frames stay in order. Without `multicast` none is let through, as most networks between sites are.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    multicast: bool = True


class Link(threading.Thread):
    """Carries frames between two machines, from the beginning of a block to its end."""

    def __init__(self, first: Machine, second: Machine, quality: Quality, seed: int = 0):
        super().__init__(daemon=True)
        self.carried = self.dropped = 0
        self._taps = (first.tap, second.tap)
        self._quality = quality
        self._chance = random.Random(seed)
        self._up = True
        self._closed = False
        self._under_way: list[tuple[float, int, int, bytes]] = []
        self._numbers = itertools.count()
        self._last = [0.0, 0.0]

    def cut(self) -> None:
        """Carry nothing any more; what is under way is lost."""
        self._up = False

    def mend(self) -> None:
        """Carry again."""
        self._up = True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failed: object) -> None:
        self.end()

    def end(self) -> None:
        """Carry nothing ever again; before its machines end."""
        self._closed = True
        self.join()

    def run(self) -> None:
        """Read, wait, write."""
        while not self._closed:
            until = self._under_way[0][0] - time.monotonic() if self._under_way else 0.05
            readable, _, _ = select.select(self._taps, (), (), min(max(until, 0.0), 0.05))
            for tap in readable:
                self._take(self._taps.index(tap))
            self._deliver()

    def _take(self, side: int) -> None:
        for _ in range(64):
            try:
                frame = os.read(self._taps[side], FRAME)
            except BlockingIOError:
                return
            quality = self._quality
            group = frame[0] & 1 and frame[:6] != b"\xff" * 6
            lost = len(self._under_way) > BACKLOG or self._chance.random() < quality.loss
            if not self._up or lost or (group and not quality.multicast):
                self.dropped += 1
                continue
            delay = quality.delay + self._chance.uniform(-quality.jitter, quality.jitter)
            self._last[side] = max(self._last[side], time.monotonic() + delay)
            heapq.heappush(self._under_way, (self._last[side], next(self._numbers), 1 - side, frame))

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            _, _, side, frame = heapq.heappop(self._under_way)
            if not self._up:
                self.dropped += 1
                continue
            with contextlib.suppress(OSError):
                os.write(self._taps[side], frame)
                self.carried += 1
