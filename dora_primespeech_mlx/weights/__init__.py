"""Files to networks: checkpoints are read, checked and converted."""
