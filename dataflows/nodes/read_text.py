"""Sends each line of a text file as one text. Environment: TEXT_FILE; SESSIONS, how many take turns (1)."""

from pathlib import Path

import dora
import pyarrow as pa
from variables import variable

from dora_primespeech_mlx.files.texts import read_text
from dora_primespeech_mlx.names.values import Name, Number


def main() -> None:
    """Send the lines, numbered, then end."""
    path, sessions = Path(variable("TEXT_FILE", Name())), variable("SESSIONS", Number(1, 10_000, integer=True), "1")
    if not path.is_file():
        raise SystemExit(f"the text file {path.resolve()} is not there; set TEXT_FILE to one that is")
    try:
        lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    except ValueError as error:
        raise SystemExit(str(error)) from error
    node = dora.Node()
    for number, line in enumerate(lines):
        session = f"session {number % sessions}"
        metadata = {"segment_id": number, "question_id": path.name, "session_id": session}
        node.send_output("text", pa.array([line]), metadata)


if __name__ == "__main__":
    main()
