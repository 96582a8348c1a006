"""Pages for what went wrong: each says what happened, and what to do next."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.compose import snippet
from bot.errors import BotError, Message, QuestionInvalid, StoreUnavailable
from bot.models import Question, Suggestion
from kb import languages
from kb.links import article_path
from kb.models import Article
from web.access_log import template
from web.auth import Forbidden
from web.pages.catalogue import Catalogue, catalogue
from web.pages.templates import page
from web.pages.visit import Visit, visit
from web.problems import CODES, ApiError
from web.words import N_, Words

_log = logging.getLogger(__name__)

#: Title and next step of each status; others get the words of 500.
_WORDS = {
    400: (N_("We could not read that"), N_("Go back, reload the page and try again.")),
    403: (N_("We did not take that form"), N_("Open the form on this site and send it from there.")),
    401: (N_("You are not signed in"), N_("Sign in and try again.")),
    404: (N_("There is no page here"), N_("The address may be mistyped, or the page may have moved.")),
    405: (N_("This page cannot be used that way"), N_("Start again from the home page.")),
    409: (N_("That was sent before"), N_("Go back, reload the page and try again.")),
    413: (N_("That is too long to send"), N_("Go back and shorten it.")),
    415: (N_("We could not read that form"), N_("Open the form on this site and send it from there.")),
    422: (N_("Something in that needs a change"), N_("Go back, change it and send it again.")),
    429: (N_("That was a lot in a short time"), N_("Nothing is lost. Wait a minute, go back and send it again.")),
    500: (N_("Something went wrong on our side"), N_("It has been logged. Try again in a moment.")),
    503: (N_("The help centre cannot do this right now"), N_("Try again in a minute. Articles can be read meanwhile.")),
}
_FORBIDDEN = (
    N_("You may not open this page"),
    N_("Ask an administrator of this help centre, or sign out and sign in as somebody else."),
)
_SUGGESTED = 4
#: Parts of addresses that are the same for every article.
_OWN_WORDS = frozenset({"", "articles", "topics"})
#: Addresses that programs ask for, and those of tickets: their words say nothing about an article.
_FILES = re.compile(r"^/(?:static|pictures|ticket)/|\.(?:js|css|map|png|jpe?g|gif|webp|svg|ico|xml|php|json)$")


class PageRoute(APIRoute):
    """A route whose errors become pages, and which answers HEAD as it answers GET."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        super().__init__(path, endpoint, **given)
        if self.methods and "GET" in self.methods:
            self.methods.add("HEAD")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_with_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except (HTTPException, ApiError):
                raise  # the application shows these with `error_page`, and tells a program what is wrong with its token
            except BotError as error:
                return _of_bot_error(request, error)
            except ClientDisconnect:
                return Response(status_code=400)  # half a form, and nobody there to read what is wrong with it
            except Exception as error:
                _log.exception("unexpected error in %s %s", request.method, template(request.scope), exc_info=error)
                return error_page(request, HTTPException(500))

        return handle_with_pages


def error_page(request: Request, error: HTTPException, message: Message | None = None) -> Response:
    """The page for an error; an old address of an article leads to where the article is now.

    `message` is the error's detail in words that can be translated.
    """
    try:
        if error.status_code == 404 and (moved := _moved(request)):
            return moved
        return _page(request, error, message)
    except Exception:  # whatever broke the page must not break the page that says so
        _log.exception("no error page for %s %s", request.method, template(request.scope))
        return PlainTextResponse(str(error.detail), error.status_code, dict(error.headers or {}))


def _of_bot_error(request: Request, error: BotError) -> Response:
    status, _code = CODES[type(error)]
    if isinstance(error, StoreUnavailable):
        _log.error("%s", error)
        return error_page(request, HTTPException(503, headers={"Retry-After": "5"}))
    return error_page(request, HTTPException(status, str(error)), error.message)


def _page(request: Request, error: HTTPException, message: Message | None) -> Response:
    status = error.status_code
    title, step = _FORBIDDEN if isinstance(error, Forbidden) else _WORDS.get(status, _WORDS[500])
    known = catalogue(request)
    words = address_words(request.url.path) if status == 404 else ""
    reader = visit(request, known, reading=_address_language(request, known) if words else "")
    values = {
        "title": reader.said.gettext(title),
        "step": reader.said.gettext(step),
        "status": status,
        "detail": _detail(error, message, reader.said),
        "words": words,
        "suggestions": _suggestions(request, known, words, reader) if words else (),
    }
    return page(request, "error.html", values, status=status, reader=reader, headers=error.headers)


def _detail(error: HTTPException, message: Message | None, said: Words) -> str:
    if message:
        return said.say(message)
    if error.status_code not in (400, 403, 415) or error.detail == HTTPStatus(error.status_code).phrase:
        return ""
    return said.catalog.gettext(error.detail)  # marked in forms.py and multipart.py


def _moved(request: Request) -> Response | None:
    key = catalogue(request).moved_to(request.url.path)
    return RedirectResponse(article_path(key), 301) if key else None


def address_words(path: str) -> str:
    """What a wrong address was about: `/en/articles/reset-pasword.html` -> "reset pasword"."""
    if _FILES.search(path):
        return ""
    return " ".join(re.findall(r"[^\W_]+", _slug(path)))


def _address_language(request: Request, known: Catalogue) -> str:
    """The language an address begins with, unless the reader asks for another: `/pl/articles/…` is Polish."""
    lang = request.url.path.split("/")[1]
    return lang if lang in known.languages and "lang" not in request.query_params else ""


def _suggestions(request: Request, known: Catalogue, words: str, reader: Visit) -> list[Suggestion]:
    """First the articles whose address is nearly this one, then those that its words are likely to mean."""
    slug = _slug(request.url.path).lower()
    near = known.alike(slug, reader.lang) or known.alike(slug.rpartition("/")[2], reader.lang)
    found = [_suggestion(known, article) for article in near]
    try:
        searched = request.app.state.desk.suggest(
            Question(words, lang=reader.lang, audiences=known.audiences), _SUGGESTED
        ).suggestions
    except QuestionInvalid:
        searched = ()
    ids = {suggestion.key.id for suggestion in found}
    return [*found, *(each for each in searched if each.key.id not in ids)][:_SUGGESTED]


def _suggestion(known: Catalogue, article: Article) -> Suggestion:
    entry = known.searcher.snapshot.entry(article.key)
    opening = article.summary or (entry.sections[0].text if entry and entry.sections else "")
    return Suggestion(
        article.key, article.title, article_path(article.key), "", snippet(opening), 0.0, audience=article.audience
    )


def _slug(path: str) -> str:
    """`/en/articles/accounts/reset-pasword.html` -> "accounts/reset-pasword"."""
    parts = [part for part in unquote(path).split("/") if part not in _OWN_WORDS and not languages.normalise(part)]
    return re.sub(r"\.html?$", "", "/".join(parts))[:200]
