"""A node whose engine uses MLX and whose stream ends at once."""

import mlx.core as mx
from node_fakes import FakeEngine, FakeNode

from dora_primespeech_mlx.node.main import run
from dora_primespeech_mlx.settings import Settings


class Engine(FakeEngine):
    def warm_up(self):
        matrix = mx.random.normal((256, 256))
        for _ in range(50):
            matrix = mx.tanh(matrix @ matrix)
            mx.eval(matrix)


node = FakeNode()
node.end()
run(lambda: node, lambda settings: Engine(), Settings())
