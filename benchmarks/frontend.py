"""How far the text front end agrees with reference phones, and what it costs.

    python benchmarks/frontend.py golden_text.json [--sentences FILE ...] [--reasons FILE]

The golden file has groups "zh" and "en" (each language's own module, Latin words dropped in "zh") and "mixed" (the
whole pipeline), every entry with its `text` and its phones or ids. A sentence file has one sentence a line and is
only timed.

The reasons file says for each sentence that differs, by group and text, `why`; where the official reading is on the
list of known bugs, `listed` is the line of that list, and the sentence is exempt. The bar of a group counts identical
and exempt sentences.

A golden file of Japanese, Korean and Cantonese is compared by `languages.py`.
"""

import argparse
import difflib
import itertools
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from dora_primespeech_mlx.text import Frontend
from dora_primespeech_mlx.text.symbols import symbol_table

REASONS = Path(__file__).parent.parent / "tests" / "data" / "frontend_differences.json"
REPEATED = ("word ", "a", "$1 ", "今天天气真好，", "好")  # texts of one thing over and over must not cost by the square
BARS = {"zh": 39, "en": 18, "mixed": 9}

Golden = dict[str, list[dict[str, Any]]]
Reasons = dict[str, dict[str, dict[str, str]]]


@dataclass
class Agreement:
    """How the sentences of a group compare: texts, and for those that differ (text, reference, ours)."""

    identical: list[str] = field(default_factory=list)
    exempt: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    different: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    share: float = 0.0
    """Share of phones that are equal, over all sentences."""

    @property
    def counted(self) -> int:
        """Sentences that count for the bar."""
        return len(self.identical) + len(self.exempt)


def expected(group: str, entry: dict[str, Any]) -> list[str]:
    """The reference phones of a golden entry; empty when the official code failed on it."""
    if group == "zh":
        return list(entry["pypinyin"]["phones"])
    if group == "en":
        return list(entry["phones"])
    names = symbol_table("v2").names
    return [names[index] for index in entry.get("ids") or []]


def spoken(group: str, entry: dict[str, Any], frontend: Frontend) -> list[str]:
    """Our phones of a golden entry, of the part that its reference covers; empty when the text is refused."""
    try:
        phones = frontend(entry["text"], entry.get("lang", group), guard=group == "mixed")
    except ValueError:
        return []
    if group != "zh":
        return list(phones.names)
    # The Mandarin module alone drops Latin letters, and the comma before few of them; it keeps the marks after them.
    kept = []
    for span in phones.spans:
        names = phones.names[span.start : span.end]
        if span.language == "zh":
            kept += names
        else:
            kept += [name for at, name in enumerate(names) if at and not name[0].isalpha()]
    return kept


def agreement(group: str, entries: list[dict[str, Any]], reasons: Reasons, frontend: Frontend) -> Agreement:
    """Compare the sentences of a group with their references."""
    found = Agreement()
    equal = total = 0
    for entry in entries:
        text, reference, ours = entry["text"], expected(group, entry), spoken(group, entry, frontend)
        blocks = difflib.SequenceMatcher(None, reference, ours, False).get_matching_blocks()
        equal, total = equal + 2 * sum(block.size for block in blocks), total + len(reference) + len(ours)
        if reference == ours:
            found.identical.append(text)
        elif "listed" in reasons.get(group, {}).get(text, {}):
            found.exempt.append((text, reference, ours))
        else:
            found.different.append((text, reference, ours))
    found.share = equal / total if total else 1.0
    return found


def compare(golden: Golden, reasons: Reasons) -> None:
    """Print the agreement of each group, and every difference with the reason that is known for it."""
    frontend = Frontend()
    for group, bar in BARS.items():
        found = agreement(group, golden[group], reasons, frontend)
        known = reasons.get(group, {})
        explained = sum(text in known for text, _, _ in found.exempt + found.different)
        print(
            f"{group}: {len(found.identical)} of {len(golden[group])} sentences identical, {found.share:.2%} of phones "
            f"equal, {explained} of {len(found.exempt + found.different)} differences explained"
        )
        print(
            f"{group}: {len(found.identical)} identical + {len(found.exempt)} exempt = {found.counted}; "
            f"bar {bar}: {'met' if found.counted >= bar else f'not met, {bar - found.counted} short'}"
        )
        for text, reference, ours in found.exempt + found.different:
            reason = known.get(text, {})
            print(f"  {text}")
            print(f"    {reason.get('why', 'No reason is known.')}")
            if "listed" in reason:
                print(f"    Exempt, listed under {reason['listed']}.")
            for tag, i, j, k, m in difflib.SequenceMatcher(None, reference, ours, False).get_opcodes():
                if tag != "equal":
                    print(
                        f"    at {i}: {' '.join(reference[i:j]) or '(nothing)'} -> {' '.join(ours[k:m]) or '(nothing)'}"
                    )


def cold_start() -> None:
    """Print what a fresh process needs for its first sentence. To be called first: a child starts with our memory."""
    for language in ("en", "zh", "ja", "ko", "yue"):
        code = (
            "import time; start = time.perf_counter()\n"
            "from dora_primespeech_mlx.text import Frontend\n"
            f"loaded = time.perf_counter(); Frontend().warm_up({language!r}); warm = time.perf_counter()\n"
            "import resource; peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "print(f'import {loaded - start:.3f} s, first sentence {warm - loaded:.3f} s, peak memory', end=' ')\n"
            "print(f'{peak / (1e6 if peak > 1e8 else 1e3):.0f} MB')"
        )
        print(
            f"cold {language}:",
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip(),
        )


def cost(groups: dict[str, list[str]]) -> None:
    """Print the time per sentence of each group of texts, and the memory after all of them."""
    frontend = Frontend()
    frontend.warm_up()
    for name, texts in groups.items():
        first, again = [], []
        for times in (first, again):
            for text in texts:
                start = time.perf_counter()
                try:
                    frontend(text)
                except ValueError:
                    continue
                times.append(1e3 * (time.perf_counter() - start))
        if again:
            worst = sorted(again)[int(0.99 * len(again))]
            figures = f"first time {median(first):.2f} ms, again {median(again):.2f} ms (99 %: {worst:.2f})"
            print(f"{name}: {len(again)} sentences, {figures}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory after all: {peak / (1e6 if sys.platform == 'darwin' else 1e3):.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path, help="golden_text.json")
    parser.add_argument("--sentences", type=Path, nargs="*", default=[], help="files to time, one sentence a line")
    parser.add_argument("--reasons", type=Path, default=REASONS, help="why a sentence may differ, by group and text")
    arguments = parser.parse_args()
    cold_start()
    golden = json.loads(arguments.golden.read_text(encoding="utf-8"))
    if "official_bugs" in golden:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from benchmarks import languages

        languages.compare(golden)
        cost({language: [entry["text"] for entry in golden[language]] for language in ("ja", "ko", "yue", "mixed")})
        return
    compare(golden, json.loads(arguments.reasons.read_text(encoding="utf-8")))
    texts = {group: [entry["text"] for entry in golden[group]] for group in ("zh", "en", "mixed")}
    for file in arguments.sentences:
        texts[file.name] = file.read_text(encoding="utf-8").splitlines()[:2000]
    for text, size in itertools.product(REPEATED, (10_000, 100_000)):
        texts[f"{text!r} repeated, {size // 1000} kB"] = [text * (size // len(text.encode()))]
    cost(texts)


if __name__ == "__main__":
    main()
