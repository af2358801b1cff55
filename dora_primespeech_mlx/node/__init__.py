"""The dora node: the only room that knows dora and Arrow."""
