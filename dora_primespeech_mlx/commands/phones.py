"""How a text will be read: its sentences, what is said, phones and pinyin. No network is loaded for it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from dora_primespeech_mlx.names.values import Number
from dora_primespeech_mlx.settings import LANGUAGES, SPLIT_METHODS, Settings
from dora_primespeech_mlx.text import Frontend, Phones
from dora_primespeech_mlx.text.mandarin.pinyin import spelled
from dora_primespeech_mlx.text.sentences import Sentence, sentences_of

PIECES = Number(0, 1_000_000, integer=True)


@dataclass(frozen=True)
class Question:
    """A text and how it comes.

    Attributes:
        text: what will be spoken.
        language: as TEXT_LANG.
        cut: as TEXT_SPLIT_METHOD.
        pieces: characters that come at a time, as from a language model; 0 for the whole text at once.
    """

    text: str
    language: str = "auto"
    cut: str = "sentence"
    pieces: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise ValueError(f"text is {str(self.text)[:40]}, which is no text: write it between quotation marks")
        for name, value, kind in (
            ("language", self.language, LANGUAGES),
            ("cut", self.cut, SPLIT_METHODS),
            ("pieces", self.pieces, PIECES),
        ):
            if not kind.accepts(value):
                raise ValueError(f"{name}={str(value)[:40]!r} is not allowed; it must be {kind.allowed}")


def read(question: Question, frontend: Frontend, markup: bool = True) -> dict[str, Any]:
    """The answer to a question: `text`, `error` (why a sentence is left out, or None) and `sentences`.

    A sentence has its `text` as cut, how many characters had come when it came out (`at`), what is `said`, the
    `language` that most of it is in, `phones` and their `ids`, `pinyin` (character, syllable with tone) and `spans`
    (language, text, first and last phone); `pause` (seconds before it) and `rate` where the text asks for them. With
    "cut0", which adds nothing to a text, `said` is without the full stop that a sentence is closed with.
    """
    came = 0

    def pieces() -> Iterator[str]:
        nonlocal came
        for start in range(0, len(question.text), question.pieces):
            piece = question.text[start : start + question.pieces]
            came += len(piece)
            yield piece

    if not question.pieces:
        came = len(question.text)
    source = pieces() if question.pieces else question.text
    sentences: list[dict[str, Any]] = []
    error: str | None = None
    for sentence in filter(None, sentences_of(source, question.language, question.cut, markup)):
        try:
            phones = frontend(sentence.text, sentence.language, notes=sentence.notes)
        except ValueError as refused:
            error = error or str(refused)
            continue
        sentences.append({"text": sentence.text, "at": came, **described(phones), **_asked(sentence)})
        if question.cut == "cut0" and sentence.closed:
            sentences[-1]["said"] = sentences[-1]["said"].removesuffix(".")
    if not sentences and error is None:
        error = f"there is nothing to say in {question.text[:40]!r}: it has no word and no number"
    return {"text": question.text, "error": error, "sentences": sentences}


def _asked(sentence: Sentence) -> dict[str, float]:
    """What the text asks for beside its words."""
    asked = {} if sentence.pause is None else {"pause": sentence.pause}
    return asked if sentence.rate == 1 else asked | {"rate": sentence.rate}


def described(phones: Phones) -> dict[str, Any]:
    """Phones as a program reads them."""
    lengths = dict.fromkeys(("zh", "en"), 0)
    for span in phones.spans:
        lengths[span.language] = lengths.get(span.language, 0) + span.end - span.start
    return {
        "said": phones.text,
        "language": max(lengths, key=lengths.__getitem__),
        "phones": list(phones.names),
        "ids": phones.ids.tolist(),
        "pinyin": [[character, syllable] for character, syllable in pinyin(phones)],
        "spans": [
            {"language": span.language, "text": span.text, "start": span.start, "end": span.end}
            for span in phones.spans
        ],
    }


def reader(voice: str | None, settings: Settings) -> tuple[Frontend, str]:
    """The front end that a voice reads with, without its networks, and its language; None is the default voice.

    Raises:
        FileNotFoundError, ValueError: as `read_voices`; or the lexicon is not there, or is none.
    """
    from dora_primespeech_mlx.voices.book import read_lexicon, read_voices

    entry = read_voices(settings.voices).find(voice or settings.voice)
    lexicon = read_lexicon(entry.lexicon) if entry.lexicon else None
    language = entry.language if settings.language == "auto" else settings.language
    return Frontend("v2", lexicon, settings.g2pw_dir, entry.home, entry.languages), language


def pinyin(phones: Phones) -> Iterator[tuple[str, str]]:
    """Each Mandarin character with the syllable it is said as, after all changes of tone."""
    for span in phones.spans:
        if span.language != "zh":
            continue
        at = span.start
        for character, count in zip(span.text, span.word2ph or (), strict=False):
            if count == 2:
                yield character, spelled(*phones.names[at : at + 2])
            at += count


def answers(
    lines: Iterable[str], language: str, cut: str, pieces: int, as_json: bool, frontend: Frontend
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to print for each line, and the answer it shows. With `as_json` a line may be a question as an object."""
    usual = Question("", language, cut, pieces)
    for line in lines:
        try:
            answer = read(_question(line, usual) if as_json else replace(usual, text=line), frontend)
        except ValueError as wrong:
            answer = {"text": line, "error": str(wrong), "sentences": []}
        yield (json.dumps(answer, ensure_ascii=False) if as_json else table(answer)), answer


def _question(line: str, usual: Question) -> Question:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or "text" not in asked:
        return replace(usual, text=line)
    known = {field.name for field in fields(Question)}
    if isinstance(asked.get("language"), str):
        asked["language"] = LANGUAGES.read(asked["language"])
    return replace(usual, **{name: value for name, value in asked.items() if name in known and value is not None})


def table(answer: dict[str, Any]) -> str:
    """An answer for people: what is said, and below each word or character how."""
    if answer["error"] is not None and not answer["sentences"]:
        return f"! {answer['error']}"
    rows = []
    for sentence in answer["sentences"]:
        rows.append(f"{sentence['language']}  {sentence['said']}")
        if sentence["pinyin"]:
            rows.append("    " + " ".join(f"{character}{syllable}" for character, syllable in sentence["pinyin"]))
        rows.append("    " + " ".join(sentence["phones"]))
    return "\n".join(rows + ([f"! {answer['error']}"] if answer["error"] else []))
