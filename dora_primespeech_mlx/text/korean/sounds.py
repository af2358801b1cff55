"""The standard rules of Korean pronunciation, by their numbers (표준 발음법), over syllables taken apart."""

from collections.abc import Iterator, Sequence

from dora_primespeech_mlx.text.korean.syllables import Syllable
from dora_primespeech_mlx.text.korean.tagger import Marks

# Codas by the one consonant that is heard of them (rules 9 to 11).
HEARD = {
    coda: heard
    for heard, codas in zip(
        "ㄱㄷㅂㄴㄹㅁㅇ",
        ("ㄱㄲㅋㄳㄺ", "ㄷㅅㅆㅈㅊㅌㅎ", "ㅂㅍㅄㄿ", "ㄴㄵㄶ", "ㄹㄼㄽㄾㅀ", "ㅁㄻ", "ㅇ"),
        strict=True,
    )
    for coda in codas
}
NASALS = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅈ": "ㅊ", "ㅂ": "ㅍ", "ㅅ": "ㅆ"}
WITHOUT_H = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
# Coda -> what it becomes with an ㅎ behind it (rule 12); clusters leave their first consonant.
WITH_H = {
    coda: joined
    for joined, codas in (("ㅋ", "ㄱㄲㅋㄳㄺ"), ("ㅌ", "ㄷㅅㅆㅊㅌ"), ("ㅊ", "ㅈㄵ"), ("ㅍ", "ㅂㅍㄼㅄㄿ"))
    for coda in codas
}
LEFT = {"ㄺ": "ㄹ", "ㄵ": "ㄴ", "ㄼ": "ㄹ"}
# Cluster -> what stays and what moves to a vowel (rule 14).
CLUSTERS = dict(
    zip("ㄳㄵㄺㄻㄼㄽㄾㄿㅄㄶㅀ", zip("ㄱㄴㄹㄹㄹㄹㄹㄹㅂ  ", "ㅆㅈㄱㅁㅂㅆㅌㅍㅆㄴㄹ", strict=True), strict=True)
)
DEEP = {"ㄷ": ("", "ㅈ"), "ㅌ": ("", "ㅊ"), "ㄾ": ("ㄹ", "ㅊ")}


def pronounce(units: Sequence[Syllable | str], marks: Marks) -> None:
    """Change the syllables among `units` (other characters stand between them) to what is heard, in place."""
    pairs = list(_neighbours(units))
    for at, before, after, apart in pairs:
        if not apart:
            _palatalise(before, after)
        _tensen(at, before, after, apart, marks)
    for unit in units:
        if isinstance(unit, Syllable):
            _simplify_vowel(unit)
    for _, before, after, apart in pairs:
        _meet(before, after, apart)
    followed = {id(before) for _, before, _, _ in pairs}
    for unit in units:
        if isinstance(unit, Syllable) and id(unit) not in followed:
            unit.coda = HEARD.get(unit.coda, "")


def _neighbours(units: Sequence[Syllable | str]) -> Iterator[tuple[int, Syllable, Syllable, bool]]:
    """Position, syllable, the next one, and whether a blank stands between them."""
    for at, unit in enumerate(units[:-1]):
        apart = units[at + 1] == " "
        after = units[at + 1 + apart] if at + 1 + apart < len(units) else None
        if isinstance(unit, Syllable) and isinstance(after, Syllable):
            yield at, unit, after, apart


def _simplify_vowel(syllable: Syllable) -> None:
    """Rule 5: ㅕ after ㅈ ㅉ ㅊ is ㅓ, ㅢ after a consonant is ㅣ."""
    if syllable.onset in "ㅈㅉㅊ" and syllable.vowel == "ㅕ":
        syllable.vowel = "ㅓ"
    if syllable.onset != "ㅇ" and syllable.vowel == "ㅢ":
        syllable.vowel = "ㅣ"


def _palatalise(before: Syllable, after: Syllable) -> None:
    """Rule 17: ㄷ and ㅌ before 이, ㄷ before 히, and both drawn together with an ending: 붙여, 닫혔다."""
    is_ending = after.vowel == "ㅣ" or after.vowel == "ㅕ" and after.coda in {"", "ㅆ"}
    if before.coda in DEEP and after.onset == "ㅇ" and is_ending:
        before.coda, after.onset = DEEP[before.coda]
    elif before.coda == "ㄷ" and after.onset == "ㅎ" and is_ending:
        before.coda, after.onset = "", "ㅊ"


def _tensen(at: int, before: Syllable, after: Syllable, apart: bool, marks: Marks) -> None:
    """Tense consonants that grammar asks for: after verb stems (24, 25, 11), after the ㄹ of what is to come (27)."""
    if at in marks.stems and not apart and after.onset in "ㄱㄷㅅㅈ":
        if before.coda == "ㄺ" and after.onset == "ㄱ":
            before.coda = "ㄹ"
            after.onset = "ㄲ"
        elif before.coda in {"ㄴ", "ㄵ", "ㅁ", "ㄻ", "ㄼ", "ㄾ"}:
            after.onset = TENSE[after.onset]
    elif after.onset in TENSE and (at in marks.adnominal if apart else at in marks.future):
        after.onset = TENSE[after.onset]


def _meet(before: Syllable, after: Syllable, apart: bool) -> None:
    """What the coda of one syllable and the onset of the next do to each other (rules 9 to 15, 18 to 20, 23)."""
    coda, onset = before.coda, after.onset
    if not coda:
        return
    if onset == "ㅇ":
        _link(before, after, apart)
        return
    if onset == "ㅎ" and coda in WITH_H:
        before.coda, after.onset = LEFT.get(coda, ""), WITH_H[coda]
        if apart and coda in "ㅈㅊ":
            after.onset = "ㅌ"
        return
    if coda in WITHOUT_H and onset in ASPIRATED and onset != "ㅂ":
        before.coda, after.onset = WITHOUT_H[coda], ASPIRATED[onset]
        return
    if before.vowel == "ㅏ" and before.onset in "ㅂㅃ" and coda == "ㄼ":
        coda = "ㅍ"  # 밟 alone keeps its ㅂ (rule 10)
    if before.onset == "ㄴ" and coda == "ㄼ" and after.vowel == "ㅜ" and onset in "ㅈㅉㄷㄸ":
        coda = "ㅍ"
    plain = HEARD[coda]
    if plain in NASALS:
        if onset in TENSE:
            after.onset = TENSE[onset]
        elif onset in "ㄴㅁㄹ":
            plain = NASALS[plain]
            after.onset = "ㄴ" if onset == "ㄹ" else onset
    elif plain in "ㅁㅇ" and onset == "ㄹ":
        after.onset = "ㄴ"
    elif plain == "ㄹ" and onset == "ㄴ":
        after.onset = "ㄹ"
    elif plain == "ㄴ" and onset == "ㄹ":
        plain = "ㄹ"
    before.coda = plain


def _link(before: Syllable, after: Syllable, apart: bool) -> None:
    """A coda moves to the vowel behind it (13, 14); across a blank it only loses what it has too much (15)."""
    coda = before.coda
    if apart:
        before.coda = HEARD[coda]
    elif coda == "ㅎ":
        before.coda = ""
    elif coda in CLUSTERS:
        staying, after.onset = CLUSTERS[coda]
        before.coda = staying.strip()
    elif coda != "ㅇ":
        before.coda, after.onset = "", coda
