"""Turns a template and its values into a page. The environment is made once; everything but article HTML is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from kb.links import article_path
from web.pages.catalogue import Catalogue, catalogue
from web.pages.theme import stylesheet
from web.pages.visit import Visit, visit

_WEB = Path(__file__).parent.parent
STATIC = _WEB / "static"
#: Names of languages in themselves, so that those who read them find them; others show their code.
_LANGUAGES = {
    "ar": "العربية", "bg": "Български", "ca": "Català", "cs": "Čeština", "da": "Dansk", "de": "Deutsch",
    "el": "Ελληνικά", "en": "English", "es": "Español", "et": "Eesti", "fa": "فارسی", "fi": "Suomi", "fr": "Français",
    "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski", "hu": "Magyar", "id": "Bahasa Indonesia", "it": "Italiano",
    "ja": "日本語", "ko": "한국어", "lt": "Lietuvių", "lv": "Latviešu", "nb": "Norsk bokmål", "nl": "Nederlands",
    "no": "Norsk", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский", "sk": "Slovenčina",
    "sl": "Slovenščina", "sr": "Српски", "sv": "Svenska", "th": "ไทย", "tr": "Türkçe", "uk": "Українська",
    "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def language_name(lang: str) -> str:
    return _LANGUAGES.get(lang, lang.upper())


def direction(lang: str) -> str:
    return "rtl" if lang in _RIGHT_TO_LEFT else "ltr"


def count_of(number: int, one: str, many: str = "") -> str:
    """`3, "article"` -> "3 articles"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def spoken(number: int) -> str:
    """Small numbers as a person says them: "three"."""
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def moment(at: datetime) -> Markup:
    """A time as people read it and as programs do."""
    shown = f"{at.day} {at:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="minutes"), shown)


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


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=asset, direction=direction, article_path=article_path)
    made.filters.update(
        article_html=Markup,  # only for what kb.markdown sanitised when the snapshot was built
        code_spans=code_spans,
        count_of=count_of,
        language=language_name,
        moment=moment,
        spoken=spoken,
    )
    return made


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
    """A page of the site. A `private` one is kept by no cache, not even the browser's."""
    known: Catalogue = catalogue(request)
    reader = reader or visit(request, known)
    settings = request.app.state.settings
    context = {
        "site_name": settings.site_name,
        "theme": theme_address(settings.accent_color),
        "languages": known.languages,
        "lang": reader.lang,
        "carry": reader.carry,
        "link": reader.link,
        "to_article": reader.to_article,
        "switch": _switch(request, known) if request.method in ("GET", "HEAD") else [],
        "noindex": private or status != 200,
        "question": "",
        **values,
    }
    text = environment().get_template(template).render(context)
    response = HTMLResponse(text, status, dict(headers or {}))
    response.headers["Cache-Control"] = "no-store" if private else "no-cache"
    response.headers.append("Vary", "Accept-Language")
    return response


def _switch(request: Request, known: Catalogue) -> list[tuple[str, str]]:
    """(language, this page's address in it); empty where there is nothing to choose."""
    if len(known.languages) < 2:
        return []
    return [
        # Only a query: the path of this request is whatever somebody typed.
        (lang, "?" + request.url.include_query_params(lang=lang).query)
        for lang in sorted(known.languages, key=language_name)
    ]
