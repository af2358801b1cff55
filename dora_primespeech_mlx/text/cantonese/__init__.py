"""Cantonese: written text to phones."""
