"""The tags of SSML that say how a text is spoken: breaks, speeds, styles, languages, readings, ways to say a number."""

import logging
from collections import deque
from collections.abc import Mapping

from dora_primespeech_mlx.text import notation
from dora_primespeech_mlx.text.inband import CLOSE, CUT, END, ITEM, OPEN

logger = logging.getLogger(__name__)

Requests = deque[tuple[str, str]]
"""What the `CUT` and `OPEN` signs of a text ask for, in order: a kind and a value."""
STYLE_TAGS = frozenset(("express-as", "mstts:express-as"))
LANGUAGES = {"zh": "zh", "cmn": "zh", "en": "en"}


class SpeechTags:
    """Turns tags into signs, and keeps what is open."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._rates = [1.0]
        self._languages = [""]
        self._styles = [""]
        self._readings: list[str] = []

    def opened(self, name: str, given: Mapping[str, str], is_empty: bool) -> str | None:
        """The signs for an opening tag with its attributes; None for a tag of another kind.

        Raises:
            ValueError: an attribute is missing or wrong; what the tag holds is then read as it is written.
        """
        if name == "break":
            return self._break(given)
        if name == "prosody":
            return self._prosody(given, is_empty)
        if name in STYLE_TAGS:
            return self._style(given, is_empty)
        if name == "lang":
            return self._language(given, is_empty)
        if name in {"phoneme", "say-as"}:
            return self._reading(name, given, is_empty)
        return None

    def closed(self, name: str) -> str | None:
        """The signs for a closing tag; None for a tag of another kind, or one that was not open."""
        if name in {"phoneme", "say-as"} and self._readings:
            return self._readings.pop()
        if name == "prosody" and len(self._rates) > 1:
            self._rates.pop()
            return self._cut("rate", str(self._rates[-1]))
        if name in STYLE_TAGS and len(self._styles) > 1:
            self._styles.pop()
            return self._cut("style", self._styles[-1])
        if name == "lang" and len(self._languages) > 1:
            self._languages.pop()
            return self._cut("language", self._languages[-1])
        return None

    def _cut(self, kind: str, value: str) -> str:
        self._requests.append((kind, value))
        return CUT

    def _break(self, given: Mapping[str, str]) -> str:
        if "time" in given:
            return self._cut("break", str(notation.seconds(given["time"])))
        strength = given.get("strength", "medium").strip().lower()
        if strength not in notation.STRENGTHS:
            raise ValueError(f"strength is one of {', '.join(notation.STRENGTHS)}")
        return ("", ITEM, END)[notation.STRENGTHS[strength]]

    def _prosody(self, given: Mapping[str, str], is_empty: bool) -> str:
        factor = 1.0
        try:
            factor = notation.rate(given.get("rate", "medium"))
        except ValueError as error:
            logger.warning("%s", error)
        for name in given.keys() - {"rate"}:
            logger.warning("prosody %s=%r is left out: only the rate can be changed within a text", name, given[name])
        if is_empty:
            return ""
        self._rates.append(max(notation.SLOWEST, min(notation.FASTEST, self._rates[-1] * factor)))
        return self._cut("rate", str(self._rates[-1]))

    def _style(self, given: Mapping[str, str], is_empty: bool) -> str:
        if is_empty:
            return ""
        self._styles.append(given.get("style", "").strip() or self._styles[-1])
        return self._cut("style", self._styles[-1])

    def _language(self, given: Mapping[str, str], is_empty: bool) -> str:
        if is_empty:
            return ""
        code = given.get("xml:lang", given.get("lang", "")).split("-")[0].lower()
        self._languages.append(LANGUAGES.get(code, self._languages[-1]))
        if code not in LANGUAGES:
            logger.warning("xml:lang=%r is left out: it is zh or en, with a country or without", code)
        return self._cut("language", self._languages[-1])

    def _reading(self, name: str, given: Mapping[str, str], is_empty: bool) -> str:
        if is_empty:
            raise ValueError("it holds no text")
        self._readings.append("")
        if name == "phoneme":
            asked = notation.reading(given.get("ph", ""), given.get("alphabet", ""))
        else:
            asked = "say-as", notation.say_as(given.get("interpret-as", ""), given.get("format", ""))
        self._readings[-1] = CLOSE
        self._requests.append(asked)
        return OPEN
