"""The help centre as one caller may see it: one category, a section a topic, articles with their translations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from urllib.parse import urljoin

from fastapi import Request

from bot.people import Caller
from kb.analysis import fold
from kb.links import article_path
from kb.models import Article
from kb.snapshot import Snapshot
from kb.stored import Entry
from web.pages.catalogue import NO_TOPIC, Topic, topic_name
from web.words import words
from web.zendesk.ids import Numbering, number

#: The only one there is: topics are one level deep.
CATEGORY = number("category", "help centre")
#: How many sets of audiences are held ready; groups could make many.
_MOST_HELD = 32
_TAG = re.compile(r'<[a-zA-Z][a-zA-Z0-9]*(?:\s+[a-zA-Z-]+(?:="[^"]*")?)*\s*/?>')
_ADDRESS = re.compile(r'(\s(?:href|src)=")([^"]*)"')


@dataclass(frozen=True)
class Numbers:
    """The numbers of all articles and topics of a snapshot, those a caller may not see too: they never depend on who
    asks.
    """

    snapshot: Snapshot

    @cached_property
    def articles(self) -> Numbering:
        return Numbering.of("article", (entry.article.id for entry in self.snapshot.entries))

    @cached_property
    def topics(self) -> Numbering:
        return Numbering.of("section", (entry.article.topic or NO_TOPIC for entry in self.snapshot.entries))


@dataclass(frozen=True, slots=True)
class Shelved:
    """An article with its number, in all languages the caller may read it in: language -> entry, the source first."""

    id: int
    entries: dict[str, Entry]

    @property
    def source(self) -> Entry:
        return next(iter(self.entries.values()))


@dataclass(frozen=True)
class Shelf:
    """All that callers with some audiences may see of a snapshot."""

    numbers: Numbers
    audiences: frozenset[str]
    default_lang: str

    @property
    def snapshot(self) -> Snapshot:
        return self.numbers.snapshot

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Those articles are written in, the source language of most first."""
        written = {entry.article.lang for entry in self._visible()}
        return tuple(lang for lang in dict.fromkeys((self.default_lang, *self.snapshot.languages)) if lang in written)

    @cached_property
    def articles(self) -> dict[int, Shelved]:
        """By number, in the order of topics and titles."""
        found: dict[str, dict[str, Entry]] = {}
        for entry in self._visible():
            found.setdefault(entry.article.id, {})[entry.article.lang] = entry
        of = self.numbers.articles.numbers
        shelved = [
            Shelved(of[article], {lang: entries[lang] for lang in self.languages if lang in entries})
            for article, entries in found.items()
        ]
        shelved.sort(key=lambda each: (each.source.article.topic, fold(each.source.article.title), each.id))
        return {each.id: each for each in shelved}

    @cached_property
    def sections(self) -> dict[int, Topic]:
        """Topics with an article the caller may see, by number, in the order of their names."""
        groups: dict[str, list[dict[str, Article]]] = {}
        for each in self.articles.values():
            written = {lang: entry.article for lang, entry in each.entries.items()}
            groups.setdefault(each.source.article.topic, []).append(written)
        of = self.numbers.topics.numbers
        names = self.snapshot.topics
        topics = [
            Topic(slug or NO_TOPIC, topic_name(slug, alone=len(groups) == 1), names.get(slug, {}), tuple(articles))
            for slug, articles in groups.items()
        ]
        topics.sort(key=lambda topic: fold(topic.called(words(self.default_lang))))
        return {of[topic.slug]: topic for topic in topics}

    def section_of(self, article: Article) -> int:
        return self.numbers.topics.numbers[article.topic or NO_TOPIC]

    def _visible(self) -> Iterable[Entry]:
        return (entry for entry in self.snapshot.entries if entry.article.audience in self.audiences)


def shelf(request: Request, caller: Caller) -> Shelf:
    """What a caller may see of the snapshot in use; made once for each set of audiences."""
    state = request.app.state
    snapshot = state.desk.library.searcher.snapshot
    held: tuple[Numbers, dict[frozenset[str], Shelf]] | None = getattr(state, "zendesk_shelves", None)
    if held is None or held[0].snapshot is not snapshot:
        held = state.zendesk_shelves = (Numbers(snapshot), {})
    numbers, shelves = held
    if caller.audiences not in shelves:
        if len(shelves) >= _MOST_HELD:
            shelves.clear()
        shelves[caller.audiences] = Shelf(numbers, caller.audiences, state.settings.default_lang)
    return shelves[caller.audiences]


def body(entry: Entry, base: str) -> str:
    """The article as HTML, its links and pictures as whole addresses."""
    page = base + article_path(entry.article.key)
    parts: list[str] = []
    for section in entry.sections:
        if section.heading:
            level = max(2, section.level)
            parts.append(f'<h{level} id="{escape(section.anchor)}">{escape(section.heading)}</h{level}>')
        parts.append(section.html)
    return _TAG.sub(lambda tag: _ADDRESS.sub(lambda found: _whole(page, found), tag[0]), "\n".join(parts))


def _whole(page: str, found: re.Match[str]) -> str:
    try:
        return f'{found[1]}{urljoin(page, found[2])}"'
    except ValueError:  # `//[` is no address; it is left as it is written
        return found[0]


def labels(article: Article) -> list[str]:
    """What its author calls it by: `labels` or `tags` of the front matter. `keywords` are for the search alone."""
    given = article.extra.get("labels", article.extra.get("tags"))
    if isinstance(given, str):
        given = given.split(",")
    return [str(label).strip() for label in given if str(label).strip()] if isinstance(given, list) else []
