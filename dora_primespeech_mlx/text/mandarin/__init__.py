"""Mandarin: written text to phones."""
