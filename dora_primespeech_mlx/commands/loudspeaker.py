"""Plays speech on this machine's loudspeaker while it is being made. Needs the extra `play` (sounddevice)."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dora_primespeech_mlx.speech import AudioChunk


class SpeakerError(ValueError):
    """Nothing can be played here; the message says why and what to do."""


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise SpeakerError("sounddevice is not installed; pip install 'dora-primespeech-mlx[play]'") from error
    except OSError as error:
        raise SpeakerError(f"sounddevice finds no PortAudio ({error}); install libportaudio2") from error
    return sounddevice


def default_output() -> str:
    """Name of the loudspeaker that would be used.

    Raises:
        SpeakerError: there is none, or sounddevice is not installed.
    """
    sounddevice = _sounddevice()
    try:
        return str(sounddevice.query_devices(kind="output")["name"])
    except (sounddevice.PortAudioError, ValueError) as error:
        raise SpeakerError("there is no loudspeaker on this machine") from error


def play(chunks: Iterable[AudioChunk]) -> Iterator[AudioChunk]:
    """Plays chunks as they come and hands each on; ends when the last one has been heard.

    Raises:
        SpeakerError: as `default_output`.
    """
    default_output()
    stream: Any = None
    try:
        for chunk in chunks:
            if stream is None:
                stream = _sounddevice().OutputStream(samplerate=chunk.sample_rate, channels=1, dtype="float32")
                stream.start()
            stream.write(np.ascontiguousarray(chunk.samples, np.float32)[:, None])
            yield chunk
        if stream is not None:
            stream.stop()
    finally:
        if stream is not None:
            stream.close()
