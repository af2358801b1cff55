"""How the next semantic token is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """Numbers of the sampler: keep `top_k` tokens, then the smallest set of mass `top_p`, at `temperature`."""

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35
