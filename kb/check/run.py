"""Runs the rules over a source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kb.check import files, headings, identity, links, pictures, reading, silence, translations
from kb.check.front_matter import front_matter, misspelled_keys
from kb.check.pages import Memory, Page, Pages, read
from kb.check.personal_data import personal_data
from kb.check.raw_markup import raw_markup
from kb.check.report import RULES, Finding, Report
from kb.check.secrets import secrets
from kb.errors import SourceError

#: Rules about what a file is. An archived article is not shown, so that nothing else about it matters.
_OF_ARCHIVED = frozenset({"unreadable", "conflict-marker", "front-matter", "secret", "check-off"})

#: What a merge left behind breaks front matter, headings and links; they are looked at when it is mended.
_OF_TORN = frozenset({"conflict-marker", "secret", "personal-data"})


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What a check depends on besides the articles.

    `off` are rules that do not run. `known` are addresses and numbers that the site itself gives to readers; `base_url`
    is where it stands, "" where that is not known.
    """

    default_lang: str = "en"
    off: frozenset[str] = frozenset()
    strict: bool = False
    known: frozenset[str] = frozenset()
    base_url: str = ""


#: Finds near duplicates; it needs an encoder, which the caller opens (kb/check/near_duplicates.py).
NearDuplicates = Callable[[Pages], Iterator[Finding]]


def check(
    source: Path,
    settings: CheckSettings | None = None,
    *,
    today: date,
    near_duplicates: NearDuplicates | None = None,
    on_file: Callable[[Path], None] = lambda _: None,
    memory: Memory | None = None,
) -> Report:
    """All findings in a source, by path and line.

    Raises SourceError where there is nothing to check or a rule in `off` does not exist, EvaluationFileError for a
    broken line of a JSONL file. `near_duplicates` looks for articles that say the same; without it none are told.
    `memory` has the next look read what changed alone.
    """
    settings = settings or CheckSettings()
    if unknown := sorted(settings.off - RULES.keys()):
        raise SourceError(f"There is no rule {', '.join(unknown)} to switch off. The rules: {', '.join(RULES)}.")
    pages = read(source, settings.default_lang, on_file, memory)
    found = list(_findings(pages, settings, today))
    if near_duplicates:
        found.extend(near_duplicates(pages))
    kept = _without_exceptions(pages, [finding for finding in found if finding.rule not in settings.off])
    order = {rule: number for number, rule in enumerate(RULES)}
    kept.sort(key=lambda finding: (finding.path, finding.line, order[finding.rule], finding.message))
    return Report(tuple(dict.fromkeys(kept)), len(pages.pages), settings.strict)


def _findings(pages: Pages, settings: CheckSettings, today: date) -> Iterator[Finding]:
    yield from files.unreadable(pages)
    yield from files.conflict_markers(pages)
    yield from front_matter(pages)
    yield from misspelled_keys(pages)
    yield from files.empty(pages)
    yield from files.topics(pages)
    yield from identity.duplicate_ids(pages)
    yield from identity.redirects(pages)
    yield from identity.duplicate_titles(pages)
    yield from identity.same_texts(pages)
    yield from identity.duplicate_questions(pages)
    yield from links.links(pages, settings.base_url)
    yield from raw_markup(pages)
    yield from pictures.missing_pictures(pages)
    yield from pictures.unshown_pictures(pages)
    yield from pictures.alt_texts(pages)
    yield from headings.headings(pages)
    yield from secrets(pages, today)
    yield from personal_data(pages, settings.known)
    yield from reading.review_due(pages, today)
    yield from reading.orphans(pages)
    if "stale-translation" not in settings.off:
        yield from translations.stale_translations(pages)
    yield from translations.lone_translations(pages)
    yield from silence.unknown(pages)


def _without_exceptions(pages: Pages, findings: list[Finding]) -> list[Finding]:
    by_path: dict[str, Page] = {page.path: page for page in pages.pages if not page.row}
    off = {path: silence.exceptions(page) for path, page in by_path.items() if re.search("check[-_]off", page.text)}
    archived = {path for path, page in by_path.items() if page.status == "archived"}
    torn = {finding.path for finding in findings if finding.rule == "conflict-marker"}
    return [
        finding
        for finding in findings
        if not (finding.path in off and off[finding.path].hold(finding))
        and not (finding.path in archived and finding.rule not in _OF_ARCHIVED)
        and not (finding.path in torn and finding.rule not in _OF_TORN)
    ]
