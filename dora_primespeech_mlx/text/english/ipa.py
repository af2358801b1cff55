"""The IPA of English -> ARPAbet."""

import re

from dora_primespeech_mlx.text.rules import any_of, regex

# Longest first; the values are facts of the two alphabets.
SOUNDS = {
    "t͡ʃ": "CH", "tʃ": "CH", "ʧ": "CH", "d͡ʒ": "JH", "dʒ": "JH", "ʤ": "JH",
    "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY",
    "ɪə": "IH R", "eə": "EH R", "ʊə": "UH R", "ɜː": "ER", "ɝ": "ER", "ɚ": "ER", "ɜ": "ER",
    "iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO", "i": "IY", "u": "UW", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "a": "AE",
    "æ": "AE", "ɛ": "EH", "e": "EH", "ɪ": "IH", "ʊ": "UH", "ʌ": "AH", "ə": "AH", "o": "OW", "ɐ": "AH", "ɨ": "IH",
    "b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "j": "Y", "k": "K", "l": "L", "ɫ": "L",
    "m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S", "ʃ": "SH", "t": "T", "ɾ": "T", "θ": "TH",
    "v": "V", "w": "W", "ʍ": "W", "z": "Z", "ʒ": "ZH",
}  # fmt: skip
VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))
CONSONANTS = frozenset(SOUNDS.values()) - VOWELS - {"IH R", "EH R", "UH R"}
SCANNER = regex(any_of(SOUNDS) + "|[ˈˌ']")


def arpabet_of_ipa(said: str) -> str:
    """Phones of `ˈdʒɪf`; ValueError for a sign that is no sound of English."""
    phones: list[str] = []
    position, stress = 0, "0"
    said = re.sub(r"[/\[\].‿\s]|̩|ˑ", "", said)
    has_stress = "ˈ" in said or "'" in said
    while position < len(said):
        sound = SCANNER.match(said, position)
        if sound is None:
            raise ValueError(f"{said[position]!r} in {said!r} is no sound of English in the IPA")
        position = sound.end()
        if sound.group() in "ˈ'ˌ":
            stress = "2" if sound.group() == "ˌ" else "1"
            continue
        for phone in SOUNDS[sound.group()].split():
            is_vowel = phone in VOWELS
            phones.append(phone + (stress if has_stress else _usual_stress(sound.group())) if is_vowel else phone)
            stress = "0" if is_vowel else stress
    return " ".join(phones)


def _usual_stress(sound: str) -> str:
    return "0" if sound == "ə" else "1"
