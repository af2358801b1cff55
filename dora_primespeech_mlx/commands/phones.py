"""How a text will be read: its sentences, what is said, phones and pinyin. No network is loaded for it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from dora_primespeech_mlx.text import Frontend, Phones
from dora_primespeech_mlx.text.mandarin.pinyin import spelled
from dora_primespeech_mlx.text.sentences import sentences_of


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


def read(question: Question, frontend: Frontend, markup: bool = True) -> dict[str, Any]:
    """The answer to a question: `text`, `error` (a sentence, or None) and `sentences`.

    A sentence has its `text` as cut, how many characters had come when it came out (`at`), what is `said`, the
    `language` that most of it is in, `phones` and their `ids`, `pinyin` (character, syllable with tone) and `spans`
    (language, text, first and last phone).
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
    try:
        for sentence in filter(None, sentences_of(source, question.language, question.cut, markup)):
            phones = frontend(sentence.text, question.language)
            sentences.append({"text": sentence.text, "at": came, **described(phones)})
    except ValueError as refused:
        error = str(refused)
    if not sentences and error is None:
        error = f"there is nothing to say in {question.text[:40]!r}: it has no word and no number"
    return {"text": question.text, "error": error, "sentences": sentences}


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


def pinyin(phones: Phones) -> Iterator[tuple[str, str]]:
    """Each Mandarin character with the syllable it is said as, after all changes of tone."""
    for span in phones.spans:
        at = span.start
        for character, count in zip(span.text, span.word2ph or (), strict=False):
            if count == 2:
                yield character, spelled(*phones.names[at : at + 2])
            at += count


def answers(
    lines: Iterable[str], language: str, cut: str, pieces: int, as_json: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to print for each line, and the answer it shows. With `as_json` a line may be a question as an object."""
    frontend = Frontend()
    usual = Question("", language, cut, pieces)
    for line in lines:
        answer = read(_question(line, usual) if as_json else replace(usual, text=line), frontend)
        yield (json.dumps(answer, ensure_ascii=False) if as_json else table(answer)), answer


def _question(line: str, usual: Question) -> Question:
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or "text" not in asked:
        return replace(usual, text=line)
    known = {field.name for field in fields(Question)}
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
