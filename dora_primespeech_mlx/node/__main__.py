"""python -m dora_primespeech_mlx.node."""

from dora_primespeech_mlx.node.main import main

main()
