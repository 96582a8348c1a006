"""One request of a reader: the language to show, and the anonymous session that ties its questions together."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from kb import languages
from web.auth import viewer
from web.pages.catalogue import Catalogue
from web.words import INTERFACE, Words, accepted, words

#: Programs that say what they are, and those that call themselves nothing at all.
_ROBOT = re.compile(
    r"bot\b|bot[/_-]|crawl|spider|slurp|archiver|preview|monitor|uptime|facebookexternalhit|headless|lighthouse|"
    r"curl|wget|python|java/|go-http|okhttp|libwww|node-fetch|axios|scrapy|^$",
    re.IGNORECASE,
)
SESSION_COOKIE = "firstline_session"
_SESSION = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Visit:
    """`lang` is what to show; `carry` is it again where links have to say so, else ""."""

    lang: str
    carry: str

    @property
    def said(self) -> Words:
        """The interface in this language."""
        return words(self.lang)

    def link(self, path: str, **query: str | int | Sequence[str] | None) -> str:
        """An address on this site that keeps the chosen language; empty parameters are left out."""
        given = {key: value for key, value in query.items() if value not in (None, "", (), [])}
        if self.carry:
            given.setdefault("lang", self.carry)
        return f"{path}?{urlencode(given, doseq=True)}" if given else path

    def to_article(self, path: str, written: str) -> str:
        """The address of an article; one `written` in another language is told which the reader would rather have."""
        address, mark, anchor = path.partition("#")
        return path if written == self.lang else f"{address}?lang={self.lang}{mark}{anchor}"


def visit(request: Request, known: Catalogue, reading: str = "") -> Visit:
    """The language of `?lang=`, of the article that is `reading`, of the browser, or of the settings, in this order."""
    usual = _usual_language(request, known)
    asked = languages.normalise(request.query_params.get("lang", ""))
    chosen = reading or (asked if asked in offered(known) else None) or usual
    return Visit(chosen, chosen if chosen != usual else "")


def offered(known: Catalogue) -> tuple[str, ...]:
    """The languages a reader may choose: those of the articles, and those the interface speaks."""
    return tuple(dict.fromkeys((*known.languages, *INTERFACE)))


def _usual_language(request: Request, known: Catalogue) -> str:
    """What this browser gets without asking: what the person chose who is signed in, else what the browser prefers."""
    if (own := viewer(request).lang) in offered(known):
        return own
    for lang in accepted(request.headers.get("accept-language", "")):
        if lang in offered(known):
            return lang
    if known.default_lang in known.languages or not known.languages:
        return known.default_lang
    return known.languages[0]


def base_address(request: Request) -> str:
    """Scheme and host of this site without a `/` at the end: from the settings, else as the browser asked for it."""
    given: str = request.app.state.settings.base_url
    return given or f"{request.url.scheme}://{request.url.netloc}"


def fetched_ahead(request: Request) -> bool:
    """Whether the browser fetches a page that nobody asked for yet."""
    named = ("sec-purpose", "purpose", "x-moz")
    return any("prefetch" in request.headers.get(name, "").lower() for name in named)


def by_a_person(request: Request) -> bool:
    """Whether somebody reads the page: no program that says so, no look ahead, no check of a link."""
    robot = _ROBOT.search(request.headers.get("user-agent", "")[:500])
    return request.method != "HEAD" and not robot and not fetched_ahead(request)


def session_of(request: Request) -> str:
    """The session this browser already has, or a new one that nobody can guess."""
    given = request.cookies.get(SESSION_COOKIE, "")
    return given if _SESSION.fullmatch(given) else secrets.token_urlsafe(18)


def keep_session(request: Request, response: Response, session: str) -> Response:
    """Has the browser keep the session until it is closed."""
    if request.cookies.get(SESSION_COOKIE) != session:
        response.set_cookie(
            SESSION_COOKIE, session, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
        )
    return response
