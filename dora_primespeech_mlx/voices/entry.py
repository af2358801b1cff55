"""A voice as a list describes it: where its files lie, what its recording says, how it speaks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from dora_primespeech_mlx.speech import Style
from dora_primespeech_mlx.weights.whole import CONFIG_FILE, SOVITS_FILE, T2S_FILE


@dataclass(frozen=True)
class VoiceEntry:
    """One voice as the file describes it, paths resolved.

    Attributes:
        name: as listed.
        weights: a converted model folder, or the two files (T2S, SoVITS) of a predecessor.
        references: recordings of the voice; the first is the one whose text and codes are known.
        prompt_text: what the first reference says; empty for a voice without a prompt.
        prompt_language: its language.
        language: of texts when the caller does not say; "auto" looks at each text.
        languages: what the voice speaks; empty for all that its model's phones have.
        speed: 1 is the model's own.
        volume: percent of what the model gives.
        codes: file of the prompt's semantic codes, or None.
        aliases: other names.
        sampling: sampling options of this voice, a subset of top_k, top_p, temperature, repetition_penalty,
            noise_scale.
        lexicon: file of pronunciations (word to pinyin or ARPAbet), or None.
        styles: recordings whose prosody it can follow.
        steps: of a diffusion decoder (v3, v4); None for the executor's.
        slips: sentences on fields whose names are nearly those of fields that are read.
        vocoder: a vocoder that `primespeech export --onnx` wrote, used on CPUs when it is there, or None.
    """

    name: str
    weights: Path | tuple[Path, Path]
    references: tuple[Path, ...]
    prompt_text: str
    prompt_language: str
    language: str
    speed: float
    codes: Path | None
    aliases: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sampling: Mapping[str, float] = field(default_factory=dict)
    lexicon: Path | None = None
    vocoder: Path | None = None
    steps: int | None = None
    volume: float = 100.0
    styles: tuple[Style, ...] = ()
    slips: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the weights lie."""
        return self.weights if isinstance(self.weights, Path) else self.weights[1].parent

    @property
    def home(self) -> str:
        """The language that reads what shows none of its own: the texts', or the recording's where those are mixed."""
        return self.prompt_language if self.language == "auto" else self.language

    def files(self) -> Iterator[Path]:
        """Every file the voice needs."""
        if isinstance(self.weights, Path):
            yield from (self.weights / name for name in (T2S_FILE, SOVITS_FILE, CONFIG_FILE))
        else:
            yield from self.weights
        yield from self.references
        yield from (path for path in (self.codes, self.lexicon) if path is not None)
        yield from (path for style in self.styles if (path := style.codes or style.recording) is not None)

    def style(self, name: str) -> Style | None:
        """The style of that name, found as voices are; None if there is none."""
        return next((style for style in self.styles if folded(style.name) == folded(name)), None)


def folded(name: str) -> str:
    """A name as it is compared."""
    composed = normalize("NFKC", normalize("NFKC", name).casefold())
    return "".join(c for c in composed if c not in " _-\t")
