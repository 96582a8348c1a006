"""Questions that have nothing to do with most knowledge bases: what "I don't know" is for.

`foreign.jsonl` holds questions as people type them into a support search box, in nine languages, about forty subjects
from the weather to another company's bank cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kb.jsonl import read_objects


@dataclass(frozen=True, slots=True)
class ForeignQuestion:
    lang: str
    subject: str
    text: str


@cache
def questions() -> tuple[ForeignQuestion, ...]:
    """All of them, in the order of the file: by language, then by subject."""
    rows = read_objects(Path(__file__).with_name("foreign.jsonl"), required=("lang", "subject", "question"))
    return tuple(ForeignQuestion(row["lang"], row["subject"], row["question"]) for _, row in rows)
