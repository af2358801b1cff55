"""Many nodes that speak, made to look like one: who has which text, and what becomes of the texts of one that vanishes.

Nothing here waits, and nothing here knows dora: messages come in with the time at which they came, and go out through
one function. A text is given to a node as often as it takes, each time under a new number, its attempt. What comes back
under any number but the latest is dropped, and so is audio that was passed on before: whoever sent the text hears it
once and gets one answer.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dora_primespeech_mlx.node.messages import cancels, ends, handed_on, has_flag, is_true, parse_control
from dora_primespeech_mlx.node.payloads import to_text

Metadata = dict[str, Any]
Send = Callable[[str, pa.Array, Metadata], None]
"""Sends (output, payload, metadata)."""

LATEST_SESSIONS = 10_000
STOP = {"action": "stop"}
MARKERS = ("flush", "flush_session")
NEVER_PASSED_ON = ("timestamp", *MARKERS)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    `missing`: for a sign of life, before a node's texts are given to another. `lost`: for news of a text that its node
    does not know, before it is given again. `nobody`: for a node to come, before a text is answered with an error.
    `quiet`: for texts still under way when their sender has gone. `attempts`: at one text.
    """

    missing: float = 5.0
    lost: float = 10.0
    nobody: float = 60.0
    quiet: float = 2.0
    attempts: int = 5


@dataclass
class Speaker:
    """A node that speaks, last heard of at `heard`; `given` is the number of the last attempt that it got.

    One that was missing gets no texts before it has answered a stop, number `recall`, so that it speaks none of its old
    ones.
    """

    name: str
    heard: float
    given: int = 0
    missing: bool = False
    recall: int = 0
    recalled: float = -math.inf


@dataclass(eq=False)
class Text:
    """A text that is not answered: its messages (several if it comes in pieces), and how much of it was passed on.

    `heard` is the place, sentence and sample, up to which audio was passed on, in `chunks` messages of `seconds`
    seconds; `place` is how far this attempt is. `arrived` and `promised` count the messages of this attempt, `news` is
    when something was last heard of it, `failures` how often an attempt broke off in it.
    """

    messages: list[tuple[pa.Array, Metadata]]
    count: int
    news: float
    speaker: Speaker | None = None
    number: int = 0
    attempts: int = 0
    failures: int = 0
    place: tuple[int, int] = (0, 0)
    heard: tuple[int, int] = (0, 0)
    arrived: int = 0
    promised: int | None = None
    answer: Metadata = field(default_factory=dict)
    chunks: int = 0
    seconds: float = 0.0
    ended: bool = False

    @property
    def session(self) -> str:
        """Whose text it is."""
        return str(self.messages[0][1].get("session_id", ""))

    @property
    def question(self) -> str | int:
        """What it answers."""
        return self.messages[0][1].get("question_id", "default")

    @property
    def known(self) -> Metadata:
        """What answers hand on of what its sender said."""
        return handed_on(self.messages[0][1])

    def begin(self, number: int, speaker: Speaker, now: float) -> None:
        """A new attempt, by that node."""
        self.number, self.speaker, self.news = number, speaker, now
        self.attempts += 1
        self.place, self.arrived, self.promised = (0, 0), 0, None

    @property
    def name(self) -> int:
        """The number by which its sender knows it."""
        number = self.messages[0][1].get("segment_id")
        return number if isinstance(number, int) and not isinstance(number, bool) else self.count

    def own(self, metadata: Metadata) -> Metadata:
        """`metadata` of a node, with the names under which the sender knows the text."""
        kept = {name: value for name, value in metadata.items() if name not in NEVER_PASSED_ON}
        return {**kept, "segment_id": self.name, "question_id": self.question}

    def pass_on(self, audio: pa.Array, about: Metadata) -> tuple[pa.Array, Metadata] | None:
        """The part of an audio message that nobody has heard, and what to say with it; None if all was heard.

        The message that ends the text keeps at least its last sample, so that there is one with `fin`.
        """
        listed = pa.types.is_list(audio.type)
        samples = audio.flatten() if listed else audio
        last = bool(about["fin"]) and not self.ended
        start = min(self._heard_of(len(samples), about), len(samples) - last)
        if start == len(samples) and not last:
            return None
        rest = samples[start:]
        own = {"seq": self.chunks, "duration": len(rest) / about["sample_rate"], "offset": self.seconds}
        metadata = self.own(about if not start else _without_words_before(about, start)) | own
        self.ended = self.ended or last
        self.chunks += 1
        self.seconds += metadata["duration"]
        return pa.array([rest], type=audio.type) if listed else rest, metadata

    def _heard_of(self, length: int, about: Metadata) -> int:
        """How many of the next `length` samples of this attempt were passed on before."""
        sentence, final = about.get("sentence", 0), about.get("sentence_final", about["fin"])
        begun = self.place[1] if self.place[0] == sentence else 0
        known = math.inf if sentence < self.heard[0] else self.heard[1] if sentence == self.heard[0] else 0
        self.place = (sentence + 1, 0) if final else (sentence, begun + length)
        self.heard = max(self.heard, self.place)
        return int(min(max(known - begun, 0), length))


@dataclass(frozen=True)
class Heard:
    """The last audio of a session: its text, its type, and until when what was sent is played."""

    text: Text
    kind: pa.DataType
    until: float


class Dispatcher:
    """Takes texts, gives them to speakers by name, and passes on what they say. Times are seconds of one clock.

    `mode` is the TEXT_MODE of the nodes: which messages are pieces of a text.
    """

    def __init__(
        self, names: Iterable[str], send: Send, now: float, patience: Patience | None = None, mode: str = "auto"
    ):
        self._send = send
        self._speakers = {name: Speaker(name, now) for name in names}
        self._patience = patience or Patience()
        self._mode = mode
        self._texts: dict[int, Text] = {}
        self._attempts: dict[int, Text] = {}
        self._open: dict[tuple[str, str], Text] = {}
        self._sessions: dict[str, str] = {}
        self._last: dict[str, Heard] = {}
        self._received = self._numbers = 0
        self._closed_at: float | None = None
        self._ticked = now

    # -- from the sender -------------------------------------------------------------------------------------------

    def text(self, value: pa.Array, metadata: Metadata, now: float) -> None:
        """A text, or a piece of one."""
        if is_true(metadata.get("flush")):
            self._end(now, metadata.get("session_id"), lambda text: True)
        metadata = {name: item for name, item in metadata.items() if name not in NEVER_PASSED_ON}
        key = (str(metadata.get("session_id", "")), str(metadata.get("question_id", "")))
        if self._takes_no_more(key, metadata, now):
            del self._open[key]
        piece = self._mode == "partial" or (self._mode == "auto" and (has_flag(metadata, "fin") or key in self._open))
        text = self._open.get(key) if piece else None
        if self._closed_at is not None:
            self._closed_at = now
        if text is None:
            self._received += 1
            text = self._texts[self._received] = Text([(value, metadata)], self._received, now)
            self._give(text, now)
        else:
            text.messages.append((value, metadata))
            text.news = now
            if text.speaker is not None and text.count in self._texts:
                self._hand_over(text, value, metadata)
        if piece:
            self._open[key] = text
            if cancels(metadata):
                self._cancel([text], {text.session}, now)
            if ends(metadata) or cancels(metadata):
                del self._open[key]

    def _takes_no_more(self, key: tuple[str, str], metadata: Metadata, now: float) -> bool:
        """Whether a message of an open text's key belongs to another one.

        Pieces that still come for a text that was cancelled belong to it, and are dropped, until it ends or is quiet.
        """
        text = self._open.get(key)
        if text is None or metadata.get("session_status") == "started":
            return text is not None
        return text.count not in self._texts and now - text.news > self._patience.lost

    def control(self, value: pa.Array, metadata: Metadata, now: float) -> None:
        """A command that ends texts: stop, reset (with a question_id: all texts but those of it) or cancel.

        With a session_id it is about the texts of that session alone.
        """
        try:
            command = parse_control(to_text(value))
        except ValueError as error:
            self._say(f"error: {error}")
            return
        question, session = command.question_id or metadata.get("question_id"), metadata.get("session_id")
        if command.name not in ("cancel", "reset", "stop"):
            self._say(f"error: {command.name} is for one node, and here are {len(self._speakers)}; send it to each")
        elif command.name == "cancel":
            self._end(now, session, lambda text: not question or str(text.question) == str(question), not question)
        else:
            kept = str(question) if command.name == "reset" and question else None
            self._end(now, session, lambda text: str(text.question) != kept)

    def closed(self, now: float) -> None:
        """The sender of texts has gone."""
        self._closed_at = now

    def finished(self, now: float) -> bool:
        """Whether all is answered and no more texts come; a last one may come after the news that its sender went."""
        return self._closed_at is not None and not self._texts and now - self._closed_at > self._patience.quiet

    def missing(self) -> list[str]:
        """Nodes that are missing."""
        return [speaker.name for speaker in self._speakers.values() if speaker.missing]

    # -- from the nodes --------------------------------------------------------------------------------------------

    def audio(self, name: str, value: pa.Array, metadata: Metadata, now: float) -> None:
        """Audio of a node: passed on if it is new and of the latest attempt, which ends if a message is missing."""
        self._hear(name, now)
        text = self._attempts.get(metadata["segment_id"])
        if text is None or any(marker in metadata for marker in MARKERS):
            return
        if metadata["seq"] != text.arrived:
            self._again(self._followed(text), now, f"message {text.arrived} of its audio was lost")
            return
        text.news = now
        text.arrived += 1
        if (new := text.pass_on(value, metadata)) is not None:
            before = self._last.get(text.session)
            until = max(now, before.until if before else now) + new[1]["duration"]
            self._remember(self._last, text.session, Heard(text, value.type, until))
            self._send("audio", *new)
        self._answer_if_whole(text)

    def complete(self, name: str, outcome: str, metadata: Metadata, now: float) -> None:
        """A node has completed a text; it is answered when its audio, which may come later, has come."""
        self._hear(name, now)
        speaker = self._speakers[name]
        if speaker.recall and metadata["segment_id"] == speaker.recall:
            self._welcome(speaker, now)
        text = self._attempts.get(metadata["segment_id"])
        if text is None:
            return
        text.news = now
        text.promised = metadata.get("chunks", 0) if outcome == "completed" else text.arrived
        text.answer = metadata | {"outcome": outcome}
        self._answer_if_whole(text)

    def status(self, name: str, status: str, metadata: Metadata, now: float) -> None:
        """What a node says of itself: that it is alive, and which texts it has; or that it was started again."""
        self._hear(name, now)
        speaker = self._speakers[name]
        if status == "ready" and metadata.get("restart_count", 0) > 0:
            self._again(self._texts_of(speaker), now, f"{name} was started again")
        elif status == "alive" and len(metadata.get("texts", ())) == metadata.get("pending"):
            for text in self._texts_of(speaker):
                if text.number not in metadata["texts"] and now - text.news > self._patience.lost:
                    self._again(self._followed(text), now, f"{name} does not know it")

    def gone(self, name: str, now: float) -> None:
        """A node has ended, or dora's `input_timeout` says that it is silent."""
        if not self._speakers[name].missing:
            self._miss(self._speakers[name], now, "is gone")

    # -- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Time has passed: notice who is missing, and give what waits to who is there.

        After a pause between two ticks it was this process that slept, and everybody gets the time to be heard.
        """
        slept = now - self._ticked > self._patience.missing
        self._ticked = now
        for speaker in self._speakers.values():
            speaker.heard = now if slept else speaker.heard
            silent = now - speaker.heard
            if not speaker.missing and silent > self._patience.missing:
                self._miss(speaker, now, f"has been silent for {silent:.0f} s")
        for text in [text for text in self._texts.values() if text.speaker is None]:
            self._give(text, now)
            if text.speaker is None and now - text.news > self._patience.nobody:
                self._fail(text, f"no node has been there to speak it for {self._patience.nobody:.0f} s")

    # -- the rest --------------------------------------------------------------------------------------------------

    def _hear(self, name: str, now: float) -> None:
        """A sign of life. One that was missing is asked to forget what it has, until it answers."""
        speaker = self._speakers[name]
        speaker.heard = now
        if speaker.missing and now - speaker.recalled > self._patience.missing:
            speaker.recall, speaker.recalled = self._number(), now
            self._send(f"text_{name}", pa.array([json.dumps(STOP)]), {"segment_id": speaker.recall})

    def _welcome(self, speaker: Speaker, now: float) -> None:
        speaker.missing, speaker.recall, speaker.recalled = False, 0, -math.inf
        self._say(f"{speaker.name} is back", speaker.name)
        self.tick(now)

    def _miss(self, speaker: Speaker, now: float, why: str) -> None:
        speaker.missing, speaker.recall = True, 0
        texts = self._texts_of(speaker)
        self._say(f"{speaker.name} {why}; {len(texts)} of its texts go to others", speaker.name)
        self._again(texts, now, f"{speaker.name} {why}")

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _texts_of(self, speaker: Speaker) -> list[Text]:
        return [text for text in self._texts.values() if text.speaker is speaker]

    def _followed(self, text: Text) -> list[Text]:
        """A text and the later ones of its session, which must not be spoken before it."""
        texts = self._texts.values()
        return [other for other in texts if other.session == text.session and other.count >= text.count]

    def _again(self, texts: list[Text], now: float, why: str) -> None:
        """Give texts again. The first is the one that failed; if it always does, it is answered with an error."""
        if not texts:
            return
        first, *others = texts
        first.failures += 1
        if first.failures < self._patience.attempts:
            self._give(first, now)
        else:
            self._fail(first, f"it was given {first.failures} times without success; the last time, {why}")
        for text in others:
            self._give(text, now)

    def _give(self, text: Text, now: float) -> None:
        """Give a text, from its beginning, to its session's node if that is there, else to the least busy one."""
        self._attempts.pop(text.number, None)
        present = [speaker for speaker in self._speakers.values() if not speaker.missing]
        if not present:
            text.news = now if text.speaker is not None else text.news
            text.speaker = None
            return
        busy = Counter(other.speaker.name for other in self._texts.values() if other.speaker is not None)
        own = self._sessions.get(text.session)
        speaker = min(present, key=lambda one: (one.name != own, busy[one.name], one.given))
        self._remember(self._sessions, text.session, speaker.name)
        text.begin(self._number(), speaker, now)
        speaker.given = text.number
        self._attempts[text.number] = text
        for value, metadata in text.messages:
            self._hand_over(text, value, metadata)

    @staticmethod
    def _remember(book: dict[str, Any], session: str, what: Any) -> None:
        """Of the latest sessions."""
        book.pop(session, None)
        book[session] = what
        if len(book) > LATEST_SESSIONS:
            book.pop(next(iter(book)))

    def _hand_over(self, text: Text, value: pa.Array, metadata: Metadata) -> None:
        """To the node, each attempt is a text and a question of its own."""
        assert text.speaker is not None
        numbered = {"segment_id": text.number, "question_id": str(text.number)}
        self._send(f"text_{text.speaker.name}", value, metadata | numbered)

    def _answer_if_whole(self, text: Text) -> None:
        if text.promised is not None and text.arrived >= text.promised:
            self._answer(text, text.answer)

    def _fail(self, text: Text, why: str) -> None:
        error = {"outcome": "error", "session_status": "error", "error": why, "error_stage": "dispatch"}
        self._say(f"text {text.name}: {why}")
        self._answer(text, error)

    def _end(self, now: float, session: Any, meant: Callable[[Text], bool], only_first: bool = False) -> None:
        """Cancel the texts that are meant, of one session or of all, and let players forget what they have of such."""
        known = None if session is None else str(session)
        texts = [text for text in self._texts.values() if known in (None, text.session) and meant(text)]
        playing = {key for key, heard in self._last.items() if heard.until > now and meant(heard.text)}
        if only_first and texts:
            texts, known = texts[:1], texts[0].session
        self._cancel(texts, {key for key in playing if known in (None, key)}, now)

    def _cancel(self, texts: list[Text], sessions: set[str], now: float) -> None:
        """Answer texts as cancelled; before that, let players forget what they have of them, and of these sessions.

        dora flushes a whole input, so while another session is heard the marker names the session it is for.
        """
        flushed = {key: heard for key, heard in self._last.items() if heard.text in texts or key in sessions}
        self._last = {session: heard for session, heard in self._last.items() if session not in flushed}
        alone = all(heard.until <= now for heard in self._last.values())
        for session, heard in flushed.items():
            marker = {"flush": True} if alone and len(flushed) == 1 else {"flush_session": session}
            known = {name: value for name, value in heard.text.known.items() if name != "request_id"}
            nothing = pa.array([[]] if pa.types.is_list(heard.kind) else [], type=heard.kind)
            self._send("audio", nothing, heard.text.own(known) | {"fin": True, "seq": heard.text.chunks} | marker)
        for text in texts:
            if text.count not in self._texts:
                continue
            if text.speaker is not None:
                command = json.dumps({"action": "cancel", "question_id": str(text.number)})
                self._send(f"text_{text.speaker.name}", pa.array([command]), {"segment_id": self._number()})
            self._answer(text, {"outcome": "cancelled", "cancelled": True})

    def _answer(self, text: Text, metadata: Metadata) -> None:
        del self._texts[text.count]
        self._attempts.pop(text.number, None)
        self._open = {key: other for key, other in self._open.items() if other is not text or metadata.get("cancelled")}
        counted = {"chunks": text.chunks, "audio_seconds": round(text.seconds, 4), "attempts": text.attempts}
        self._send("segment_complete", pa.array([metadata["outcome"]]), text.own(text.known | metadata) | counted)

    def _say(self, what: str, name: str = "") -> None:
        self._send("status", pa.array([what]), {"speaker": name})


def _without_words_before(about: Metadata, start: int) -> Metadata:
    """The metadata of an audio message whose first samples are left out, without the words that begin in them."""
    names = [name for name in about if name == "words" or name.startswith("words_")]
    since = (about.get("offset", 0.0) + start / about["sample_rate"]) * 1e3
    kept = [at for at, begin in enumerate(about.get("words_begin_ms", ())) if begin >= since]
    words = {name: [about[name][at] for at in kept] for name in names if kept}
    return {name: value for name, value in about.items() if name not in names} | words
