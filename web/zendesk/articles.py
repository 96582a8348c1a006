"""Articles and their translations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Request

from bot.feedback import FeedbackStore
from kb.links import article_path
from kb.models import PUBLIC
from kb.stored import Entry
from web.pages.visit import base_address
from web.zendesk.ids import number
from web.zendesk.paging import Pages, Paging
from web.zendesk.routes import Known, Locale, missing, route
from web.zendesk.routes import router as routes
from web.zendesk.shelf import Shelf, Shelved, body, labels, shelf

router = routes()
#: Zendesk's number for "the system": articles are written by whoever writes to the repository.
NOBODY = -1


@route(router, "GET", "/articles", localised=True)
def list_articles(request: Request, known: Known, locale: Locale, pages: Pages) -> dict[str, Any]:
    seen = shelf(request, known)
    return listing(request, seen, seen.articles.values(), locale, pages)


@route(router, "GET", "/sections/{section_id:int}/articles", localised=True)
def list_of_section(request: Request, known: Known, locale: Locale, pages: Pages, section_id: int) -> dict[str, Any]:
    seen = shelf(request, known)
    if section_id not in seen.sections:
        raise missing("section")
    found = (each for each in seen.articles.values() if seen.section_of(each.source.article) == section_id)
    return listing(request, seen, found, locale, pages)


@route(router, "GET", "/articles/{article_id:int}", localised=True)
def read_article(request: Request, known: Known, locale: Locale, article_id: int) -> dict[str, Any]:
    seen = shelf(request, known)
    each = seen.articles.get(article_id)
    entry = in_locale(each, locale) if each else None
    if each is None or entry is None:
        raise missing("article")
    return {"article": shaped(request, seen, each, entry, votes_of(request, [each]))}


@route(router, "GET", "/articles/{article_id:int}/translations", localised=True)
def list_translations(request: Request, known: Known, pages: Pages, article_id: int) -> dict[str, Any]:
    seen = shelf(request, known)
    if (each := seen.articles.get(article_id)) is None:
        raise missing("article")
    page = pages.of(list(each.entries.values()), lambda entry: _translation_id(entry))
    return {"translations": [_translation(request, each, entry) for entry in page.items], **page.around}


@route(router, "GET", "/articles/{article_id:int}/translations/{language}", localised=True)
def read_translation(request: Request, known: Known, article_id: int, language: str) -> dict[str, Any]:
    seen = shelf(request, known)
    each = seen.articles.get(article_id)
    entry = each.entries.get(language.partition("-")[0].lower()) if each else None
    if each is None or entry is None:
        raise missing("translation")
    return {"translation": _translation(request, each, entry)}


@route(router, "GET", "/articles/{article_id:int}/comments", localised=True)
@route(router, "GET", "/articles/{article_id:int}/attachments", localised=True)
@route(router, "GET", "/articles/{article_id:int}/labels", localised=True)
def list_nothing(request: Request, known: Known, pages: Pages, article_id: int) -> dict[str, Any]:
    """Clients ask for these with each article; there are none of them here."""
    if article_id not in shelf(request, known).articles:
        raise missing("article")
    name = {"comments": "comments", "attachments": "article_attachments", "labels": "labels"}
    last = request.url.path.removesuffix(".json").rpartition("/")[2]
    return {name[last]: [], **pages.numbered([], 0).around}


def listing(
    request: Request, seen: Shelf, found: Iterable[Shelved], locale: str | None, pages: Paging
) -> dict[str, Any]:
    """A page of articles; with a locale only those that exist in it."""
    wanted = _labels_asked(request)
    chosen = [each for each in found if in_locale(each, locale) and wanted <= set(labels(each.source.article))]
    page = pages.of(chosen, lambda each: each.id)
    votes = votes_of(request, page.items)
    shown = [shaped(request, seen, each, entry, votes) for each in page.items if (entry := in_locale(each, locale))]
    return {"articles": shown, **page.around}


def in_locale(each: Shelved, locale: str | None) -> Entry | None:
    return each.entries.get(locale) if locale else each.source


def votes_of(request: Request, found: Iterable[Shelved]) -> dict[str, tuple[int, int]]:
    store: FeedbackStore = request.app.state.feedback
    return store.votes([each.source.article.id for each in found])


def shaped(
    request: Request, seen: Shelf, each: Shelved, entry: Entry, votes: dict[str, tuple[int, int]]
) -> dict[str, Any]:
    """An article as Zendesk shows it."""
    article, base = entry.article, base_address(request)
    yes, no = votes.get(article.id, (0, 0))
    changed = when(article.changed, seen)
    return {
        "id": each.id,
        "url": f"{base}/api/v2/help_center/{article.lang}/articles/{each.id}.json",
        "html_url": base + article_path(article.key),
        "author_id": NOBODY,
        "comments_disabled": True,
        "draft": False,
        "promoted": False,
        "position": 0,
        "vote_sum": yes - no,
        "vote_count": yes + no,
        "section_id": seen.section_of(article),
        "created_at": changed,
        "updated_at": changed,
        "edited_at": changed,
        "name": article.title,
        "title": article.title,
        "source_locale": each.source.article.lang,
        "locale": article.lang,
        "outdated": False,
        "outdated_locales": [],
        "user_segment_id": None if article.audience == PUBLIC else number("segment", article.audience),
        "permission_group_id": None,
        "label_names": labels(article),
        "body": body(entry, base),
    }


def when(changed: str, seen: Shelf) -> str:
    """The day of an article's last commit, else the time its snapshot was built, as Zendesk writes times."""
    if changed:
        return f"{changed[:10]}T00:00:00Z"
    return f"{seen.snapshot.manifest['created'][:19]}Z"


def _translation_id(entry: Entry) -> int:
    return number("translation", f"{entry.article.lang}/{entry.article.id}")


def _translation(request: Request, each: Shelved, entry: Entry) -> dict[str, Any]:
    article, base = entry.article, base_address(request)
    seen_at = article.changed and f"{article.changed[:10]}T00:00:00Z"
    return {
        "id": _translation_id(entry),
        "url": f"{base}/api/v2/help_center/articles/{each.id}/translations/{article.lang}.json",
        "html_url": base + article_path(article.key),
        "source_id": each.id,
        "source_type": "Article",
        "locale": article.lang,
        "title": article.title,
        "body": body(entry, base),
        "outdated": False,
        "draft": False,
        "hidden": False,
        "created_at": seen_at or None,
        "updated_at": seen_at or None,
        "created_by_id": NOBODY,
        "updated_by_id": NOBODY,
    }


def _labels_asked(request: Request) -> set[str]:
    return {label.strip() for label in request.query_params.get("label_names", "").split(",") if label.strip()}
