"""Sentences to codes, latents and samples."""
