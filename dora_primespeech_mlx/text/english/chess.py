"""Moves of chess as players say them: Nf3 is knight f three, Qxf7# queen takes f seven checkmate."""

import re

from dora_primespeech_mlx.text.english.numbers import cardinal
from dora_primespeech_mlx.text.rules import Row, after, before, regex

PIECES = {"K": "king", "Q": "queen", "R": "rook", "B": "bishop", "N": "knight"}
CASTLING = {3: "castles kingside", 5: "castles queenside"}
MOVE = (
    r"(?:[KQRBN][a-h]?[1-8]?x?[a-h][1-8]|[a-h]x[a-h][1-8](?:=[QRBN])?|[a-h][18]=[QRBN]|O-O(?:-O)?)"
    r"(?![A-Za-z0-9-])(?:[+#](?!\w))?"
)
PAWN = r"[a-h][1-8](?![A-Za-z0-9])"
ABOUT_CHESS = regex(
    rf"(?<!\w)(?:\d\.\s?)?(?:{MOVE}|{PAWN})\s|(?i:\b(?:chess|checkmate|castl\w+|gambit|pawns?|knights?|bishops?|rooks?|queens?|white|black)\b)"
)
MOVE_BEHIND = regex(rf"\s(?:\d{{1,3}}\.\s?)?(?:{MOVE}|{PAWN})")
AFTER_NUMBER = regex(rf"(?:{MOVE}|{PAWN})(?=[\s,.;:!?)+#])")
"""What shows that a number with a full stop before it counts moves."""
BEGINNING_MOVE = regex(r"[KQRBNO](?:[a-hx1-8-][a-hx1-8O-]{0,4})?|[a-h](?:[x1-8][a-h1-8=]{0,3})?")
"""What may become a move, as it comes letter by letter."""


def chess_rules() -> list[Row]:
    """Patterns of moves in a text and what is said for their matches, in the order to be tried."""
    return [
        ("0.", rf"(?<![\w.])(\d{{1,3}})(?:\.(?:\.\.)?|…)\s?(?={MOVE}|{PAWN})", lambda match: f"{cardinal(match[1])}, "),
        ("0|O", rf"(?<![\w-])({MOVE})", _move),
    ]


def _move(match: re.Match[str]) -> str:
    if not (ABOUT_CHESS.search(before(match)) or MOVE_BEHIND.match(after(match)) or ABOUT_CHESS.search(after(match))):
        return match.group()
    move = match[1].rstrip("+#")
    ending = {"+": " check", "#": " checkmate"}.get(match[1][-1], "")
    if move.startswith("O"):
        return CASTLING[len(move)] + ending
    said = []
    for sign in move:
        if sign in "x=":
            said.append("takes" if sign == "x" else "promotes to")
        else:
            said.append(PIECES.get(sign) or (cardinal(sign) if sign.isdigit() else sign.upper()))
    return " ".join(said) + ending
