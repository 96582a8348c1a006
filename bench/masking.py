"""How much personal data `bot.privacy.mask` finds, and how much else it takes for some.

python -m bench.masking                the figures of both parts of the corpus, into docs/privacy.md
python -m bench.masking --missed       what was missed or masked wrongly, of the part that may be looked at

The corpus (tests/privacy/corpus_LANG.jsonl) has what people write to an IT help desk, in the languages of the
interface; what has to be masked stands in braces: `{phone|+48 601 234 567}`. Half of it is held out: it was written
before the patterns were, and only its sums are looked at.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.privacy import MASKS, mask

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "tests" / "privacy"
PAGE = ROOT / "docs" / "privacy.md"
LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "ru")
PARTS = ("tune", "held_out")
_MARK = re.compile(r"\{(?P<kind>[a-z]+)\|(?P<secret>[^{}]+)\}")
_MASK = re.compile("|".join(map(re.escape, MASKS)))
_BEGIN, _END = "<!-- masking: made by `python -m bench.masking` -->", "<!-- /masking -->"

KINDS = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "card": "card numbers",
    "account": "bank accounts",
    "id": "national ids",
    "ip": "public IP addresses",
    "mac": "MAC addresses",
    "password": "passwords",
    "code": "one-time codes, PINs",
    "key": "API keys, tokens",
    "url": "secrets in addresses",
    "name": "names (said or signed)",
}


@dataclass(slots=True)
class Figures:
    """Counts. `found` and `there` by kind; `masked` is how often something was masked, `rightly` how often that was so.

    `spoiled` are texts without personal data that did not stay as they were, of `clean` such texts.
    """

    found: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    masked: int = 0
    rightly: int = 0
    spoiled: int = 0
    clean: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found.total() / max(self.there.total(), 1)

    @property
    def precision(self) -> float:
        return self.rightly / max(self.masked, 1)

    def add(self, other: Figures) -> None:
        self.found += other.found
        self.there += other.there
        self.masked += other.masked
        self.rightly += other.rightly
        self.spoiled += other.spoiled
        self.clean += other.clean
        self.wrong += other.wrong


def plain(marked: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without marks, and where what has to be masked stands in it: (start, end, kind)."""
    text, spans, end = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[end : match.start()]
        spans.append((len(text), len(text) + len(match["secret"]), match["kind"]))
        text += match["secret"]
        end = match.end()
    return text + marked[end:], spans


def hidden(text: str) -> list[tuple[int, int]]:
    """(start, end) of what is masked of a text, found by holding it against what is left."""
    pieces = _MASK.split(mask(text))
    match = re.fullmatch("(.+?)".join(map(re.escape, pieces)), text, re.DOTALL)
    assert match, text
    return [match.span(number) for number in range(1, len(pieces))]


def measure(marked: str) -> Figures:
    """Of one text. A span is found where no letter and no digit of it is left."""
    text, spans = plain(marked)
    gone, figures = hidden(text), Figures()
    covered = {place for start, end in gone for place in range(start, end)}
    for start, end, kind in spans:
        figures.there[kind] += 1
        found = all(place in covered for place in range(start, end) if text[place].isalnum())
        figures.found[kind] += found
        if not found:
            figures.wrong.append(f"missed {kind}: {mask(text)}")
    for start, end in gone:
        figures.masked += 1
        rightly = any(start < other_end and end > other_start for other_start, other_end, _ in spans)
        figures.rightly += rightly
        if not rightly:
            figures.wrong.append(f"masked {text[start:end]!r}: {text}")
    if not spans:
        figures.clean, figures.spoiled = 1, int(bool(gone))
    return figures


def corpus(lang: str, part: str) -> Iterator[str]:
    with (CORPUS / f"corpus_{lang}.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    yield from (row["text"] for row in rows if row["part"] == part)


def of(langs: tuple[str, ...], part: str) -> Figures:
    figures = Figures()
    for lang in langs:
        for marked in corpus(lang, part):
            figures.add(measure(marked))
    return figures


def table() -> str:
    """Both parts by kind and by language, in Markdown."""
    parts = {part: of(LANGUAGES, part) for part in PARTS}
    lines = ["| kind | found, tuned on | found, held out |", "|---|---|---|"]
    for kind, name in KINDS.items():
        cells = [f"{parts[part].found[kind]} of {parts[part].there[kind]}" for part in PARTS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(f"| **all** | {' | '.join(f'**{parts[part].recall:.3f}**' for part in PARTS)} |")
    lines += ["", "| held out | recall | precision | texts without personal data that changed |", "|---|---|---|---|"]
    for lang in LANGUAGES:
        figures = of((lang,), "held_out")
        lines.append(_row(lang, figures))
    lines.append(_row("**all**", parts["held_out"]))
    return "\n".join(lines)


def _row(name: str, figures: Figures) -> str:
    return f"| {name} | {figures.recall:.3f} | {figures.precision:.3f} | {figures.spoiled} of {figures.clean} |"


def main() -> None:
    if "--missed" in sys.argv:
        for lang in LANGUAGES:
            print("\n".join(f"{lang} {line}" for line in of((lang,), "tune").wrong))
        return
    made = table()
    print(made)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{made}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
