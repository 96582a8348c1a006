"""Pages to read: home, topics, articles."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.compose import snippet
from kb.analysis import fold
from kb.links import article_path
from kb.markdown import outline
from kb.models import ArticleKey
from kb.snapshot import Entry
from web.pages.catalogue import NO_TOPIC, Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.templates import page
from web.pages.visit import visit

router = APIRouter(route_class=PageRoute)

#: Of each topic the home page names this many articles, of this many topics; the rest is one click away.
_ARTICLES_AT_HOME = 5
_TOPICS_AT_HOME = 24
_ARTICLES_A_PAGE = 100
#: A table of contents below this says nothing that the eye does not see; above, subheadings are left out.
_SHORTEST_CONTENTS, _LONGEST_CONTENTS = 3, 16


@router.get("/")
def home(request: Request) -> Response:
    known = catalogue(request)
    reader = visit(request, known)
    topics = list(known.topics.values())
    shown = [
        (topic, known.articles(topic, reader.lang)[:_ARTICLES_AT_HOME], len(topic.articles))
        for topic in topics[:_TOPICS_AT_HOME]
    ]
    values = {"topics": shown, "more_topics": topics[_TOPICS_AT_HOME:], "count": len(known.by_id)}
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
    asked = request.query_params.get("page", "1")
    number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1
    first = (number - 1) * _ARTICLES_A_PAGE
    values = {
        "topic": found,
        "articles": articles[first : first + _ARTICLES_A_PAGE],
        "count": len(articles),
        "number": number,
        "pages": pages,
    }
    return page(request, "topic.html", values, reader=reader)


@router.get("/{lang}/articles/{article_id:path}")
def article(request: Request, lang: str, article_id: str) -> Response:
    known = catalogue(request)
    entry = known.entry(article_id, lang)
    if entry is None:
        return _elsewhere(known, article_id, lang)
    # Who asked for a language this article is not written in yet keeps that language everywhere else.
    reader = visit(request, known)
    missing = reader.lang if request.query_params.get("lang") and reader.lang not in known.by_id[article_id] else ""
    if not missing:
        reader = visit(request, known, reading=lang)
    return page(request, "article.html", _article_values(known, entry, missing), reader=reader)


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


def _article_values(known: Catalogue, entry: Entry, missing: str) -> dict[str, object]:
    article = entry.article
    contents = outline(entry.sections, deepest=3)
    if len(contents) > _LONGEST_CONTENTS:
        contents = outline(entry.sections, deepest=2)
    others = known.translations(article)
    return {
        "article": article,
        "sections": entry.sections,
        "contents": contents if len(contents) >= _SHORTEST_CONTENTS else [],
        "topic": known.topics[article.topic or NO_TOPIC],
        "related": known.related(article),
        "description": snippet(article.summary or (entry.sections[0].text if entry.sections else "")),
        "missing_lang": missing,
        "switch": [(other.lang, article_path(other.key)) for other in (article, *others)] if others else [],
    }
