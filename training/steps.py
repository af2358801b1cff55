"""What both trainers share: captured steps, optimisers, learning rates, averaged weights, atomic saving."""

import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

RANDOM = np.random.default_rng(1)  # draws of batches
HELD_OUT = 50  # one sentence in this many is never trained on
TEST = 24  # nor are the first sentences of a pack


def held_out(sentences: np.ndarray) -> np.ndarray:
    """Which sentence numbers are kept for validation."""
    return (sentences % HELD_OUT == 7) | (sentences < TEST)


def set_up(device: str, seed: int = 1) -> torch.cuda.Stream | None:
    """Seeds and fast arithmetic; on CUDA the one stream on which everything runs."""
    torch.manual_seed(seed)
    RANDOM.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    if not device.startswith("cuda"):
        return None
    torch.cuda.set_device(torch.device(device).index or 0)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    stream = torch.cuda.Stream()
    torch.cuda.set_stream(stream)
    return stream


def captured(step: Callable[[], Tensor], stream: torch.cuda.Stream | None, warm: int = 4) -> Callable[[], Tensor]:
    """The step as one CUDA graph on `stream` (the step itself without a stream), after a few at rate zero."""
    for _ in range(warm if stream else 1):
        step()
    if stream is None:
        return step
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        result = step()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


class Optimiser:
    """AdamW that can be captured, with averaged weights beside it."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], betas: tuple[float, float], decay: float, device: str):
        self.parameters = list(parameters)
        cuda = device.startswith("cuda")
        self.rate = torch.zeros((), device=device)
        options = {"fused": True, "capturable": True} if cuda else {}
        rate: Tensor | float = self.rate if cuda else 0.0
        self.adam = torch.optim.AdamW(self.parameters, rate, betas, 1e-8, decay, **options)
        self.average = [p.detach().clone() for p in self.parameters]
        self.keep = torch.zeros((), device=device)

    def schedule(self, rate: float, step: int, longest: float = 0.999) -> None:
        """Sets the learning rate and the decay of the average for this step."""
        self.rate.fill_(rate)
        if not torch.is_tensor(self.adam.param_groups[0]["lr"]):
            self.adam.param_groups[0]["lr"] = rate
        self.keep.fill_(min(longest, (1 + step) / (20 + step)))

    def update(self, gradients: Iterable[Tensor], clip: float | None = None) -> None:
        """One step with these gradients."""
        for p in self.parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        torch._foreach_copy_([p.grad for p in self.parameters], list(gradients))
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, clip, foreach=True)
        self.adam.step()
        with torch.no_grad():
            torch._foreach_mul_(self.average, self.keep)
            torch._foreach_add_(self.average, torch._foreach_mul([p.detach() for p in self.parameters], 1 - self.keep))

    def tensors(self) -> list[Tensor]:
        """Weights, their average, moments and step counts, after the first step."""
        moments = [self.adam.state[p][name] for p in self.parameters for name in ("exp_avg", "exp_avg_sq", "step")]
        return [*self.parameters, *self.average, *moments]

    @torch.no_grad()
    def forget(self) -> None:
        """Clears moments and step counts after warm-up steps at rate zero."""
        for state in self.adam.state.values():
            for value in state.values():
                if torch.is_tensor(value):
                    value.zero_()


def rate_at(done: float, step: int, peak: float, warm: int, flat: float = 0.45, floor: float = 0.04) -> float:
    """Learning rate after the share `done` of the time: warm-up by steps, flat, then half a cosine."""
    fall = min(max((done - flat) / (1 - flat), 0.0), 1.0)
    return peak * min(1.0, (step + 1) / warm) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fall)))


def save(value: object, path: Path) -> None:
    """Writes through a temporary file, so that a reader never sees half of it."""
    partial = path.with_suffix(path.suffix + ".part")
    torch.save(value, partial)
    os.replace(partial, path)
