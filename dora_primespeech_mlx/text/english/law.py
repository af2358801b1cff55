"""Rules, reporters and courts as lawyers shorten them: Fed. R. Civ. P. 12(b)(6)."""

import re

from dora_primespeech_mlx.text.rules import Row

OF_PROCEDURE = {"Civ": "Civil", "Crim": "Criminal", "App": "Appellate", "Bankr": "Bankruptcy"}


def law_rules() -> list[Row]:
    """Patterns of such short forms in a text and what is said for their matches, in the order to be tried."""
    return [
        ("F.", r"\bFed\. ?R\. ?(Civ|Crim|App|Bankr)\. ?(?:P\.|Proc?\.)", _of_procedure),
        ("F.", r"\bFed\. ?R\. ?Evid\.", lambda match: "Federal Rule of Evidence"),
        ("F.", r"\bFed\. (?=Reg\.)", lambda match: "Federal "),
        ("R.", r"(?<=Federal )Reg\.", lambda match: "Register"),
        ("F.", r"\bF\. ?Supp\.", lambda match: "Federal Supplement"),
    ]


def _of_procedure(match: re.Match[str]) -> str:
    return f"Federal Rule of {OF_PROCEDURE[match[1]]} Procedure"
