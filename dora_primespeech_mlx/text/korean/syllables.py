"""Hangul syllables as the letters they are made of."""

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
FIRST = 0xAC00


class Syllable:
    """Onset, vowel and coda ("" without one) of a syllable; rules of sound change them in place."""

    __slots__ = ("coda", "onset", "vowel")

    def __init__(self, written: str) -> None:
        """Take the syllable `written` apart."""
        index = ord(written) - FIRST
        self.onset = ONSETS[index // 588]
        self.vowel = VOWELS[index // 28 % 21]
        self.coda = CODAS[index % 28]

    def __str__(self) -> str:
        return chr(FIRST + 588 * ONSETS.index(self.onset) + 28 * VOWELS.index(self.vowel) + CODAS.index(self.coda))


def is_syllable(character: str) -> bool:
    """Whether `character` is a whole Hangul syllable."""
    return "가" <= character <= "힣" and len(character) == 1


def has_coda(character: str) -> bool:
    """Whether `character` is a syllable that ends in a consonant."""
    return is_syllable(character) and bool(Syllable(character).coda)
