"""The agents' part of the HTTP API: what stands beside a ticket, flags on articles, and drafts of articles."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request

from bot import flags
from bot.beside import Adviser, Case, flag_changed
from bot.draft import Draft, draft
from bot.flags import Flag, FlagKind, FlagState, FlagStore
from bot.models import MAX_BODY, Ticket
from bot.people import Caller
from bot.service import HelpDesk
from kb.models import ArticleKey, version_of
from kb.search import Query as Asked
from kb.search import Searcher
from kb.stored import Entry
from web import beside_schemas, schemas
from web.auth import Agent, Author
from web.problems import ApiError
from web.words import words

router = APIRouter()


def desk_of(request: Request) -> HelpDesk:
    return cast(HelpDesk, request.app.state.desk)


def adviser_of(request: Request) -> Adviser:
    return cast(Adviser, request.app.state.adviser)


def flags_of(request: Request) -> FlagStore:
    return cast(FlagStore, request.app.state.flags)


Desk = Annotated[HelpDesk, Depends(desk_of)]
Advising = Annotated[Adviser, Depends(adviser_of)]
Flags = Annotated[FlagStore, Depends(flags_of)]


@router.post("/agent/suggestions", summary="Suggest beside a ticket")
def agent_suggestions(
    ticket: beside_schemas.AgentSuggestionsIn, adviser: Advising, agent: Agent
) -> beside_schemas.AgentSuggestionsOut:
    """Articles and solved tickets for a ticket of any desk. Nothing is kept. Needs the right to work on tickets."""
    if not ticket.subject.strip() and not ticket.body.strip():
        raise ApiError(422, "ticket_empty", "Send the subject of the ticket, its text, or both.")
    if len(ticket.subject) + len(ticket.body) > MAX_BODY:
        raise ApiError(422, "ticket_too_long", f"Send at most {MAX_BODY:,} characters of the ticket.")
    case = Case(ticket.subject, ticket.body, ticket.lang, agent.audiences)
    return beside_schemas.AgentSuggestionsOut.of(adviser.beside(case))


@router.get("/tickets/{ticket_id}/suggestions", summary="Suggest beside a ticket of the inbox")
def ticket_suggestions(
    ticket_id: str, desk: Desk, adviser: Advising, agent: Agent
) -> beside_schemas.AgentSuggestionsOut:
    """As for `agent/suggestions`, with all that is known of the ticket: what its requester wrote later and declined."""
    case = Case.of(desk.ticket(ticket_id), agent.audiences)
    return beside_schemas.AgentSuggestionsOut.of(adviser.beside(case))


@router.post("/tickets/{ticket_id}/draft", summary="Draft an article from a ticket")
def draft_article(ticket_id: str, desk: Desk, agent: Agent) -> beside_schemas.DraftOut:
    """Markdown with front matter, in the requester's words, personal data masked. Nothing is kept."""
    return beside_schemas.DraftOut.of(made_of(desk, desk.ticket(ticket_id), agent))


@router.get("/flags", summary="What agents say is wrong with articles")
def list_flags(
    store: Flags,
    desk: Desk,
    author: Author,
    article: Annotated[schemas.Identifier, Query(description="The id of an article.")] = "",
    kind: FlagKind | None = None,
    state: FlagState | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> beside_schemas.FlagsOut:
    """The newest first. Needs the right to work on articles."""
    searcher = desk.library.searcher
    found = store.find(articles=[article] if article else None, kind=kind, state=state)
    rows = [flag for flag in found if readable(searcher, flag.article_id, flag.lang, author) or gone(searcher, flag)]
    return beside_schemas.FlagsOut(flags=[flag_out(searcher, flag) for flag in rows[:limit]])


@router.post("/articles/{article_id:path}/flags", status_code=201, summary="Say what is wrong with an article")
def raise_flag(
    article_id: str, told: beside_schemas.FlagIn, request: Request, desk: Desk, agent: Agent
) -> beside_schemas.FlagOut:
    """Said again by the same agent while it is open, it is the same flag. Needs the right to work on tickets."""
    kept = flag_article(request, agent, article_id, told.lang or "", told.kind, told.comment, told.ticket_id)
    if kept is None:
        raise ApiError(404, "article_unknown", f"There is no article {article_id!r}.")
    return flag_out(desk.library.searcher, kept)


@router.post("/flags/{flag_id}/close", summary="Close a flag")
def close_flag(
    flag_id: str, told: beside_schemas.FlagCloseIn, store: Flags, desk: Desk, author: Author
) -> beside_schemas.FlagOut:
    """As done, or as rejected with a reason; a closed one stays as it is. Needs the right to work on articles."""
    searcher, flag = desk.library.searcher, store.get(flag_id)
    if not readable(searcher, flag.article_id, flag.lang, author) and not gone(searcher, flag):
        raise ApiError(404, "flag_unknown", f"There is no flag with the id {flag_id!r}.")
    closed = flags.close_flag(store, flag_id, told.state, told.reason, author.name, desk.now())
    return flag_out(searcher, closed)


# --- what the pages do as well -------------------------------------------------------------------------------------


def flag_article(
    request: Request, agent: Caller, article_id: str, lang: str, kind: FlagKind, comment: str, ticket_id: str = ""
) -> Flag | None:
    """The flag as it is kept; None where the agent may read no such article. Raises FlagInvalid, StoreUnavailable."""
    desk = desk_of(request)
    entry = readable(desk.library.searcher, article_id, lang, agent)
    if entry is None:
        return None
    flag = Flag(
        id=desk.new_id(),
        article_id=article_id,
        lang=entry.article.lang,
        kind=kind,
        at=desk.now(),
        who=agent.id,
        who_name=agent.name,
        comment=comment,
        ticket_id=ticket_id,
        version=version_of(entry.article),
    )
    return flags.raise_flag(flags_of(request), flag)


def readable(searcher: Searcher, article_id: str, lang: str, who: Caller) -> Entry | None:
    """The article in this language, else in the one most articles are written in, if `who` may read it."""
    for code in dict.fromkeys((lang, *searcher.snapshot.languages)):
        entry = searcher.snapshot.entry(ArticleKey(article_id, code))
        if entry and entry.article.audience in who.audiences:
            return entry
    return None


def gone(searcher: Searcher, flag: Flag) -> bool:
    """Whether the article is not there any more, in no language."""
    snapshot = searcher.snapshot
    return not any(snapshot.entry(ArticleKey(flag.article_id, lang)) for lang in snapshot.languages)


def flag_out(searcher: Searcher, flag: Flag) -> beside_schemas.FlagOut:
    return beside_schemas.FlagOut.of(flag, changed=flag_changed(searcher, flag))


def made_of(desk: HelpDesk, ticket: Ticket, who: Caller) -> Draft:
    """The draft of an article, its headings in the language of the ticket."""
    searcher = desk.library.searcher
    said = words(searcher.language(Asked(ticket.subject, ticket.body, ticket.lang or None)))
    return draft(ticket, searcher, who.audiences, desk.events.resolved_in_words(ticket.id), said.say)
