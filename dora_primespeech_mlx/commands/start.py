"""The console script: around the command, what is between it and the terminal, pipe or service that it runs in."""

import io
import os
import sys

INTERRUPTED, NOBODY_READS = 130, 141
"""Exit status, as shells have it."""


def start() -> int:
    """Runs the command. Ctrl-C ends it without a word also while it is loaded, and so does a reader that has gone.

    Letters that the terminal cannot show are written as escapes.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from dora_primespeech_mlx.commands.main import main

        status = main()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written there at the end
        return NOBODY_READS
    return status
