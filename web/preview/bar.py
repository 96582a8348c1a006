"""The bar above every page of a preview: whose eyes, what is wrong, what changed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from kb.check import Finding
from kb.models import Article, ArticleKey, Skipped
from web.pages.catalogue import Catalogue
from web.preview.asked import Asked
from web.preview.eyes import COOKIE, Eyes, choices
from web.preview.workshop import MOST_QUESTIONS, Workshop

_FORMS = frozenset({"/ticket", "/sign-in"})


@dataclass(frozen=True, slots=True)
class View:
    """The article in view: `broken` says why its file cannot be used as it is now.

    `asked` is None until its questions were asked of the articles in use.
    """

    path: str
    state: str
    address: str
    place: str
    draft: bool
    broken: Skipped | None
    findings: tuple[Finding, ...]
    asked: list[Asked] | None

    @property
    def changed(self) -> int:
        return sum(each.changed for each in self.asked or ())


@dataclass(frozen=True, slots=True)
class Bar:
    """What the bar says of all articles; `view` is what it says of one.

    No page waits for questions to be asked: what is not known yet is said where `patient`. `revision` is the
    workshop's when the page began to be made.
    """

    workshop: Workshop
    known: Catalogue
    eyes: Eyes
    back: str
    revision: int
    patient: bool = False

    @property
    def choices(self) -> list[Eyes]:
        return choices(entry.article for entry in self.known.searcher.snapshot.entries)

    @property
    def _page(self) -> str:
        return self.back.partition("?")[0]

    @property
    def state(self) -> str:
        """Names what a page without an article shows; what is wrong and what changed stand on one of them."""
        return self.run if self._page == "/preview" else self._state(None)

    @property
    def run(self) -> str:
        """Tells what a page knows from what it does not know yet."""
        return f"{self.workshop.run}-{self.revision}"

    def _state(self, key: ArticleKey | None) -> str:
        """Where something came while a page was made, nobody knows whether it has it: it is an old one."""
        return self.workshop.state(self.known, key) if self.revision == self.workshop.revision else self.run

    @property
    def inert(self) -> bool:
        """Whether the page is a form whose words would go to a help desk."""
        return self._page in _FORMS

    def drafted(self, key: ArticleKey) -> bool:
        """Whether an article is not published yet."""
        edition = self.workshop.edition
        sheet = edition.sheets.get(key)
        return sheet is not None and sheet.article.path in edition.drafts

    @property
    def address(self) -> str:
        return "/preview/bar?" + urlencode({"back": self.back})

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.workshop.findings or ())

    def view(self, article: Article) -> View:
        path, edition = article.path, self.workshop.edition
        ask = self.workshop.asked if self.patient and not self.workshop.busy else self.workshop.asked_already
        query = {"id": article.id, "in": article.lang, "back": self.back}
        return View(
            path=path,
            state=self._state(article.key),
            address="/preview/bar?" + urlencode(query),
            place=self.workshop.place(path),
            draft=path in edition.drafts,
            broken=edition.broken.get(path),
            findings=tuple(finding for finding in self.workshop.findings or () if finding.path == path),
            asked=ask(article.questions[:MOST_QUESTIONS], article.lang, self.eyes.audiences),
        )

    def article(self, key: ArticleKey) -> Article | None:
        """The article of a key as a page would show it."""
        entry = self.workshop.shown(self.known, key)
        return entry.article if entry else None


def bar(workshop: Workshop, request: Request, known: Catalogue) -> Bar:
    """The bar for a request of a page; forms of it lead back there."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Bar(workshop, known, Eyes.of_cookie(request.cookies.get(COOKIE)), back, request.state.revision)
