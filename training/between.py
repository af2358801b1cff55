"""Weights between those that a training began with and those that it ended with, or beyond the latter.

    python -m training.between FIRST.pth LAST.pth OUT.pth --share 1.2

Both are official s2 files of one training (`training.from_model`, `training.train_sovits`).  What lies between them
keeps more of what the first could do; a share of more than 1 goes on in the direction of the training.
"""

import argparse
from pathlib import Path

import torch

from training import official
from training.steps import save


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("last")
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.88, help="of the last")
    args = parser.parse_args()
    states = []
    for path in (args.first, args.last):
        config, state = official.read(torch.load(path, map_location="cpu", weights_only=False))
        states.append(state)
    first, last = states
    mixed = {name: torch.lerp(first[name], last[name], args.share) for name in last}
    save(official.written(mixed, config, 0), args.out)


if __name__ == "__main__":
    main()
