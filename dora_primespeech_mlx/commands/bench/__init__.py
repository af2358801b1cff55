"""Measurements of this package: every result is evaluated inside the timed region, warmed up, repeated, with spread."""
