"""English: written text to phones."""
