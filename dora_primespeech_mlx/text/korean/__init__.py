"""Korean: written text to phones."""
