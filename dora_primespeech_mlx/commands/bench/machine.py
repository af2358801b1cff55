"""What a bench ran on."""

import importlib.util
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.commands.installed import version_of
from dora_primespeech_mlx.runtime.factory import accelerated

PACKAGES = ("mlx", "numpy", "onnxruntime", "openvino")


def describe() -> dict[str, Any]:
    """Device, processor, versions, commit and time."""
    return {
        "device": device(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := version_of(name))},
        "package": version_of("dora-primespeech-mlx"),
        "commit": commit(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }


def device() -> str:
    """The device MLX computes on: "Metal (Apple M3)", "CUDA (NVIDIA H100)" or "CPU"."""
    if not accelerated():
        return "CPU"
    import mlx.core as mx

    name = mx.device_info(mx.gpu).get("device_name", "GPU")
    return f"{'Metal' if sys.platform == 'darwin' else 'CUDA'} ({name})"


def processor() -> str:
    """Name of the processor."""
    if sys.platform == "darwin":
        found = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return found.stdout.strip() or platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str | None:
    """Commit of the checkout this package runs from, with a + when files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
        changed = subprocess.run(
            [*git, "diff", "--quiet", "HEAD", "--", "dora_primespeech_mlx"], check=False
        ).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.strip() + ("+" if changed else "")


def resident_megabytes() -> float:
    """Memory of this process in MB: what is resident on Linux, the most it ever was elsewhere."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if importlib.util.find_spec("resource") is None:
        return 0.0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3
