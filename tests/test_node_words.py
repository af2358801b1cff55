"""Words on the node's messages, and what is said of a text that is cancelled: the last word sent and heard."""

import time

import numpy as np
import pytest

from dora_primespeech_mlx.node.delivery import LEAD, Delivery
from dora_primespeech_mlx.node.desk import Desk
from dora_primespeech_mlx.node.messages import Metadata, TextMessage
from dora_primespeech_mlx.node.playout import UNFINISHED_AHEAD, Pacer
from dora_primespeech_mlx.settings import Settings
from dora_primespeech_mlx.speech import AudioChunk, Manner, Word

RATE = 32000
TEXT = "One two three four five six seven eight nine ten."


def words(chunk: int) -> tuple[Word, ...]:
    """Two words in each chunk of a second, half a second each."""
    names = TEXT.rstrip(".").split()
    found = []
    for at in (2 * chunk, 2 * chunk + 1):
        start = TEXT.index(names[at])
        found.append(Word(names[at], start, start + len(names[at]), 0.5 * at, 0.5 * at + 0.5))
    return tuple(found)


def chunk(index: int) -> AudioChunk:
    samples = np.full(RATE, 0.1, np.float32)
    return AudioChunk(samples, RATE, index, index == 4, 0, index == 4, TEXT, 0, len(TEXT), words=words(index))


class Speaking:
    """A desk with one text, of which some messages are sent."""

    def __init__(self, pitch: float = 0.0, max_ahead: float | None = None, **changes):
        self.sent: list[tuple[str, Metadata]] = []
        self.desk = Desk(Settings(max_ahead=max_ahead, **changes))
        self.desk.output = lambda output, payload, metadata: self.sent.append((output, metadata))
        self.desk.say(TextMessage(TEXT), {"segment_id": 7})
        (self.job,) = self.desk.admit(1)
        self.delivery = Delivery(self.job, Manner(pitch=pitch), self.desk.settings)

    def speak(self, chunks: int) -> None:
        for index in range(chunks):
            self.delivery.take(chunk(index))
        while self.delivery.outbox:
            while self.desk.try_send(self.job, *self.delivery.outbox[0]):
                time.sleep(1e-3)
            self.delivery.outbox.popleft()

    def of(self, output: str) -> list[Metadata]:
        return [metadata for name, metadata in self.sent if name == output]


def test_each_message_has_the_words_that_begin_in_it() -> None:
    speaking = Speaking()
    speaking.speak(5)
    audio = speaking.of("audio")
    assert [word for each in audio for word in each.get("words", [])] == TEXT.rstrip(".").split()
    for each in audio:
        assert each["offset"] == pytest.approx(sum(other["duration"] for other in audio if other["seq"] < each["seq"]))
        for begin in each.get("words_begin_ms", []):
            assert each["offset"] * 1000 - 1 <= begin < (each["offset"] + each["duration"]) * 1000 + 1
    last = audio[-1] if "words" in audio[-1] else audio[-2]
    assert (last["words"][-1], last["words_start"][-1], last["words_end"][-1]) == ("ten", 45, 48)
    assert (last["words_begin_ms"][-1], last["words_end_ms"][-1]) == (4500, 5000)


def test_times_are_those_of_the_sound_that_is_sent() -> None:
    """At a higher pitch the engine's sound is played faster."""
    speaking = Speaking(pitch=12.0)
    speaking.speak(5)
    ends = [end for each in speaking.of("audio") for end in each.get("words_end_ms", [])]
    assert ends == [250 * number for number in range(1, 11)]


def test_a_text_as_one_message_has_all_its_words() -> None:
    speaking = Speaking(return_fragment=False)
    for index in range(5):
        speaking.delivery.take(chunk(index))
    speaking.delivery.close()
    (message,) = speaking.delivery.outbox
    assert len(message.words) == 10


@pytest.mark.parametrize(
    ("played", "heard", "by"), [(None, None, "clock"), (1.6, "three", "player"), (0.8, "two", "player")]
)
def test_a_cancelled_text_says_what_was_sent_and_heard(played: float | None, heard: str | None, by: str) -> None:
    speaking = Speaking()
    speaking.speak(2)
    if played is not None:
        speaking.desk.played(played)
    speaking.desk.cancel_all()
    (done,) = speaking.of("segment_complete")
    assert (done["outcome"], done["sent_word"], done["sent_end"]) == ("cancelled", "four", 18)
    assert (done.get("heard_word"), done["heard_by"]) == (heard, by)
    if played is not None:
        assert done["heard_seconds"] == pytest.approx(played, abs=0.1)
        assert TEXT[: done["heard_end"]].split()[-1] == heard
    marker = speaking.of("audio")[-1]
    assert marker["flush"] and marker["sent_word"] == "four" and marker.get("heard_word") == heard


def test_what_is_played_is_of_the_text_that_is_named() -> None:
    speaking = Speaking()
    speaking.speak(2)
    speaking.desk.played(1.6, segment_id=8)
    speaking.desk.played(1.1, segment_id=7)
    speaking.desk.cancel()
    assert speaking.of("segment_complete")[0]["heard_word"] == "two"


def test_a_text_of_which_nothing_was_sent_says_nothing_of_it() -> None:
    speaking = Speaking()
    speaking.desk.cancel()
    assert not {"sent_word", "heard_seconds"} & speaking.of("segment_complete")[0].keys()


SPOKEN = [(0.1, 0.45), (0.45, 0.8), (0.8, 0.95), (1.5, 2.4)]
"""When the words of a sentence of 2.5 s are spoken, which comes in chunks of 0.25 s."""


def spoken(index: int, final: bool) -> AudioChunk:
    samples = np.arange(index * RATE // 4, (index + 1) * RATE // 4, dtype=np.float32) * 1e-6
    begun = [at for at, (begins, _) in enumerate(SPOKEN) if index / 4 <= begins < (index + 1) / 4]
    found = tuple(Word(f"word{at}", 5 * at, 5 * at + 5, *SPOKEN[at]) for at in begun)
    return AudioChunk(samples, RATE, index, final, 0, final, TEXT, 0, len(TEXT), words=found)


def test_messages_end_where_words_do_while_the_player_has_enough() -> None:
    delivery = Speaking(max_ahead=1.5).delivery
    for index in range(10):
        delivery.take(spoken(index, index == 9))
    ends = np.cumsum([len(message.samples) for message in delivery.outbox]) / RATE
    assert ends == pytest.approx([SPOKEN[1][0] - LEAD, 1.0, 1.5, 2.5])
    assert [message.whole for message in delivery.outbox] == [True] * len(delivery.outbox)
    samples = np.concatenate([message.samples for message in delivery.outbox])
    assert np.array_equal(samples, np.arange(len(samples), dtype=np.float32) * np.float32(1e-6))
    assert [word.text for message in delivery.outbox for word in message.words] == [f"word{at}" for at in range(4)]


def test_a_part_of_a_word_that_was_sent_is_not_sent_again() -> None:
    delivery = Speaking(max_ahead=1.5).delivery
    delivery.take(spoken(0, False))
    delivery.take(spoken(1, False))
    sent = [delivery.outbox.popleft() for _ in range(2)]
    assert [message.whole for message in sent] == [True, False]
    delivery.take(spoken(2, False))
    joined = np.concatenate([message.samples for message in [*sent, *delivery.outbox]])
    assert np.array_equal(joined, np.arange(len(joined), dtype=np.float32) * np.float32(1e-6))
    assert not delivery.outbox[-1].whole


def test_a_part_of_a_word_waits_only_while_the_player_has_enough() -> None:
    pacer = Pacer(max_ahead=1.5)
    pacer.sent(0.0, 0.8)
    assert pacer.wait(0.0, 0.2) == 0.0
    assert pacer.wait(0.0, 0.2, whole=False) == pytest.approx(0.8 - UNFINISHED_AHEAD)
    assert pacer.wait(0.4, 0.2, whole=False) == 0.0
    assert Pacer().wait(0.0, 0.2, whole=False) == 0.0


def test_short_messages_wait_for_more_unless_the_sentence_ends() -> None:
    delivery = Speaking(max_ahead=1.5).delivery
    for index in range(12):
        samples = np.zeros(RATE // 10, np.float32)
        delivery.take(AudioChunk(samples, RATE, index, index == 11, 0, index == 11, TEXT, 0, len(TEXT)))
    assert [len(message.samples) / RATE for message in delivery.outbox] == pytest.approx([0.4] * 3)
    delivery.take(AudioChunk(samples, RATE, 12, True, 1, True, TEXT, 0, len(TEXT)))
    assert len(delivery.outbox[-1].samples) == RATE // 10, "of another sentence"
