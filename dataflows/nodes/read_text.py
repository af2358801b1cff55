"""Sends each line of a text file as one text. Environment: TEXT_FILE."""

import os
from pathlib import Path

import dora
import pyarrow as pa


def main() -> None:
    """Send the lines, numbered, then end."""
    path = Path(os.environ["TEXT_FILE"])
    if not path.is_file():
        raise SystemExit(f"the text file {path.resolve()} is not there; set TEXT_FILE to one that is")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    node = dora.Node()
    for number, line in enumerate(lines):
        node.send_output("text", pa.array([line]), {"segment_id": number, "question_id": path.name})


if __name__ == "__main__":
    main()
