"""Japanese, Korean and Cantonese against reference phones: what `frontend.py` prints for a file of those languages.

The file has groups "ja", "ko" and "yue" (each language's own room), "mixed" (the whole pipeline), "official_bugs" and
"routing_bugs" (texts that the official code misreads, with what is right), "public_issues" and "public_routes" (reports
of users, with phones that must be heard or languages that must be found). Marks, pauses and prosody are not compared.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.cantonese.normalise import spoken_cantonese
from dora_primespeech_mlx.text.cantonese.phones import Cantonese
from dora_primespeech_mlx.text.japanese.normalise import spoken_japanese
from dora_primespeech_mlx.text.japanese.phones import Japanese
from dora_primespeech_mlx.text.korean.normalise import spoken_korean
from dora_primespeech_mlx.text.korean.phones import Korean

REASONS = Path(__file__).parent.parent / "tests" / "data" / "language_differences.json"
BARS = {"ja": 60, "ko": 55, "yue": 52, "mixed": 37, "official_bugs": 45, "public_issues": 28}
NOT_COMPARED = frozenset("[]#_!?…,.-") | {"UNK", "空"}

Golden = dict[str, list[dict[str, Any]]]
Reasons = dict[str, dict[str, dict[str, str]]]
Difference = tuple[str, list[str], list[str]]


@dataclass
class Compared:
    """How the texts of a group compare; a difference is (text, right or official phones, ours)."""

    identical: list[str] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    exempt: list[Difference] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)
    same_marks: int = 0
    """Identical texts with the same marks of prosody too."""

    @property
    def counted(self) -> int:
        """Texts that count for the bar."""
        return len(self.identical) + len(self.right) + len(self.exempt)


def plain(names: Iterable[str]) -> list[str]:
    """Phones without marks, pauses and prosody."""
    return [name for name in names if name not in NOT_COMPARED]


def rooms() -> dict[str, Callable[[str], list[str]]]:
    """For each language, text to phones by its own room alone."""
    japanese, korean, cantonese = Japanese(), Korean(), Cantonese()
    return {
        "ja": lambda text: japanese.phones(spoken_japanese(text)),
        "ko": lambda text: korean.phones(spoken_korean(text)),
        "yue": lambda text: cantonese.phones(cantonese.readable(spoken_cantonese(text)))[0],
    }


def compare_room(language: str, golden: Golden, reasons: Reasons, say: Callable[[str], list[str]]) -> Compared:
    """The texts of one language."""
    found = Compared()
    bugs = {bug["id"]: bug for bug in golden["official_bugs"]}
    for entry in golden[language]:
        text, official, ours = entry["text"], entry["phones"], say(entry["text"])
        bug = bugs.get(entry["id"])
        if bug and plain(ours) in rights(bug):
            found.right.append(text)
        elif bug is None and plain(ours) == plain(official):
            found.identical.append(text)
            found.same_marks += without_stops(ours) == without_stops(official)
        else:
            target = found.exempt if "listed" in reasons.get(language, {}).get(text, {}) else found.different
            target.append((text, plain(bug["right_phones"] if bug else official), plain(ours)))
    return found


def without_stops(names: Iterable[str]) -> list[str]:
    """Phones with prosody, without the marks of the text."""
    return [name for name in names if name not in "!?…,.-"]


def rights(bug: dict[str, Any]) -> list[list[str]]:
    """All that is right for a text that the official code misreads."""
    return [plain(names) for names in (bug["right_phones"], *bug.get("also_right_phones", ()))]


def compare_mixed(golden: Golden, reasons: Reasons) -> Compared:
    """Texts of several languages through the whole front end; right is also the right order of languages."""
    found = Compared()
    bugs = {bug["id"]: bug for bug in golden["routing_bugs"]}
    frontends = {version: Frontend(version) for version in ("v1", "v2")}
    for entry in golden["mixed"]:
        text, bug = entry["text"], bugs.get(entry["id"])
        try:
            phones = frontends[entry.get("version", "v2")](text, entry["lang"])
        except ValueError:
            ours, languages = [], []
        else:
            ours, languages = plain(phones.names), [span.language for span in phones.spans]
        if bug and languages == bug["right_languages"]:
            found.right.append(text)
        elif ours == plain(entry["phones"]):
            found.identical.append(text)
        else:
            target = found.exempt if "listed" in reasons.get("mixed", {}).get(text, {}) else found.different
            target.append((text, plain(entry["phones"]), ours))
    return found


def bugs_left(golden: Golden, say: dict[str, Callable[[str], list[str]]]) -> list[Difference]:
    """Texts that the official code misreads, and so do we."""
    left = []
    for bug in golden["official_bugs"]:
        ours = plain(say[bug["lang"]](bug["text"]))
        if ours not in rights(bug):
            left.append((bug["text"], plain(bug["right_phones"]), ours))
    return left


def reports_left(golden: Golden, say: dict[str, Callable[[str], list[str]]]) -> list[Difference]:
    """Reports of users that still hold: what must be heard is not, or what must not be is."""
    left = []
    for report in golden["public_issues"]:
        ours = plain(say[report["lang"]](report["text"]))
        wanted, unwanted = plain(report["must_contain_phones"]), plain(report["must_not_contain"] or ())
        if not _within(wanted, ours) or unwanted and _within(unwanted, ours):
            left.append((report["text"], wanted, ours))
    return left


def _within(part: list[str], whole: list[str]) -> bool:
    return f" {' '.join(part)} " in f" {' '.join(whole)} "


def verdict(group: str, count: int) -> str:
    """Whether a group has as many as it must."""
    return f"bar {BARS[group]}: {'met' if count >= BARS[group] else 'not met'}"


def compare(golden: Golden) -> None:
    """Print the agreement of each group, and every difference with the reason that is known for it."""
    reasons: Reasons = json.loads(REASONS.read_text(encoding="utf-8"))
    say = rooms()
    groups = {language: compare_room(language, golden, reasons, say[language]) for language in say}
    groups["mixed"] = compare_mixed(golden, reasons)
    for group, found in groups.items():
        print(
            f"{group}: {len(found.identical)} identical ({found.same_marks} with their prosody), "
            f"{len(found.right)} right where the official code is wrong, {len(found.exempt)} exempt: "
            f"{found.counted} of {len(golden[group])}; {verdict(group, found.counted)}"
        )
        for text, wanted, ours in found.exempt + found.different:
            reason = reasons.get(group, {}).get(text, {})
            print(f"  {text}\n    {reason.get('why', 'No reason is known.')}")
            print(f"    {' '.join(wanted)}\n    {' '.join(ours)}")
    for group, left in (("official_bugs", bugs_left(golden, say)), ("public_issues", reports_left(golden, say))):
        held = len(golden[group]) - len(left)
        print(f"{group}: {held} of {len(golden[group])} right; {verdict(group, held)}")
        for text, wanted, ours in left:
            print(f"  {text}\n    {' '.join(wanted)}\n    {' '.join(ours)}")
    frontend = Frontend()
    for report in golden["public_routes"]:
        languages = [span.language for span in frontend(report["text"], report["mode"]).spans]
        print(f"route {'right' if languages == report['expected_languages'] else languages}: {report['text'][:40]}")
