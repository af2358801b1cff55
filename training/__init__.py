"""The recipe that made models/demo: see README.md."""
