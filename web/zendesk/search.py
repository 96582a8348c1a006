"""Searching articles, and the suggestions of a request form: our own ranking in Zendesk's shapes, nothing kept."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import Request

from bot import compose
from bot.models import Question, Suggestion
from bot.people import Caller
from bot.service import HelpDesk
from kb.marks import Marks, Wanted
from kb.models import ArticleKey
from web import limits
from web.pages.catalogue import NO_TOPIC
from web.pages.visit import base_address
from web.problems import ApiError
from web.zendesk.articles import in_locale, listing, shaped, votes_of
from web.zendesk.paging import Pages
from web.zendesk.routes import Known, Locale, route
from web.zendesk.routes import router as routes
from web.zendesk.shelf import CATEGORY, Shelf, Shelved, labels, shelf

router = routes()
#: How many articles a search ranks; nobody turns so many pages.
_DEPTH = 200
_SUGGESTED = 5


@route(router, "GET", "/articles/search", localised=True)
def search(request: Request, known: Known, locale: Locale, pages: Pages) -> dict[str, Any]:
    """The best first, across languages; with a locale only articles that exist in it."""
    limits.check(request, "questions")
    seen, asked = shelf(request, known), request.query_params.get("query", "").strip()
    sections = _numbers(request, "section")
    if categories := _numbers(request, "category"):
        sections = sections or set(seen.sections) if CATEGORY in categories else {0}
    wanted = {label.strip() for label in request.query_params.get("label_names", "").split(",") if label.strip()}
    if not (asked or sections or wanted):
        raise ApiError(400, "query_missing", "Give at least one of query, section, category and label_names.")
    chosen = [
        each
        for each in seen.articles.values()
        if (not sections or seen.section_of(each.source.article) in sections)
        and wanted <= set(labels(each.source.article))
        and in_locale(each, locale)
    ]
    if not asked:
        found = listing(request, seen, chosen, locale, pages)
        rows = [{**article, "snippet": "", "result_type": "article"} for article in found.pop("articles")]
        return {"results": rows, **found}
    page = pages.of(list(_ranked(request, known, seen, asked, locale, sections, chosen)), lambda hit: hit[0].id)
    votes = votes_of(request, [each for each, _ in page.items])
    results = []
    for each, hit in page.items:
        entry = each.entries[hit.key.lang]
        article = shaped(request, seen, each, entry, votes)
        results.append({**article, "snippet": emphasised(hit.snippet, hit.snippet_marks), "result_type": "article"})
    return {"results": results, **page.around}


@route(router, "GET", "/deflection/suggestions", localised=True)
def suggest(request: Request, known: Known, locale: Locale) -> dict[str, Any]:
    """What a request form shows while its subject is typed; nothing where nothing is likely."""
    limits.check(request, "typing")
    asked = request.query_params.get("query", "").strip()
    desk: HelpDesk = request.app.state.desk
    question = Question(asked, lang=locale, audiences=known.audiences)
    found = desk.suggest(question, _SUGGESTED).suggestions if asked else ()
    base, seen = base_address(request), shelf(request, known)
    return {"results": [_suggestion(base, seen, hit) for hit in found]}


def _suggestion(base: str, seen: Shelf, hit: Suggestion) -> dict[str, Any]:
    return {
        "id": seen.numbers.articles.numbers[hit.key.id],
        "name": hit.title,
        "title": hit.title,
        "html_url": base + hit.path,
        "locale": hit.key.lang,
        "snippet": emphasised(hit.snippet, hit.snippet_marks),
    }


def _ranked(
    request: Request,
    known: Caller,
    seen: Shelf,
    asked: str,
    locale: str | None,
    sections: set[int],
    chosen: list[Shelved],
) -> Iterator[tuple[Shelved, Suggestion]]:
    """The chosen articles among the ranked ones, each as it is shown in `locale`."""
    desk: HelpDesk = request.app.state.desk
    only = seen.sections.get(next(iter(sections))) if len(sections) == 1 else None
    topic = None if only is None else "" if only.slug == NO_TOPIC else only.slug
    question = Question(asked, lang=locale, audiences=known.audiences, topic=topic)
    by_id = {each.source.article.id: each for each in chosen}
    for hit in desk.search(question, _DEPTH):
        if each := by_id.get(hit.key.id):
            yield each, hit if locale in (None, hit.key.lang) else _translated(each, str(locale), asked)


def _translated(each: Shelved, locale: str, asked: str) -> Suggestion:
    """The translation of an article that was found in another language, with its beginning as the snippet."""
    entry = each.entries[locale]
    text = entry.article.summary or next((section.text for section in entry.sections if section.text), "")
    excerpt = Wanted(asked).excerpt(compose.snippet(text), locale, len(text) + 1)
    key = ArticleKey(entry.article.id, locale)
    return Suggestion(key, entry.article.title, "", "", excerpt.text, 0.0, snippet_marks=excerpt.marks)


def emphasised(text: str, marks: Marks) -> str:
    """The text as HTML, with the words that were asked for in <em>."""
    parts, at = [], 0
    for start, end in marks:
        parts += [escape(text[at:start]), f"<em>{escape(text[start:end])}</em>"]
        at = end
    return "".join([*parts, escape(text[at:])])


def _numbers(request: Request, name: str) -> set[int]:
    given = ",".join(request.query_params.getlist(name))
    return {int(part) for part in given.split(",") if part.strip().isdecimal() and len(part) < 20}
