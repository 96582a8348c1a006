"""Votes on articles: what our readers say with "Was this helpful?"."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from fastapi import Request

from bot import feedback
from bot.feedback import Feedback
from bot.people import Caller
from web import limits
from web.pages.visit import base_address
from web.zendesk.ids import number
from web.zendesk.paging import Pages
from web.zendesk.routes import SignedIn, missing, route
from web.zendesk.routes import router as routes
from web.zendesk.shelf import Shelved, shelf

router = routes()
#: Votes of one article that are listed.
_MOST = 10_000


@route(router, "POST", "/articles/{article_id:int}/up", localised=True)
def vote_up(request: Request, known: SignedIn, article_id: int) -> dict[str, Any]:
    return _vote(request, known, article_id, helpful=True)


@route(router, "POST", "/articles/{article_id:int}/down", localised=True)
def vote_down(request: Request, known: SignedIn, article_id: int) -> dict[str, Any]:
    return _vote(request, known, article_id, helpful=False)


@route(router, "GET", "/articles/{article_id:int}/votes", localised=True)
def list_votes(request: Request, known: SignedIn, pages: Pages, article_id: int) -> dict[str, Any]:
    """Without the words beside them, which are for authors alone."""
    each = _article(request, known, article_id)
    said = request.app.state.feedback.find(article=each.source.article.id, limit=_MOST).rows
    page = pages.of(said, lambda one: number("vote", f"{one.article_id}\0{one.session}"))
    return {"votes": [_shaped(request, each, one) for one in page.items], **page.around}


def _vote(request: Request, known: Caller, article_id: int, *, helpful: bool) -> dict[str, Any]:
    """Said again, the last word of a caller counts."""
    limits.check(request, "feedback")
    each = _article(request, known, article_id)
    said = Feedback(
        article_id=each.source.article.id,
        session=f"zendesk-{hashlib.sha256(known.id.encode()).hexdigest()[:32]}",
        at=request.app.state.desk.now(),
        lang=each.source.article.lang,
        helpful=helpful,
    )
    feedback.keep(request.app.state.feedback, said)
    return {"vote": _shaped(request, each, said)}


def _article(request: Request, known: Caller, article_id: int) -> Shelved:
    each = shelf(request, known).articles.get(article_id)
    if each is None:
        raise missing("article")
    return each


def _shaped(request: Request, each: Shelved, said: Feedback) -> dict[str, Any]:
    vote_id = number("vote", f"{said.article_id}\0{said.session}")
    return {
        "id": vote_id,
        "url": f"{base_address(request)}/api/v2/help_center/votes/{vote_id}.json",
        "user_id": number("voter", said.session),
        "value": 1 if said.helpful else -1,
        "item_id": each.id,
        "item_type": "Article",
        "created_at": stamp(said.at),
        "updated_at": stamp(said.at),
    }


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
