"""The characters of Chinese."""

HAN = "〇\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U000323af"
"""Ranges of characters, for a class of a pattern."""
