"""The answer bot's loop: articles for an enquiry, then whether one of them solved it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from bot.models import Outcome, OutcomeName, Question
from bot.people import ANYBODY
from bot.service import HelpDesk
from kb.links import article_path
from kb.models import PUBLIC
from kb.snapshot import Entry
from web import limits
from web.pages.visit import base_address
from web.problems import ApiError
from web.schemas import Text
from web.voices import voice
from web.zendesk.ids import number
from web.zendesk.routes import Known, RecordInvalidError, route
from web.zendesk.routes import router as routes
from web.zendesk.shelf import Shelf, body, labels, shelf

router = routes()
#: How long one may say what became of an enquiry. Zendesk's tokens expire too.
EXPIRES = timedelta(days=1)
#: Zendesk's reasons for a rejection.
_REASONS = {0: "", 1: "not related", 2: "related, but did not answer the question"}


class Enquiry(BaseModel):
    """What somebody asks; unknown keys are Zendesk's and change nothing here."""

    enquiry: Text = Field(min_length=1)
    locale: str | None = Field(None, max_length=16)
    labels: list[str] | None = None
    label_names: list[str] | None = None
    reference: str | int | None = None
    interaction_reference: str | int | None = None
    user_segment_ids: list[int] | None = None


class Verdict(BaseModel):
    """What became of an enquiry."""

    article_id: int
    interaction_access_token: Annotated[str, Field(max_length=4_000)]
    reason_id: int = Field(0, ge=0, le=2)


@dataclass(frozen=True, slots=True)
class InteractionTokens:
    """Gives out and reads tokens that belong to one question and the articles that were its reply."""

    secret: bytes = field(repr=False)

    def issue(self, question_id: str, articles: list[str], now: datetime) -> str:
        claims = {"question": question_id, "articles": articles, "exp": int((now + EXPIRES).timestamp())}
        payload = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode().rstrip("=")
        return f"{payload}.{self._sign(payload)}"

    def read(self, token: str, now: datetime) -> tuple[str, list[str]]:
        """The question and its articles. Raises ApiError 401 where the token is not ours or has expired."""
        payload, _, signature = token.rpartition(".")
        if not (token.isascii() and hmac.compare_digest(signature, self._sign(payload))):
            raise ApiError(401, "token_invalid", "The interaction_access_token is none of ours.")
        claims = json.loads(base64.urlsafe_b64decode(f"{payload}=="))
        if claims["exp"] < now.timestamp():
            raise ApiError(401, "token_expired", "The interaction_access_token has expired. Ask again.")
        return claims["question"], claims["articles"]

    def _sign(self, payload: str) -> str:
        return hmac.new(self.secret, f"interaction.{payload}".encode(), "sha256").hexdigest()


@route(router, "POST", "/answer_bot/answers/articles")
def answer(request: Request, known: Known, asked: Enquiry) -> dict[str, Any]:
    """The articles of the answer or the suggestions; none where none is likely. The question is kept.

    A bot asks with its own token for people who have none: so the public's articles alone, and those of segments it
    names, as far as it may see them itself.
    """
    limits.check(request, "questions")
    desk: HelpDesk = request.app.state.desk
    segments = {number("segment", audience): audience for audience in known.audiences}
    named = {segments[segment] for segment in asked.user_segment_ids or () if segment in segments}
    audiences = frozenset({PUBLIC, *named})
    seen = shelf(request, replace(known, audiences=audiences))
    who = str(asked.interaction_reference or asked.reference or "")
    session = f"zendesk-{hashlib.sha256(who.encode()).hexdigest()[:32]}" if who else None
    lang = (asked.locale or "").partition("-")[0].lower()
    if lang and lang not in seen.languages:
        detail = f"{asked.locale!r} is no locale of this help centre; it has {', '.join(seen.languages)}."
        raise RecordInvalidError({"locale": detail})
    reply = desk.ask(Question(asked.enquiry, "", lang or None, "api", session, audiences))
    wanted = {*(asked.labels or ()), *(asked.label_names or ())}
    entries = [entry for key in reply.shown if (entry := desk.library.searcher.snapshot.entry(key))]
    entries = [entry for entry in entries if wanted <= set(labels(entry.article))]
    snippets = {hit.key: hit.snippet for hit in reply.suggestions}
    if reply.answer:
        snippets[reply.answer.key] = reply.answer.text[:300]
    token = _tokens(request).issue(reply.id, [entry.article.id for entry in entries], desk.now())
    deflection_id = number("deflection", reply.id)
    # The confidence is that of the likeliest article, which labels may leave out; the others have none.
    scores = dict.fromkeys(reply.shown[:1], reply.confidence)
    articles = [
        _recommended(request, seen, entry, snippets.get(entry.article.key, ""), scores.get(entry.article.key))
        for entry in entries
    ]
    return {
        "id": deflection_id,
        "deflection": {"id": deflection_id, "auth_token": token},
        "auth_token": token,
        "interaction_access_token": token,
        "articles": articles,
    }


@route(router, "POST", "/answer_bot/resolution")
def resolve(request: Request, verdict: Verdict) -> Response:
    """An article solved it, as the person says. Needs the token alone."""
    return _tell(request, verdict, "solved", "")


@route(router, "POST", "/answer_bot/rejection")
def reject(request: Request, verdict: Verdict) -> Response:
    """An article did not help. Needs the token alone."""
    return _tell(request, verdict, "not_solved", _REASONS[verdict.reason_id])


def _tell(request: Request, verdict: Verdict, outcome: OutcomeName, reason: str) -> Response:
    limits.check(request, "feedback")
    desk: HelpDesk = request.app.state.desk
    question_id, articles = _tokens(request).read(verdict.interaction_access_token, desk.now())
    numbers = shelf(request, ANYBODY).numbers.articles.numbers
    told = next((article for article in articles if numbers.get(article) == verdict.article_id), None)
    if told is None:
        raise RecordInvalidError({"article_id": "This article was not among those of the enquiry."})
    desk.record_outcome(Outcome(question_id, outcome, told, reason, voice=voice(request)))
    return Response(status_code=204)


def _tokens(request: Request) -> InteractionTokens:
    secret: bytes = request.app.state.tokens.secret
    return InteractionTokens(secret)


def _recommended(request: Request, seen: Shelf, entry: Entry, snippet: str, score: float | None) -> dict[str, Any]:
    article, base = entry.article, base_address(request)
    article_id = seen.numbers.articles.numbers[article.id]
    whole = body(entry, base)
    return {
        "article_id": article_id,
        "id": article_id,
        "title": article.title,
        "snippet": snippet,
        "body": whole,
        "html_body": whole,
        "html_url": base + article_path(article.key),
        "url": f"{base}/api/v2/help_center/{article.lang}/articles/{article_id}.json",
        "label_names": labels(article),
        "locale": article.lang,
        "score": score,
        "brand_id": None,
    }
