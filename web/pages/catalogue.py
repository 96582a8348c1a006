"""What somebody may read, arranged for browsing: topics, translations and old addresses of one snapshot."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from fastapi import FastAPI, Request
from rapidfuzz import fuzz, process

from kb.analysis import fold
from kb.models import PUBLIC, Article, ArticleKey
from kb.search import Query, Searcher
from kb.stored import Entry
from web.auth import viewer
from web.words import N_, SOURCE, Words

#: The slug of the topic of articles that have none; no folder is called so.
NO_TOPIC = "_"
RELATED_AT_LEAST, RELATED_AT_MOST = 3, 5
#: How many the home page names.
UPDATED = 5
#: How near a mistyped slug has to be, 0 to 100: two wrong letters in ten, none in three.
_ALIKE, _MOST_ALIKE = 80, 2
#: How many articles are looked at for related ones: translations and the article itself drop out.
_RELATED_FROM = 12
#: An article this much behind the nearest is no relation (the weight e^-4 among the candidates).
_FAR_BEHIND = 4.0


_PUBLIC = frozenset({PUBLIC})
#: How the sanitised HTML of an article names a picture of the snapshot.
_PICTURE = re.compile(r"/pictures/([^\"'?#\s]+)")
#: Of how many sets of audiences catalogues are held: each is some megabytes on a base of thousands.
_MOST_CATALOGUES = 16


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with the articles that may be read: one dictionary an article, by language.

    `name` is what its folder is called, `names` by language what the authors call it, where they say so.
    """

    slug: str
    name: str
    names: dict[str, str]
    articles: tuple[dict[str, Article], ...]

    def called(self, said: Words) -> str:
        """Its name for a reader; topics without one of their own are named by the interface."""
        return self.names.get(said.lang) or self.names.get(SOURCE) or said.gettext(self.name.replace("%", "%%"))

    def in_language(self, order: tuple[str, ...]) -> list[Article]:
        """Each article once, in the first language of `order` it exists in; those in the very first come first.

        What authors translate, and collect many questions for, is what people ask for: it stands before the rest.
        """
        chosen = ((next(found[lang] for lang in order if lang in found), len(found)) for found in self.articles)
        ranked = sorted(
            chosen,
            key=lambda pair: (
                pair[0].lang != order[0],
                -pair[1],
                -len(pair[0].questions),
                fold(pair[0].title),
                pair[0].id,
            ),
        )
        return [article for article, _ in ranked]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Computed once for each snapshot and each set of audiences. Articles for others stand nowhere in it."""

    searcher: Searcher
    default_lang: str
    audiences: frozenset[str] = _PUBLIC
    _related: dict[ArticleKey, tuple[Article, ...]] = field(default_factory=dict)
    _in_language: dict[tuple[str, str], list[Article]] = field(default_factory=dict)
    _updated: dict[str, tuple[Article, ...]] = field(default_factory=dict)

    @property
    def snapshot_id(self) -> str:
        return self.searcher.snapshot.id

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages of these articles, the one with most articles first."""
        counts: dict[str, int] = {}
        for article in self._readable():
            counts[article.lang] = counts.get(article.lang, 0) + 1
        return tuple(sorted(counts, key=lambda lang: (-counts[lang], lang)))

    @cached_property
    def by_id(self) -> dict[str, dict[str, Article]]:
        """Article id -> language -> article."""
        found: dict[str, dict[str, Article]] = {}
        for article in self._readable():
            found.setdefault(article.id, {})[article.lang] = article
        return found

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """Topics by slug."""
        groups: dict[str, dict[str, dict[str, Article]]] = {}
        for article in self._readable():
            groups.setdefault(article.topic, {}).setdefault(article.id, {})[article.lang] = article
        alone = len(groups) == 1
        found = [
            Topic(
                name or NO_TOPIC,
                topic_name(name, alone=alone),
                self.searcher.snapshot.topics.get(name, {}),
                tuple(articles.values()),
            )
            for name, articles in groups.items()
        ]
        return {topic.slug: topic for topic in found}

    def topics_for(self, said: Words) -> list[Topic]:
        """The topics in the order of their names in a language; articles without a topic come last."""
        return sorted(self.topics.values(), key=lambda topic: (topic.slug == NO_TOPIC, fold(topic.called(said))))

    @cached_property
    def moved(self) -> dict[tuple[str, str], ArticleKey]:
        """(language, old slug) -> the article that took its place."""
        found: dict[tuple[str, str], ArticleKey] = {}
        for article in self._readable():
            for old in article.redirect_from:
                found.setdefault((article.lang, old.strip("/")), article.key)
        return found

    def _readable(self) -> Iterable[Article]:
        return (entry.article for entry in self.searcher.snapshot.entries if entry.article.audience in self.audiences)

    @cached_property
    def pictures(self) -> frozenset[str]:
        """The names of the pictures that these articles show."""
        entries = (entry for entry in self.searcher.snapshot.entries if entry.article.audience in self.audiences)
        return frozenset(
            name for entry in entries for section in entry.sections for name in _PICTURE.findall(section.html)
        )

    def order(self, lang: str) -> tuple[str, ...]:
        """Languages to try for somebody who reads `lang`."""
        return tuple(dict.fromkeys((lang, self.default_lang, *self.languages)))

    def articles(self, topic: Topic, lang: str) -> list[Article]:
        """The articles of a topic for somebody who reads `lang`, the likeliest to be looked for first."""
        key = (topic.slug, lang)
        if key not in self._in_language:
            self._in_language[key] = topic.in_language(self.order(lang))
        return self._in_language[key]

    def in_language(self, article_id: str, lang: str) -> Article | None:
        """An article for somebody who reads `lang`, in the nearest language it exists in."""
        written = self.by_id.get(article_id, {})
        return next((written[code] for code in self.order(lang) if code in written), None)

    def updated(self, lang: str) -> tuple[Article, ...]:
        """The articles changed last, for somebody who reads `lang`, the newest first; only those with a date."""
        if lang not in self._updated:
            # News in a language of one's own first: a page of articles in another one is no news.
            own = [written[lang] for written in self.by_id.values() if lang in written]
            shown = own or [found for article_id in self.by_id if (found := self.in_language(article_id, lang))]
            dated = sorted((article for article in shown if article.changed), key=lambda each: fold(each.title))
            dated.sort(key=lambda article: article.changed, reverse=True)
            self._updated[lang] = tuple(dated[:UPDATED])
        return self._updated[lang]

    def alike(self, slug: str, lang: str) -> tuple[Article, ...]:
        """Articles whose id or old slug is nearly `slug`, as after a typing error, the nearest first."""
        found = process.extract(slug, self._slugs.keys(), scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=_MOST_ALIKE)
        ids = dict.fromkeys(self._slugs[name] for name, _, _ in found)
        return tuple(article for article_id in ids if (article := self.in_language(article_id, lang)))

    @cached_property
    def _slugs(self) -> dict[str, str]:
        """Every name an article has or had, whole and its last part alone, with the article's id."""
        names = [(article_id, article_id) for article_id in self.by_id]
        names += [(old, key.id) for (_, old), key in self.moved.items()]
        found: dict[str, str] = {}
        for name, article_id in names:
            for part in (name, name.rpartition("/")[2]):
                found.setdefault(part.lower(), article_id)
        return found

    def entry(self, article_id: str, lang: str) -> Entry | None:
        """An article in exactly this language."""
        article = self.by_id.get(article_id, {}).get(lang)
        return self.searcher.snapshot.entry(article.key) if article else None

    def moved_to(self, old: str, lang: str = "") -> ArticleKey | None:
        """The article that `redirect_from` of its front matter names `old`, the asked language first."""
        old = old.strip("/")
        keys = (self.moved.get((code, old)) for code in self.order(lang or self.default_lang))
        return next((key for key in keys if key), None)

    def translations(self, article: Article) -> list[Article]:
        """The same article in its other languages."""
        return [found for lang, found in self.by_id[article.id].items() if lang != article.lang]

    def related(self, article: Article) -> tuple[Article, ...]:
        """Three to five articles near this one in the same language, fewer only where there are no more."""
        if article.key not in self._related:
            self._related[article.key] = self._find_related(article)
        return self._related[article.key]

    def _find_related(self, article: Article) -> tuple[Article, ...]:
        query = " ".join((article.title, *article.questions[:1]))
        hits = self.searcher.rank(Query(query, lang=article.lang, audiences=self.audiences), _RELATED_FROM).hits
        found: dict[str, Article] = {}
        for hit in hits:
            other = self.searcher.entry(hit.article).article
            if other.lang != article.lang or other.id == article.id or len(found) == RELATED_AT_MOST:
                continue
            if len(found) < RELATED_AT_LEAST or hit.score > hits[0].score - _FAR_BEHIND:
                found[other.id] = other
        topic = self.topics[article.topic or NO_TOPIC]
        for other in self.articles(topic, article.lang):
            if len(found) >= RELATED_AT_LEAST:
                break
            if other.lang == article.lang and other.id != article.id:
                found.setdefault(other.id, other)
        return tuple(found.values())


def topic_name(topic: str, *, alone: bool = False) -> str:
    """A folder's name as people read it: `help-desk` -> "Help desk"."""
    if not topic:
        return N_("All articles") if alone else N_("Other articles")
    words = re.sub(r"[-_\s]+", " ", topic).strip() or topic
    return words[:1].upper() + words[1:]


def catalogue_of(app: FastAPI, audiences: frozenset[str] = _PUBLIC) -> Catalogue:
    """What these audiences may read of the snapshot in use."""
    searcher = app.state.desk.library.searcher
    held: Catalogues | None = getattr(app.state, "catalogues", None)
    if held is None or held.searcher is not searcher:
        held = app.state.catalogues = Catalogues(searcher, app.state.settings.default_lang)
    return held.of(audiences)


def catalogue(request: Request) -> Catalogue:
    """What the person who makes this request may read."""
    return catalogue_of(request.app, viewer(request).audiences)


class Catalogues:
    """The catalogues of one searcher, those used last; the public's stays."""

    def __init__(self, searcher: Searcher, default_lang: str) -> None:
        self.searcher = searcher
        self._public = Catalogue(searcher, default_lang)
        self._known = frozenset(entry.article.audience for entry in searcher.snapshot.entries)
        self._others: OrderedDict[frozenset[str], Catalogue] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, audiences: frozenset[str]) -> Catalogue:
        told_apart = audiences & self._known | _PUBLIC  # a group without articles sees what the others see
        if told_apart == _PUBLIC:
            return self._public
        with self._lock:
            held = self._others.pop(told_apart, None) or Catalogue(self.searcher, self._public.default_lang, told_apart)
            self._others[told_apart] = held
            if len(self._others) > _MOST_CATALOGUES:
                self._others.popitem(last=False)
            return held
