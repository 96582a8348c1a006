"""How an author says that a finding is an exception.

`check_off: [heading-jump]` in the front matter counts for the whole file, `<!-- check-off: dead-link -->` for the
line it stands on and the next one that is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from kb.check.pages import Page, Pages
from kb.check.report import RULES, Finding, warning
from kb.frontmatter import FrontMatterProblem

KEY = "check_off"
_COMMENT = re.compile(r"<!--[ \t]{0,20}check-off:?([\w ,\t-]{0,300})-->")


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Rules that are off for a whole file, and (line, rule) that are off."""

    rules: frozenset[str]
    lines: frozenset[tuple[int, str]]

    def hold(self, finding: Finding) -> bool:
        return finding.rule in self.rules or (finding.line, finding.rule) in self.lines


def exceptions(page: Page) -> Exceptions:
    return Exceptions(
        frozenset(rule for rule, _ in _of_file(page)), frozenset((line, rule) for line, rule, _ in _of_lines(page))
    )


def unknown(pages: Pages) -> Iterator[Finding]:
    """Exceptions from rules that do not exist: they hide nothing."""
    for page in pages.pages:
        comments = {(place, rule) for _, rule, place in _of_lines(page)}
        for line, rule in sorted({*comments, *((line, rule) for rule, line in _of_file(page))}):
            if rule not in RULES:
                message = f"There is no rule {rule!r}, so nothing is switched off."
                near = process.extractOne(rule, list(RULES), scorer=fuzz.ratio, score_cutoff=70)
                fix = f"Did you mean {near[0]}?" if near else "Write the name in brackets at the end of a finding."
                yield warning(page.path, line, "check-off", message, fix)


def _of_file(page: Page) -> Iterator[tuple[str, int]]:
    if page.front is None or KEY not in page.front.values:
        return
    try:
        rules = page.front.texts(KEY)
    except FrontMatterProblem:
        return
    for rule in rules:
        yield rule, page.line(KEY)


def _of_lines(page: Page) -> Iterator[tuple[int, str, int]]:
    """(line it counts for, rule, line of the comment)."""
    if "check-off" not in page.text:
        return
    lines = page.text.split("\n")
    for number, line in enumerate(lines, 1):
        for match in _COMMENT.finditer(line):
            following = next((n for n in range(number, len(lines)) if lines[n].strip()), number) + 1
            for rule in re.findall(r"[\w-]+", match[1]):
                yield number, rule, number
                yield following, rule, number
