"""Turns a template and its values into a page. The environment is made once; everything but article HTML is escaped."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from bot.errors import StoreUnavailable
from bot.publishing.publication import Publication
from kb.links import article_path
from kb.marks import Marks
from web import handoff, sendings
from web.auth import viewer
from web.metrics import PAGE_SECONDS
from web.notice import Notice, NoticeBoard
from web.pages.catalogue import Catalogue, catalogue
from web.pages.report_notice import new_spikes
from web.pages.theme import stylesheet
from web.pages.visit import Visit, base_address, offered, visit
from web.script_words import preview_words, search_words
from web.words import Words, language_name

_log = logging.getLogger(__name__)

_WEB = Path(__file__).parent.parent
STATIC = _WEB / "static"
#: Where people look for help; they are told first what everybody is asking about.
_WITH_NOTICE = frozenset({"home.html", "search.html", "topic.html", "article.html", "ticket.html", "error.html"})
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def direction(lang: str) -> str:
    return "rtl" if lang in _RIGHT_TO_LEFT else "ltr"


def count_of(number: int, one: str, many: str = "") -> str:
    """`3, "article"` -> "3 articles", on the pages that speak English alone."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@pass_context
def moment(context: Context, at: datetime) -> Markup:
    """A time as people read it, by the clock of the desk, and as programs do."""
    said: Words = context["said"]
    shown = said.moment(at, context.get("zone"))
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="minutes"), shown)


@pass_context
def number(context: Context, number: float) -> str:
    """A number as people of the reader's language write it."""
    said: Words = context["said"]
    return said.number(number)


def marked(text: str, marks: Marks) -> Markup:
    """The text with the words that were asked for as marks."""
    parts, at = [], 0
    for start, end in marks:
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def code_spans(text: str) -> Markup:
    """The text with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The address of a static file, which changes when the file does."""
    path = STATIC / name
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "0"
    return f"/static/{name}?v={version}"


@lru_cache(maxsize=4)
def theme_address(accent: str) -> str:
    return f"/theme.css?v={hashlib.sha256(stylesheet(accent).encode()).hexdigest()[:10]}"


@lru_cache(maxsize=4)
def logo_address(path: str) -> str:
    """The address of the logo, which changes when the file does."""
    file = Path(path)
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"
    return f"/logo?v={version}"


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_WEB / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.newstyle_gettext = True  # type: ignore[attr-defined]  # set by the extension; `%(name)s` is filled in, escaped
    made.globals.update(asset=asset, direction=direction, article_path=article_path, preview_words=preview_words)
    made.filters.update(
        article_html=Markup,  # only for what kb.markdown sanitised when the snapshot was built
        code_spans=code_spans,
        count_of=count_of,
        language=language_name,
        marked=marked,
        moment=moment,
        number=number,
    )
    return made


def speaking(said: Words) -> dict[str, Any]:
    """What templates say their words with. The words are the translators' HTML; what is filled in is escaped."""

    def gettext(message: str, /, **values: Any) -> Markup:
        return Markup(said.catalog.gettext(message)) % values  # noqa: S704 - no person's words are in a catalog

    def ngettext(one: str, many: str, count: int, /, **values: Any) -> Markup:
        form = said.catalog.ngettext(one, many, count)
        return Markup(form) % {**values, "num": said.number(count)}  # noqa: S704

    return {"said": said, "filesize": said.filesize, "gettext": gettext, "_": gettext, "ngettext": ngettext}


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    reader: Visit | None = None,
    headers: Mapping[str, str] | None = None,
    private: bool = False,
) -> HTMLResponse:
    """A page of the site. A `private` one, and any that somebody signed in sees, is kept by no cache."""
    known: Catalogue = catalogue(request)
    person = viewer(request)
    reader = reader or visit(request, known)
    settings = request.app.state.settings
    context = {
        "site_name": site_name(request, reader),
        "theme": theme_address(settings.accent_color),
        "languages": known.languages,
        **speaking(reader.said),
        "lang": reader.lang,
        "carry": reader.carry,
        "link": reader.link,
        "search_words": search_words(reader.said),
        "topics_by_slug": known.topics,
        "to_article": reader.to_article,
        "switch": _switch(request, known) if request.method in ("GET", "HEAD") else [],
        "noindex": private or status != 200,
        "base": base_address(request),
        "canonical": "",
        "alternates": (),
        "description": "",
        "given_up": sendings.given_up(request) if person.may("admin") else 0,
        "zone": settings.hours.zone,
        "by_mail": handoff.answers_by_mail(settings),
        "logo": logo_address(settings.logo) if settings.logo else "",
        "announcement": _notice(request, template, reader),
        "question": "",
        "new_spikes": lru_cache(maxsize=1)(lambda: new_spikes(request, reader.said)),
        "open_flags": lru_cache(maxsize=1)(lambda: _open_flags(request)),
        "not_published": lru_cache(maxsize=1)(lambda: _not_published(request)),
        "caller": person,
        "preview": request.app.state.preview_bar(request, known) if request.app.state.preview_bar else None,
        **values,
    }
    began = perf_counter()
    text = environment().get_template(template).render(context)
    request.app.state.metrics.observe(PAGE_SECONDS, perf_counter() - began)
    response = HTMLResponse(text, status, dict(headers or {}))
    response.headers["Cache-Control"] = "private, no-store" if person.id else "no-store" if private else "no-cache"
    response.headers.append("Vary", "Accept-Language, Cookie")
    return response


def _open_flags(request: Request) -> int:
    """How many flags wait for authors; a page is worth more than that number."""
    try:
        return int(request.app.state.flags.count())
    except StoreUnavailable as error:
        _log.error("%s", error)
        return 0


def _not_published(request: Request) -> Publication | None:
    """The last publication, where something has to be mended first."""
    try:
        last: Publication | None = request.app.state.publishing.publisher.store.last()
    except StoreUnavailable as error:
        _log.error("%s", error)
        return None
    return last if last and last.in_vain else None


def site_name(request: Request, reader: Visit) -> str:
    """The name of the settings, else what a help centre is called in the reader's language."""
    return request.app.state.settings.site_name or reader.said.gettext("Help centre")


def _notice(request: Request, template: str, reader: Visit) -> Notice | None:
    if template not in _WITH_NOTICE:
        return None
    board: NoticeBoard = request.app.state.notices
    return board.current(reader.lang, request.app.state.desk.now())


def _switch(request: Request, known: Catalogue) -> list[tuple[str, str]]:
    """(language, this page's address in it), by name."""
    return [
        # Only a query: the path of this request is whatever somebody typed.
        (lang, "?" + request.url.include_query_params(lang=lang).query)
        for lang in sorted(offered(known), key=language_name)
    ]
