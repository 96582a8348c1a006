"""Files that cannot be read, say nothing, or hold what a merge left; and topics.yml."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb import topics as topics_file
from kb.check.pages import Page, Pages
from kb.check.report import Finding, error, listed, warning

_MARK = re.compile(r"^(<{7}|={7}|>{7})(?: \S.*|\s*)$")


def unreadable(pages: Pages) -> Iterator[Finding]:
    yield from pages.found
    for page in pages.pages:
        if page.problem and page.problem.reason in ("not text", "too large", "unreadable"):
            detail = page.problem.detail[:1].upper() + page.problem.detail[1:]
            yield error(page.path, page.problem.line, "unreadable", f"{detail}.", page.problem.fix)


def empty(pages: Pages) -> Iterator[Finding]:
    for page in pages.pages:
        if page.problem and page.problem.reason == "empty":
            line = page.row or (page.front.body_line if page.front else 1)
            line = min(line, page.text.count("\n") + 1) if page.text else line
            yield error(page.path, line, "empty", "There is no text.", page.problem.fix or "Write it, or delete it.")


def conflict_markers(pages: Pages) -> Iterator[Finding]:
    for page in pages.pages:
        for line, whole in conflicts(page):
            message = "A merge left its marks here: both versions stand in the text."
            fix = "Keep one of them, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>."
            if not whole:
                message = "A merge left one of its marks here: part of another version may stand in the text."
                fix = "Read what is around it, and delete the line."
            yield error(page.path, line, "conflict-marker", message, fix)


def conflicts(page: Page) -> list[tuple[int, bool]]:
    """(line, whether all marks are there) of each conflict. An article about git may show one in a code block."""
    if "<<<<<<<" not in page.text and ">>>>>>>" not in page.text:
        return []
    found: list[tuple[int, bool]] = []
    start = divided = 0
    for number, line in enumerate(page.text.split("\n"), 1):
        mark = match[1][0] if (match := _MARK.match(line)) else ""
        if mark == "<":
            if start and not _in_code(page, start, start):
                found.append((start, False))
            start, divided = number, 0
        elif mark == "=" and start:
            divided = number
        elif mark == ">":
            first = start if start and divided else number
            if not _in_code(page, first, number):
                found.append((first, first == start))
            start = divided = 0
    if start and not _in_code(page, start, start):
        found.append((start, False))
    return found


def _in_code(page: Page, first: int, last: int) -> bool:
    return any(begins < first and last < ends for begins, ends in page.markup.fences)


def topics(pages: Pages) -> Iterator[Finding]:
    path = pages.source / topics_file.FILE
    names, skipped = topics_file.topics_of(pages.source) if not pages.source.is_file() else ({}, [])
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if names or skipped else []
    for entry in skipped:
        topic = entry.detail.partition(":")[0]
        begins = re.compile(rf"""["']?{re.escape(topic)}["']?\s*:""")
        named = next((number for number, text in enumerate(lines, 1) if begins.match(text)), 0)
        detail = entry.detail if named else entry.detail[:1].upper() + entry.detail[1:]
        yield error(topics_file.FILE, entry.line or named, "topics", f"{detail}.", entry.fix)
    used = {page.article.topic for page in pages.living if page.article and page.article.topic}
    for topic in sorted(set(names) - used):
        begins = re.compile(rf"""["']?{re.escape(topic)}["']?\s*:""")
        line = next((number for number, text in enumerate(lines, 1) if begins.match(text)), 0)
        message = f"No article has the topic {topic!r}."
        fix = f"Write it as its folder is called ({listed(sorted(used - set(names)) or sorted(used))}), or delete it."
        yield warning(topics_file.FILE, line, "topics", message, fix)
