"""Japanese: written text to phones."""
