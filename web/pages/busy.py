"""The page for somebody who came while too many others were being answered."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kb import languages
from web.pages.templates import environment, speaking, theme_address
from web.problems import asked_language
from web.settings import Settings
from web.words import INTERFACE, N_, words

BUSY = N_("A lot of people need us right now")
_READING = frozenset({"GET", "HEAD"})
#: Where the question goes: the page is made once and costs nothing while the server has no time for pages.
_PLACE = "\ufdd0"


def busy_page(request: Request, headers: dict[str, str]) -> HTMLResponse:
    """In plain words and with status 503; what was asked is still in the box."""
    settings: Settings = request.app.state.settings
    given = QueryParams(request.scope["query_string"])
    asked = languages.normalise(given.get("lang", ""))
    lang = asked if asked in INTERFACE else asked_language(request)
    made = _page(lang, settings.site_name, settings.accent_color, request.method not in _READING)
    question = given.get("q", "")[:2_000] if request.url.path == "/search" else ""
    return HTMLResponse(made.replace(_PLACE, escape(question)), 503, headers)


@lru_cache(maxsize=2 * len(INTERFACE))
def _page(lang: str, name: str, accent: str, sent: bool) -> str:
    said = words(lang)
    template = environment().get_template("busy.html")
    return template.render(
        **speaking(said),
        title=said.gettext(BUSY),
        site_name=name or said.gettext("Help centre"),
        theme=theme_address(accent),
        sent=sent,
        place=_PLACE,
    )
