"""The values that flow through the knowledge base: frozen, and free of any framework."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

PUBLIC = "public"
INTERNAL = "internal"


class ArticleKey(NamedTuple):
    """What names an article in one language: translations share `id`."""

    id: str
    lang: str

    def __str__(self) -> str:
        return f"{self.id} ({self.lang})"


@dataclass(frozen=True, slots=True)
class Article:
    """One article in one language, as its author wrote it.

    `body` is Markdown without the front matter; `body_line` is the 1-based line of the file on which it starts,
    so that `body_line + token line` points into the file. `extra` keeps the front-matter keys we do not read.
    `changed` is the date of its last commit (ISO 8601), `team` who keeps it true; "" where that is not known.
    One that comes from a snapshot has no body; `version` stands for it, as `version_of` made it then.
    """

    id: str
    lang: str
    title: str
    body: str
    path: str
    body_line: int = 1
    audience: str = PUBLIC
    topic: str = ""
    summary: str = ""
    questions: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    review_by: str = ""
    owner: str = ""
    redirect_from: tuple[str, ...] = ()
    changed: str = ""
    team: str = ""
    version: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> ArticleKey:
        return ArticleKey(self.id, self.lang)


def version_of(article: Article) -> str:
    """16 hexadecimal digits that change with what a reader of the article reads."""
    if article.version:
        return article.version
    return hashlib.sha256(json.dumps([article.title, article.body]).encode()).hexdigest()[:16]


SkipReason = Literal[
    "not an article",
    "draft",
    "archived",
    "empty",
    "broken front matter",
    "broken topics",
    "duplicate id",
    "unknown language",
    "not text",
    "too large",
    "unreadable",
]

#: Reasons that are an author's decision or a file's nature; all others are mistakes to mend.
HARMLESS: frozenset[SkipReason] = frozenset({"not an article", "draft", "archived"})


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that became no article: where, why, and what to do about it.

    `audiences` are those that all have to be somebody's to be told: of the file, and of what else it names.
    """

    path: str
    reason: SkipReason
    detail: str = ""
    line: int = 0
    fix: str = ""
    audiences: tuple[str, ...] = (PUBLIC,)

    @property
    def harmless(self) -> bool:
        return self.reason in HARMLESS

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        text = f"{place}: {self.reason}"
        if self.detail:
            text += f": {self.detail}"
        return f"{text}. {self.fix}" if self.fix else text


@dataclass(frozen=True, slots=True)
class Loaded:
    """All files of a source, each either an article or skipped: `len(articles) + len(skipped) == files`.

    `topics` are the names of topics by language, as far as the source gives any (kb/topics.py).
    """

    articles: tuple[Article, ...]
    skipped: tuple[Skipped, ...]
    topics: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.articles) + len(self.skipped)


UnitKind = Literal["title", "question", "body"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article that is embedded and searched on its own.

    `text` is plain text as a reader sees it, `html` the blocks it comes from, sanitised (empty for titles and
    questions), `embedded` what the encoder reads (with title and heading path in front). `lines` are the first
    and last 1-based lines in the file; (0, 0) where the text stands in the front matter. `section` is the index
    of the section in `Rendered.sections` it belongs to.
    """

    kind: UnitKind
    text: str
    embedded: str
    html: str = ""
    heading_path: tuple[str, ...] = ()
    anchor: str = ""
    lines: tuple[int, int] = (0, 0)
    section: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """The part of an article under one heading, sanitised HTML without the heading itself.

    `level` is 0 for the text before the first heading, else 1 to 6.
    """

    level: int
    heading: str
    heading_path: tuple[str, ...]
    anchor: str
    html: str
    text: str
    lines: tuple[int, int]
