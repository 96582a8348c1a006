"""Sections (our topics), the one category above them, and the locales."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from web.pages.catalogue import Topic
from web.pages.visit import base_address
from web.words import SOURCE, words
from web.zendesk.articles import listing
from web.zendesk.paging import Pages
from web.zendesk.routes import Known, Locale, missing, route
from web.zendesk.routes import router as routes
from web.zendesk.shelf import CATEGORY, Shelf, shelf

router = routes()


@route(router, "GET", "/sections", localised=True)
def list_sections(request: Request, known: Known, locale: Locale, pages: Pages) -> dict[str, Any]:
    seen = shelf(request, known)
    page = pages.of(list(seen.sections), lambda section_id: section_id)
    return {"sections": [_section(request, seen, section_id, locale) for section_id in page.items], **page.around}


@route(router, "GET", "/categories/{category_id:int}/sections", localised=True)
def list_of_category(request: Request, known: Known, locale: Locale, pages: Pages, category_id: int) -> dict[str, Any]:
    _check_category(category_id)
    return list_sections(request, known, locale, pages)


@route(router, "GET", "/categories/{category_id:int}/articles", localised=True)
def list_articles_of_category(
    request: Request, known: Known, locale: Locale, pages: Pages, category_id: int
) -> dict[str, Any]:
    _check_category(category_id)
    seen = shelf(request, known)
    return listing(request, seen, seen.articles.values(), locale, pages)


@route(router, "GET", "/sections/{section_id:int}", localised=True)
def read_section(request: Request, known: Known, locale: Locale, section_id: int) -> dict[str, Any]:
    seen = shelf(request, known)
    if section_id not in seen.sections:
        raise missing("section")
    return {"section": _section(request, seen, section_id, locale)}


@route(router, "GET", "/categories", localised=True)
def list_categories(request: Request, known: Known, locale: Locale, pages: Pages) -> dict[str, Any]:
    page = pages.of([CATEGORY], lambda category_id: category_id)
    seen = shelf(request, known)
    return {"categories": [_category(request, seen, locale) for _ in page.items], **page.around}


@route(router, "GET", "/categories/{category_id:int}", localised=True)
def read_category(request: Request, known: Known, locale: Locale, category_id: int) -> dict[str, Any]:
    _check_category(category_id)
    return {"category": _category(request, shelf(request, known), locale)}


@route(router, "GET", "/help_center/locales")
def list_locales(request: Request, known: Known) -> dict[str, Any]:
    seen = shelf(request, known)
    return {"locales": list(seen.languages), "default_locale": seen.default_lang}


def _check_category(category_id: int) -> None:
    if category_id != CATEGORY:
        raise missing("category")


def _section(request: Request, seen: Shelf, section_id: int, locale: str | None) -> dict[str, Any]:
    topic, lang = seen.sections[section_id], locale or seen.default_lang
    return {
        **_common(request, seen, "sections", section_id, _called(topic, lang), lang),
        "html_url": f"{base_address(request)}/topics/{topic.slug}?lang={lang}",
        "category_id": CATEGORY,
        "parent_section_id": None,
    }


def _category(request: Request, seen: Shelf, locale: str | None) -> dict[str, Any]:
    lang = locale or seen.default_lang
    name = request.app.state.settings.site_name or words(lang).gettext("Help centre")
    return {
        **_common(request, seen, "categories", CATEGORY, name, lang),
        "html_url": f"{base_address(request)}/?lang={lang}",
    }


def _called(topic: Topic, lang: str) -> str:
    return topic.names.get(lang) or topic.names.get(SOURCE) or words(lang).gettext(topic.name.replace("%", "%%"))


def _common(request: Request, seen: Shelf, kind: str, number: int, name: str, lang: str) -> dict[str, Any]:
    created = f"{seen.snapshot.manifest['created'][:19]}Z"
    return {
        "id": number,
        "url": f"{base_address(request)}/api/v2/help_center/{lang}/{kind}/{number}.json",
        "position": 0,
        "created_at": created,
        "updated_at": created,
        "name": name,
        "description": "",
        "locale": lang,
        "source_locale": seen.default_lang,
        "outdated": False,
    }
