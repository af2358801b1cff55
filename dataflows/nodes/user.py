"""Someone who asks one question after the other, and interrupts the answer to the first.

Environment: QUESTIONS, separated by `|`; BARGE_IN, the sentence of the first answer (1 is the first) at whose beginning
the next question is asked. Inputs: `audio` and `segment_complete` of the node that speaks. Outputs: `question`, and
`control` with a reset that names the question to go on with.
"""

import dora
import pyarrow as pa
from variables import variable

from dora_primespeech_mlx.names.values import Name, Number


def main() -> None:
    """Ask, listen, interrupt; end when the last answer is over."""
    questions = variable("QUESTIONS", Name()).split("|")
    barge_in = variable("BARGE_IN", Number(1, 10_000, integer=True))
    node = dora.Node()
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        node.send_output("question", pa.array([questions[asked - 1].strip()]), {"question_id": f"q{asked}"})

    ask()
    while (event := node.next()) is not None:
        if event["type"] != "INPUT" or event["metadata"].get("question_id") != f"q{asked}":
            continue
        sentence = event["metadata"].get("sentence", 0) + 1
        if event["id"] == "audio" and asked == 1 < len(questions) and sentence >= barge_in:
            node.send_output("control", pa.array(["reset"]), {"question_id": f"q{asked + 1}"})
            ask()
        elif event["id"] == "segment_complete":
            if asked == len(questions):
                return
            ask()


if __name__ == "__main__":
    main()
