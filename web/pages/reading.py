"""Pages to read: home, topics, articles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.compose import snippet
from bot.feedback import ReasonName
from kb.analysis import fold
from kb.links import article_path
from kb.markdown import outline
from kb.models import PUBLIC, Article, ArticleKey
from kb.stored import Entry
from web.pages.catalogue import NO_TOPIC, Catalogue, catalogue, topic_name
from web.pages.failures import PageRoute
from web.pages.forms import page_number
from web.pages.sitemap import article_alternates, page_alternates
from web.pages.structured import structured
from web.pages.templates import page, site_name
from web.pages.visit import Visit, base_address, by_a_person, visit
from web.script_words import article_words
from web.words import N_

router = APIRouter(route_class=PageRoute)

#: Of each topic the home page names this many articles, of this many topics; the rest is one click away.
_ARTICLES_AT_HOME = 5
_TOPICS_AT_HOME = 24
_ARTICLES_A_PAGE = 100
#: A table of contents below this says nothing that the eye does not see; above, subheadings are left out.
_SHORTEST_CONTENTS, _LONGEST_CONTENTS = 3, 16
#: The home page names this many of the articles read most.
_MOST_READ = 5
REASON_NAMES: dict[ReasonName, str] = {
    "outdated": N_("It is out of date"),
    "wrong": N_("A step is missing or wrong"),
    "unclear": N_("It is hard to follow"),
    "other": N_("It is about something else"),
}
_STATES = ("yes", "no", "thanks")


@dataclass(frozen=True, slots=True)
class Helpful:
    """How far a reader came in saying whether an article helped, and what was typed if it could not be kept.

    `state` is "" before anything was said, "no" while we ask why. `error` belongs to the comment; `down` says that the
    database does not answer.
    """

    state: str = ""
    reason: str = ""
    comment: str = ""
    error: str = ""
    down: bool = False

    def refused(self, error: str) -> Helpful:
        return replace(self, error=error)

    def not_kept(self) -> Helpful:
        return replace(self, down=True)


@router.get("/")
def home(request: Request) -> Response:
    known = catalogue(request)
    reader = visit(request, known)
    topics = known.topics_for(reader.said)
    shown = [
        (topic, known.articles(topic, reader.lang)[:_ARTICLES_AT_HOME], len(topic.articles))
        for topic in topics[:_TOPICS_AT_HOME]
    ]
    most_read = (known.in_language(article_id, reader.lang) for article_id in request.app.state.readership.most_read)
    values = {
        "topics": shown,
        "more_topics": topics[_TOPICS_AT_HOME:],
        "most_read": [article for article in most_read if article][:_MOST_READ],
        "updated": [(article, _day(reader, article)) for article in known.updated(reader.lang)],
        "description": reader.said.gettext(
            "%(site)s: answers to common questions, and a way to reach a person.",
            site=site_name(request, reader),
        ),
        **_addresses(request, known, reader, "/"),
    }
    return page(request, "home.html", values, reader=reader)


@router.get("/topics/{slug:path}")
def topic(request: Request, slug: str) -> Response:
    known = catalogue(request)
    found = known.topics.get(slug)
    if found is None:
        raise HTTPException(404)
    reader = visit(request, known)
    articles = sorted(
        known.articles(found, reader.lang), key=lambda each: (each.lang != reader.lang, fold(each.title), each.id)
    )
    pages = max(1, -(-len(articles) // _ARTICLES_A_PAGE))
    number = min(page_number(request.query_params.get("page", "")), pages)
    first = (number - 1) * _ARTICLES_A_PAGE
    values = {
        "topic": found,
        "articles": articles[first : first + _ARTICLES_A_PAGE],
        "count": len(articles),
        "number": number,
        "pages": pages,
        **_addresses(request, known, reader, f"/topics/{quote(found.slug)}", number),
    }
    return page(request, "topic.html", values, reader=reader)


def _day(reader: Visit, article: Article) -> str:
    """When an article was changed, as the reader's people write a date; "" where that is not known."""
    return reader.said.date(date.fromisoformat(article.changed)) if article.changed else ""


def _addresses(request: Request, known: Catalogue, reader: Visit, path: str, number: int = 1) -> dict[str, object]:
    """The one address of a page that is there in every language, and its other ones."""
    asked = request.query_params.get("lang", "")
    given = {"lang": asked if asked == reader.lang and asked in known.languages and len(known.languages) > 1 else ""}
    given["page"] = str(number) if number > 1 else ""
    query = urlencode({name: value for name, value in given.items() if value})
    return {
        "canonical": f"{path}?{query}" if query else path,
        "alternates": page_alternates(known, path) if number == 1 else (),
    }


@router.get("/{lang}/articles/{article_id:path}")
def article(request: Request, lang: str, article_id: str) -> Response:
    known = catalogue(request)
    entry = known.entry(article_id, lang)
    if entry is None:
        return _elsewhere(known, article_id, lang)
    if by_a_person(request) and entry.article.audience == PUBLIC:
        request.app.state.readership.count(article_id)
    state = request.query_params.get("helpful", "")
    return article_page(request, entry, Helpful(state if state in _STATES else ""))


def article_page(request: Request, entry: Entry, helpful: Helpful, *, status: int = 200) -> Response:
    """The page of an article, in the language the reader wants as far as there is one."""
    known, lang = catalogue(request), entry.article.lang
    # Who asked for a language this article is not written in yet keeps that language everywhere else.
    reader = visit(request, known)
    missing = (
        reader.lang if request.query_params.get("lang") and reader.lang not in known.by_id[entry.article.id] else ""
    )
    if not missing:
        reader = visit(request, known, reading=lang)
    values = _article_values(known, entry, missing, reader, base_address(request))
    headers = {"Retry-After": "5"} if status == 503 else None
    values |= {"helpful": helpful, "reasons": REASON_NAMES}
    return page(request, "article.html", values, reader=reader, status=status, headers=headers)


def _elsewhere(known: Catalogue, article_id: str, lang: str) -> Response:
    """An old slug leads to the article, a missing translation to the language the article is written in."""
    if moved := known.moved_to(article_id, lang):
        return RedirectResponse(article_path(moved), 301)
    written = known.by_id.get(article_id, {})
    there = next((code for code in known.order(lang) if code in written), None)
    if there is None:
        raise HTTPException(404)
    wanted = f"?lang={lang}" if lang in known.languages else ""
    return RedirectResponse(article_path(ArticleKey(article_id, there)) + wanted, 302)


def _article_values(known: Catalogue, entry: Entry, missing: str, reader: Visit, base: str) -> dict[str, object]:
    article = entry.article
    contents = outline(entry.sections, deepest=3)
    if len(contents) > _LONGEST_CONTENTS:
        contents = outline(entry.sections, deepest=2)
    others = known.translations(article)
    path, description = article_path(article.key), snippet(article.summary or _opening(entry))
    return {
        "article": article,
        "sections": entry.sections,
        "contents": contents if len(contents) >= _SHORTEST_CONTENTS else [],
        "topic": known.topics[article.topic or NO_TOPIC],
        "related": known.related(article),
        "description": description,
        "changed": _day(reader, article),
        "team": topic_name(article.team),
        "canonical": path,
        "alternates": article_alternates(known, article.id),
        "structured": structured(article, entry.sections, base + path, description),
        "script_words": article_words(reader.said),
        "missing_lang": missing,
        "switch": [(other.lang, article_path(other.key)) for other in (article, *others)] if others else [],
    }


def _opening(entry: Entry) -> str:
    return entry.sections[0].text if entry.sections else ""
