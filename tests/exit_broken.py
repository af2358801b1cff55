"""A node that cannot send what its worker makes, and whose receiving thread waits for ever."""

from node_fakes import FakeEngine, FakeNode

from dora_primespeech_mlx.node.main import run
from dora_primespeech_mlx.settings import Settings


class Node(FakeNode):
    def send_output(self, output_id, data, metadata):
        if data[0].as_py() != "ready":
            raise ValueError("the daemon is gone")


node = Node()
node.give("text", "Hello.")
run(lambda: node, lambda settings: FakeEngine(), Settings())
