"""Whether an article helped: two buttons below it, why not, and what readers said for its authors to read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot import feedback
from bot.errors import FeedbackInvalid, StoreUnavailable
from bot.feedback import REASONS, Feedback, ReasonName
from kb.links import article_path
from kb.stored import Entry
from web import limits
from web.auth import enter
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted, page_number, tidy
from web.pages.reading import REASON_NAMES, Helpful, article_page
from web.pages.templates import page
from web.pages.visit import keep_session, session_of, visit

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

_LIST = "/authors/feedback"
_ROWS = 50
_MAX_ARTICLE = 200
_ANSWERS = {"yes": True, "no": False}


@router.post("/feedback")
def tell(request: Request, form: Posted) -> Response:
    """Keeps the word and leads back to the article, which thanks, or asks why it did not help."""
    known = catalogue(request)
    entry = known.entry(form.text("article_id"), form.text("lang"))
    helpful = _ANSWERS.get(form.text("helpful"))
    if entry is None:
        raise HTTPException(404)
    if helpful is None:
        raise HTTPException(400)
    article, session = entry.article, session_of(request)
    reason: ReasonName | None = next((name for name in REASONS if name == form.text("reason")), None)
    said = Feedback(
        article_id=article.id,
        session=session,
        at=request.app.state.desk.now(),
        lang=article.lang,
        helpful=helpful,
        reason=reason or "",
        comment=form.text("comment"),
    )
    typed = Helpful("no", reason or "", said.comment) if form.text("details") else Helpful()
    if seconds := limits.wait(request, "feedback", session):
        return _too_often(request, entry, typed, seconds)
    try:
        feedback.keep(request.app.state.feedback, said)
    except FeedbackInvalid as error:
        told = visit(request, known).said.say(error.message) if error.message else str(error)
        return article_page(request, entry, typed.refused(told), status=422)
    except StoreUnavailable as error:
        _log.error("%s", error)
        return article_page(request, entry, typed.not_kept(), status=503)
    state = "yes" if helpful else "thanks" if form.text("details") else "no"
    wanted = {"lang": request.query_params.get("lang", ""), "helpful": state}
    query = urlencode({name: value for name, value in wanted.items() if value})
    response = RedirectResponse(f"{article_path(article.key)}?{query}#fl-helpful", 303)
    return keep_session(request, response, session)


def _too_often(request: Request, entry: Entry, typed: Helpful, seconds: int) -> Response:
    """What was typed, with a word to wait; a bare yes or no is quickly said again."""
    wait = {"Retry-After": str(seconds)}
    if not typed.state:
        raise HTTPException(429, headers=wait)
    said = visit(request, catalogue(request)).said
    told = said.gettext("Many comments came from you or your network in a short time. Send it again in a minute.")
    response = article_page(request, entry, typed.refused(told), status=429)
    response.headers.update(wait)
    return response


# --- for authors ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """What of it to show, and which page."""

    article: str
    answer: str
    number: int

    @classmethod
    def of(cls, request: Request) -> Filter:
        """The filter of an address; a value that is none of ours counts as not given."""
        query = request.query_params
        answer = query.get("helpful", "")
        return cls(
            article=tidy(query.get("article", "")).strip()[:_MAX_ARTICLE],
            answer=answer if answer in _ANSWERS else "",
            number=page_number(query.get("page", "")),
        )

    @property
    def narrows(self) -> bool:
        return bool(self.article or self.answer)

    def on_page(self, number: int) -> str:
        given = {"article": self.article, "helpful": self.answer, "page": str(number) if number > 1 else ""}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{_LIST}?{query}" if query else _LIST


@router.get(_LIST)
def said(request: Request) -> Response:
    """What readers said, the newest first."""
    enter(request, "authoring")
    wanted, known = Filter.of(request), catalogue(request)
    helpful = _ANSWERS.get(wanted.answer)
    first = (wanted.number - 1) * _ROWS
    found = request.app.state.feedback.find(article=wanted.article, helpful=helpful, limit=_ROWS, offset=first)
    pages = max(1, -(-found.total // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.on_page(pages), 303)
    values = {
        "filter": wanted,
        "found": found,
        "rows": [(row, *_named(known, row)) for row in found.rows],
        "pages": pages,
        "reasons": REASON_NAMES,
    }
    return page(request, "feedback.html", values, private=True)


def _named(known: Catalogue, said: Feedback) -> tuple[str, str]:
    """Title and address of the article; its id and no address where it is gone."""
    written = known.by_id.get(said.article_id, {})
    article = written.get(said.lang) or next(iter(written.values()), None)
    return (article.title, article_path(article.key)) if article else (said.article_id, "")
