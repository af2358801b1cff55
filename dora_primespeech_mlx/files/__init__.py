"""Files that users bring: what one is by its bytes, the text and JSON in it; and files written in one step."""
