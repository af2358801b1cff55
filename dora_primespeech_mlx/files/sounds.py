"""Sound files: read in whatever format they come, written with the mark of synthetic speech.

Samples are float32 arrays [n], mono, nominally within -1..1; rates are in hertz.
"""

from io import BytesIO
from pathlib import Path
from shlex import quote

import numpy as np
import soundfile

from dora_primespeech_mlx.files.contents import HEAD, kind_of, other_kind, stand_in
from dora_primespeech_mlx.names.errors import named
from dora_primespeech_mlx.names.paths import perhaps

SOFTWARE = "dora-primespeech-mlx"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for what a trained model made."""
SYNTHETIC = f"Synthetic speech, made by a machine. model={{model}} synthetic=true digitalsourcetype={SOURCE_TYPE}"
"""What the tags of written speech say."""
WRITTEN = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}
"""Endings of sound files that can be written, and their formats."""
_RAW = (".raw", ".pcm")
"""Endings of files that hold samples and nothing that says how many a second."""
_LOUDEST = 10.0
"""Above full scale; what is louder was not scaled to -1..1."""
_HEARD, _CANCELLED = 0.01, 1e-3
_LONGEST = 10
"""Minutes of a file that is read: what is longer holds no recording of a voice, and would fill the memory."""
_UNTOLD = 1 << 40
"""Samples that libsndfile gives a file which does not say how many it has, as those that were written into a pipe."""
_USUAL_RATE = 32000
_RATES = (4000, 768_000)
"""Hertz of recordings of voices: a file that says less or more has a wrong header, or holds no voice."""


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Read a sound file (wav, flac, ogg, mp3, ...): (samples float32 [n], rate in Hz), channels averaged to mono.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, lasts more than ten minutes, has a rate that no voice has, holds no sample or
            values that are no numbers.
    """
    path = Path(path)
    if not path.is_file():
        hint = "a folder; give a sound file" if path.is_dir() else f"not there; {perhaps(path) or 'check the path'}"
        raise FileNotFoundError(f"The sound file {path} is {hint}")
    try:
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, file.frames
            _check_rate(rate, path)
            # Said how many, since files of some codecs cannot be asked where they end.
            samples = file.read(frames, dtype="float32", always_2d=True) if frames <= _LONGEST * 60 * rate else None
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:  # TypeError: no header
        raise ValueError(_unreadable(path, str(error))) from error
    if frames >= _UNTOLD:
        whole = quote(str(path.with_name(f"{path.stem}_whole.wav")))
        raise ValueError(
            f"{path} was written into a pipe and does not say how long it is: write it again, with "
            f"ffmpeg -i {quote(str(path))} {whole}"
        )
    if samples is None:
        raise ValueError(f"{path} lasts {frames / rate / 60:.0f} minutes: cut it to one or two sentences")
    if not len(samples):
        raise ValueError(f"{path} holds no sound: record it again")
    if not np.isfinite(samples).all():
        raise ValueError(f"{path} holds values that are not numbers: export it again as 16-bit wav")
    loudest = float(np.abs(samples).max())
    if loudest > _LOUDEST:
        raise ValueError(f"{path} reaches {loudest:.3g} where 1 is full scale: export it again as 16-bit wav")
    mixed = samples.mean(axis=1)
    if loudest > _HEARD and float(np.square(mixed).mean()) < _CANCELLED * float(np.square(samples).mean()):
        raise ValueError(
            f"{path} has channels in opposite phase, which cancel one another: keep one of them, with "
            f"ffmpeg -i {quote(str(path))} -af 'pan=mono|c0=c0' {quote(str(path.with_name(f'{path.stem}_mono.wav')))}"
        )
    return mixed, int(rate)


def _check_rate(rate: int, path: Path) -> None:
    least, most = _RATES
    if not least <= rate <= most:
        raise ValueError(
            f"{path} says that it has {rate} samples a second, where voices have {least} or more and {most} at most: "
            f"export it again at {_USUAL_RATE}"
        )


def _unreadable(path: Path, reason: str) -> str:
    with named(path), path.open("rb") as file:
        head = file.read(HEAD)
    to = path.with_suffix(".wav") if path.suffix.lower() != ".wav" else path.with_name(f"{path.stem}_pcm.wav")
    if path.suffix.lower() in _RAW and stand_in(head) is None:
        how = f"ffmpeg -f s16le -ar {_USUAL_RATE} -ac 1 -i {quote(str(path))} {quote(str(to))}"
        return f"{path} has no header that says its rate: convert it, with its own rate for {_USUAL_RATE}: {how}"
    what, group = kind_of(head) or ("", "")
    if group == "convertible sound":
        how = f"ffmpeg -i {quote(str(path))} {quote(str(to))}"
        return f"{path} is {what}, which is not read here: convert it with {how}"
    if group != "sound" and (known := other_kind(head, path, "sound file")):
        return f"{path} is {known}"
    reason = reason.split(": ", 1)[-1] if str(path) in reason else reason
    if "does not exist" in reason:  # what libsndfile says of an mp3 without a whole frame
        reason = "it is cut short"
    reason = f"{reason.strip(' .') or 'unknown'}; record or export it again"
    return f"{path} is not a sound file that can be read (wav, flac, ogg and mp3 can): {reason}"


def pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit integers [n]: scaled by 32768, cut towards zero, clipped at full scale."""
    return np.clip(np.asarray(samples, np.float32) * 32768.0, -32768.0, 32767.0).astype(np.int16)


def written_as(path: str | Path) -> str:
    """The format in which a sound file of that name is written; ValueError for an ending that is none of `WRITTEN`."""
    path = Path(path)
    if path.suffix.lower() not in WRITTEN:
        raise ValueError(f"{path} is no name for a sound file here: end it in {', '.join(WRITTEN)}")
    return WRITTEN[path.suffix.lower()]


def write_audio(path: str | Path, samples: np.ndarray, rate: int, model: str = "") -> None:
    """Write samples [n] as a mono file, see `audio_file`; OSError where that cannot be."""
    Path(path).write_bytes(audio_file(path, samples, rate, model))


def audio_file(path: str | Path, samples: np.ndarray, rate: int, model: str = "") -> bytes:
    """A mono file of samples [n], to be written to `path`: 16-bit wav or flac, or Ogg Vorbis, by its ending.

    Speech says in its tags (INFO of a wav, comments of the others) that the `model` of that name made it.

    Raises:
        ValueError: another ending.
    """
    kind = written_as(path)
    subtype = "VORBIS" if kind == "OGG" else "PCM_16"
    content = BytesIO()
    with soundfile.SoundFile(content, "w", rate, 1, subtype=subtype, format=kind) as file:
        if model:
            file.title, file.software, file.comment = "Synthetic speech", SOFTWARE, SYNTHETIC.format(model=model)
        whole = pcm16(samples)
        for start in range(0, len(whole), rate):  # libsndfile overflows its stack on long Ogg at once
            file.write(whole[start : start + rate])
    return content.getvalue()
