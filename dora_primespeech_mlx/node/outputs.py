"""What the node sends: outputs, words and metadata as tables, which docs/interface.md repeats and a test compares."""

from dataclasses import dataclass

COMPLETED, SKIPPED, ERROR, CANCELLED = OUTCOMES = ("completed", "skipped", "error", "cancelled")
READY, ALIVE, QUEUED, SYNTHESIZING, DONE, FAILED = "ready", "alive", "queued", "synthesizing", "done", "error: "

HANDED_ON = (
    "question_id",
    "session_id",
    "session_status",
    "request_id",
    "segment_index",
    "conversation_id",
    "turn_id",
    "participant",
    "participant_id",
    "user_id",
    "speaker",
)
"""Metadata of a text that its outputs carry as it came."""


@dataclass(frozen=True)
class Output:
    """One output: its name, what a message holds, and when one is sent."""

    name: str
    payload: str
    when: str


@dataclass(frozen=True)
class Field:
    """Metadata that the node itself sets: names of one meaning, the outputs and type they come on, what they say."""

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    kind: str
    meaning: str


OUTPUTS = (
    Output("audio", "float32 samples (see `AUDIO_FORMAT`), mono, at most a second", "while a text is spoken"),
    Output(
        "segment_complete",
        "`completed`, `skipped` (nothing to say in it), `error` or `cancelled`",
        "exactly once for each text",
    ),
    Output(
        "status",
        "`ready`, `alive`, `queued`, `synthesizing`, `done`, `skipped`, `cancelled`, `error: ...`, "
        "answers to commands as JSON",
        "at each step of a text",
    ),
    Output(
        "log",
        "JSON with `node`, `level`, `message`",
        "from `LOG_LEVEL` on; warnings and errors are in dora's log of the node too",
    ),
    Output("metrics", "JSON of the numbers below", "with each `segment_complete`"),
)

ENDS = ("segment_complete", "metrics", "status", "log")
NUMBERS = ("segment_complete", "metrics")

FIELDS = (
    Field(("segment_id",), ("all",), "int", "the text's own if it has an integer, else its number"),
    Field(("seq",), ("audio",), "int", "0, 1, ... within the text"),
    Field(("fin",), ("audio",), "bool", "the last of the text"),
    Field(("sample_rate",), ("audio", "status"), "int", "samples per second; on `status` with `ready`"),
    Field(("duration", "offset"), ("audio",), "float, float", "seconds, and those of the text's audio before it"),
    Field(
        ("sentence", "sentence_final"),
        ("audio",),
        "int, bool",
        "sentence of the text, and whether this is its last",
    ),
    Field(
        ("text", "text_start", "text_end"),
        ("audio",),
        "str, int, int",
        "the sentence, and where it stands in the text (after markup is left out), in characters",
    ),
    Field(
        ("words", "words_start", "words_end"),
        ("audio",),
        "list of str, of int, of int",
        "the words that begin in it, if any do, and where they stand in the text as it came, with its markup",
    ),
    Field(
        ("words_begin_ms", "words_end_ms"),
        ("audio",),
        "list of int",
        "with `words`: when each is spoken, in milliseconds of the text's audio",
    ),
    Field(("voice", "style", "speed", "pitch", "volume"), ("audio",), "str, float", "if they were chosen"),
    Field(
        ("synthetic", "model"),
        ("audio",),
        "bool, str",
        "true, since a machine made the sound, and the model that did; the marker after a cancel has no sound",
    ),
    Field(("flush",), ("audio",), "bool", "only on the marker after a cancel: forget what is not played"),
    Field(
        ("flush_session",),
        ("audio",),
        "str",
        "in place of `flush` while other sessions are heard: forget what is not played of this one",
    ),
    Field(
        ("sent_word", "sent_end"),
        ("audio", *NUMBERS),
        "str, int",
        "of a cancelled text, and on the marker: the last word of which half was sent, and where it ends in the text",
    ),
    Field(
        ("heard_word", "heard_end"),
        ("audio", *NUMBERS),
        "str, int",
        "with them: the last word of which half was heard",
    ),
    Field(
        ("heard_seconds", "heard_by"),
        ("audio", *NUMBERS),
        "float, str",
        "with them: how much of the text's audio was heard, by what the `player` said or by the `clock`",
    ),
    Field(("error", "error_stage"), ENDS, "str", "of an error: a sentence, and `message` or `synthesis`"),
    Field(("outcome", "cancelled"), NUMBERS, "str, bool", "what became of the text"),
    Field(
        ("chunks", "audio_seconds", "characters"),
        NUMBERS,
        "int, float, int",
        "what was sent, and the length of the text",
    ),
    Field(
        ("left_out", "cut_short"),
        NUMBERS,
        "list of str",
        "sentences that were not spoken, or not to their end, each with the reason; only if there are any",
    ),
    Field(
        ("queue_ms",),
        NUMBERS,
        "float",
        "from receiving the text to beginning it",
    ),
    Field(
        ("ttfb_ms", "latency_ms"),
        NUMBERS,
        "float",
        "to the first audio, from beginning the text (less waiting for its pieces), and from receiving it",
    ),
    Field(("synthesis_seconds", "rtf"), NUMBERS, "float", "time spent computing it, and that per second of audio"),
    Field(("active",), NUMBERS, "float", "texts spoken at the same time, itself among them, on average"),
    Field(
        ("stalls", "stall_seconds"),
        NUMBERS,
        "int, float",
        "how often audio came after the player had run out of it, and for how long",
    ),
    Field(
        ("position", "expected_wait_ms"), ("status",), "int, float", "with `queued`: place in the queue, and the wait"
    ),
    Field(("restart_count",), ("status",), "int", "with `ready`: how often dora has restarted the node"),
    Field(
        ("pending", "texts"),
        ("status",),
        "int, list of int",
        "with `alive`: how many texts are not completed, and the `segment_id` of the first 1000",
    ),
    Field(("node", "level", "message"), ("log",), "str", "as in the payload"),
)


def names_on(output: str) -> frozenset[str]:
    """Every metadata name that may be on an output, besides those of PASS_METADATA."""
    own = {name for field in FIELDS if output in field.outputs or "all" in field.outputs for name in field.names}
    return frozenset(own | set(HANDED_ON))
