"""All that a running preview knows: the folder, what answered before, and what open pages are to be told."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.decide import Policy
from bot.library import Library
from kb.check import Finding, Report
from kb.errors import KbError
from kb.live import Edition, Live
from kb.models import Article, ArticleKey
from kb.search import Query, Searcher
from kb.sheets import Sheet
from kb.stored import Entry
from web.pages.catalogue import NO_TOPIC, Catalogue
from web.preview.asked import Asked, Asking
from web.preview.feed import Feed

_log = logging.getLogger(__name__)

#: Of an article so many of its own questions are asked: each takes some milliseconds, twice.
MOST_QUESTIONS = 8
#: How many questions of their own somebody may keep at hand.
MOST_OWN = 20


class Shelf(Library):
    """A library that is handed its searcher; it looks for nothing itself."""

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher

    def refresh(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Base:
    """What the folder is compared with. `indexed` is when that was, None for the start of the preview."""

    searcher: Searcher
    indexed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An article that is not what it was in the base."""

    kind: Literal["new", "changed", "gone"]
    article: Article


class Workshop:
    """`follow` belongs to one thread, everything else may be asked by any."""

    def __init__(self, live: Live, policy: Policy, check: Callable[[], Report], base: Base | None = None) -> None:
        self.live, self._policy, self._check = live, policy, check
        self.base = base or Base(live.searcher)
        self.shelf, self.feed = Shelf(live.searcher), Feed()
        #: Tells this run of the program from one before it: a page of that one has to be loaded anew.
        self.run, self.revision = secrets.token_hex(4), 0
        self.busy, self.problem = False, ""
        #: Whether something was saved before the answers were up to date, and waits to be taken up.
        self.overtaken = False
        self._behind = False
        self.own: list[str] = []
        #: None until they were first looked for.
        self.findings: tuple[Finding, ...] | None = None
        self._before, self._now = Asking(self.base.searcher, policy), Asking(live.searcher, policy)
        self._changes: tuple[Searcher, tuple[Change, ...]] | None = None
        self._places: dict[str, str] = {}
        #: Each article as it was when it last had a text: while an editor writes a file it may be empty.
        self._written = {key: sheet for key, sheet in live.edition.sheets.items() if sheet.sections}
        self._lock = threading.Lock()
        self._later = ThreadPoolExecutor(1, "preview-asking")

    @property
    def edition(self) -> Edition:
        return self.live.edition

    # --- following the folder ----------------------------------------------------------------------------------------

    def follow(self) -> bool:
        """Takes up what changed in the folder, the articles first and then the answers; False where nothing did."""
        self.overtaken = False
        try:
            edition = self.live.look()
            if edition is None and not self._behind:
                return False
            self.problem, self._behind = self.edition.problem, True
            self.busy = not self.problem
            self._remember_places()
            self._tell()
            searcher = self.live.catch_up()
            if searcher is None:
                self.overtaken = True
                return True
            self._now = Asking(searcher, self._policy)
            self.shelf.searcher, self._behind = searcher, False
        except KbError as error:
            self.problem = str(error)
        except Exception as error:  # whatever a file brings must not end the preview
            _log.exception("the folder could not be taken up")
            self.problem = f"{type(error).__name__}: {error}"
        self.busy = False
        self._tell()
        return True

    def _remember_places(self) -> None:
        """Of each article that is not as it was written last, the anchor of the first section that is another one."""
        for key, sheet in self.edition.sheets.items():
            was = self._written.get(key)
            if not sheet.sections or was is sheet:
                continue
            self._written[key] = sheet
            if was is not None:
                self._places[sheet.article.path] = _first_change(was, sheet)

    def check(self) -> None:
        """Looks for what is wrong with the folder; a thread of its own may, since a large one takes seconds."""
        try:
            found = self._check().findings
        except KbError:  # `follow` says what is the matter with the folder
            return
        if found != self.findings:
            self.findings = found
            self._tell()

    def _tell(self) -> None:
        with self._lock:
            self.revision += 1
            self.feed.tell(run=self.run, revision=self.revision)

    # --- what pages ask ----------------------------------------------------------------------------------------------

    def shown(self, known: Catalogue, key: ArticleKey) -> Entry | None:
        """An article as it was saved last, for those who may read it; its answers may not be up to date yet.

        One that has just been added, moved to another topic or given to others waits for the answers.
        """
        listed = known.entry(*key)
        fresh = self.edition.entry(key)
        if listed is None or fresh is None:
            return listed
        article = fresh.article
        same = (article.topic or NO_TOPIC) in known.topics and article.audience == listed.article.audience
        return fresh if same else listed

    def state(self, known: Catalogue, key: ArticleKey | None) -> str:
        """Names what a page shows: where it is another one than the page was made with, the page is old."""
        if key is None:
            return known.snapshot_id
        entry = self.shown(known, key)
        if entry is None:
            return ""
        told = (entry.article, entry.sections)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def place(self, path: str) -> str:
        """The anchor of the first section of a file that its last change touched, "" where it is the opening."""
        return self._places.get(path, "")

    def changes(self) -> tuple[Change, ...]:
        """What is not as it was in the base, in the order of titles."""
        searcher = self.shelf.searcher
        if self._changes is None or self._changes[0] is not searcher:
            self._changes = searcher, _changes(self.base.searcher, searcher)
        return self._changes[1]

    def asked(self, questions: Sequence[str], lang: str, audiences: frozenset[str]) -> list[Asked]:
        """What some questions got before and what they get now; some milliseconds each for what was not asked yet."""
        before, now = self._before, self._now
        queries = [Query(question, lang=lang, audiences=audiences) for question in questions]
        return [Asked(query.text, before.ask(query), now.ask(query)) for query in queries]

    def asked_already(self, questions: Sequence[str], lang: str, audiences: frozenset[str]) -> list[Asked] | None:
        """As `asked`, at once: None where it is not known yet. It soon is."""
        queries = [Query(question, lang=lang, audiences=audiences) for question in questions]
        if all(asking.asked(query) for asking in (self._before, self._now) for query in queries):
            return self.asked(questions, lang, audiences)
        if not self.busy:
            self._later.submit(self.asked, questions, lang, audiences)
        return None

    def remember(self, question: str) -> None:
        """Keeps a question at hand until the program ends, the newest first."""
        self.own = [question, *(each for each in self.own if each != question)][:MOST_OWN]

    def forget(self, question: str) -> None:
        self.own = [each for each in self.own if each != question]


def _first_change(was: Sheet, now: Sheet) -> str:
    old = [(section.heading, section.html) for section in was.sections]
    new = [(section.heading, section.html) for section in now.sections]
    first = next((n for n, part in enumerate(new) if n >= len(old) or part != old[n]), None)
    return "" if first is None else now.sections[first].anchor


def _changes(base: Searcher, now: Searcher) -> tuple[Change, ...]:
    before = {entry.article.key: _told(entry) for entry in base.snapshot.entries}
    after = {entry.article.key: _told(entry) for entry in now.snapshot.entries}
    found = [
        Change("new" if key not in before else "changed", article)
        for key, (article, told) in after.items()
        if key not in before or before[key][1] != told
    ]
    found += [Change("gone", article) for key, (article, _) in before.items() if key not in after]
    return tuple(sorted(found, key=lambda change: (change.article.title.casefold(), change.article.lang)))


def _told(entry: Entry) -> tuple[Article, tuple[object, ...]]:
    """An article, and all of it that a reader or a search notices."""
    article = entry.article
    noticed = (
        article.title,
        article.audience,
        article.topic,
        article.summary,
        article.questions,
        article.keywords,
        tuple((section.heading, section.html) for section in entry.sections),
    )
    return article, noticed
