"""The gaps' part of the HTTP API: lists, one gap with all that is known of it, what people decide, and drafts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from bot.draft import Draft
from bot.errors import StoreUnavailable
from bot.gaps.dossier import dossier
from bot.gaps.draft import draft
from bot.gaps.keeper import GapKeeper
from bot.gaps.models import Filter, GapKind, GapState, Sort, What
from bot.gaps.store import decided
from bot.people import Caller
from bot.service import HelpDesk
from web import schemas
from web.auth import Author
from web.beside_schemas import DraftOut
from web.gaps_schemas import GapDetailOut, GapOut, GapsOut, ReasonIn
from web.spreadsheet import Cell, as_csv
from web.words import words

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/gaps")

#: A list takes up what is new first, for as long as a person does not notice; the rest is read while nobody waits.
_PATIENCE_S = 0.2
_CSV_ROWS = 10_000


def desk_of(request: Request) -> HelpDesk:
    return cast(HelpDesk, request.app.state.desk)


def keeper_of(request: Request) -> GapKeeper:
    return cast(GapKeeper, request.app.state.gaps)


Desk = Annotated[HelpDesk, Depends(desk_of)]
Keeper = Annotated[GapKeeper, Depends(keeper_of)]
Writer = Literal["mine", "nobody"]
Revision = Annotated[int | None, Query(description="The one you read: 409 `gap_changed` where it has another.")]


def wanted(
    author: Author,
    since: schemas.Moment | None = None,
    kind: GapKind | None = None,
    lang: schemas.Lang | None = None,
    state: Annotated[GapState | None, Query(description="Only these; without it all.")] = None,
    sort: Sort = "saves",
    q: Annotated[str, Query(max_length=200)] = "",
    department: Annotated[str, Query(max_length=200, description="Only questions whose ticket went there.")] = "",
    writer: Annotated[Writer | None, Query(description="Only those you write, or nobody does.")] = None,
) -> Filter:
    """What a request asks for, all of it at once."""
    writes = {"mine": author.name, "nobody": ""}.get(writer or "")
    return Filter(state, kind, lang or "", q, since, sort, _CSV_ROWS, 0, department, writes)


def news(keeper: GapKeeper) -> None:
    """Takes up what was asked a moment ago; without it a list is a few seconds old, which is no fault."""
    try:
        keeper.refresh(_PATIENCE_S)
    except StoreUnavailable as error:
        _log.error("gaps are shown as they were: %s", error)


def made_of(desk: HelpDesk, keeper: GapKeeper, gap_id: str, who: Caller) -> Draft:
    """The draft of an article, its headings in the language of the gap. Raises GapUnknown, StoreUnavailable."""
    gap = keeper.store.get(gap_id, desk.now())
    return draft(gap, desk.library.searcher, who.audiences, words(gap.lang).say)


@router.get("", summary="Gaps: what nobody could answer")
def list_gaps(
    desk: Desk,
    keeper: Keeper,
    asked: Annotated[Filter, Depends(wanted)],
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> GapsOut:
    """What authors have to close, gathered by meaning. Needs the right `authoring`."""
    news(keeper)
    return GapsOut.of(keeper.store.find(replace(asked, limit=limit, offset=offset), desk.now()))


@router.get(".csv", summary="Gaps as CSV", response_class=Response)
def gaps_as_csv(desk: Desk, keeper: Keeper, asked: Annotated[Filter, Depends(wanted)]) -> Response:
    """As the list, for a spreadsheet. Needs the right `authoring`."""
    news(keeper)
    found = keeper.store.find(asked, desk.now())
    headers = {"Content-Disposition": 'attachment; filename="gaps.csv"', "Cache-Control": "no-store"}
    table = as_csv(GapOut.model_fields, (_cells(GapOut.of(gap)) for gap in found.rows))
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{gap_id}", summary="One gap")
def show_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """With its wordings, its counts, the articles beside it and its history. Needs the right `authoring`."""
    return _detail(desk, keeper, gap_id, author)


@router.post("/{gap_id}/close", summary="Close a gap")
def close_gap(gap_id: str, told: ReasonIn, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """With a reason and the article that answers, if you like. It opens again where its questions go on failing."""
    return _decide("close", gap_id, told, desk, keeper, author)


@router.post("/{gap_id}/wont-do", summary="Say that no article will be written")
def refuse_gap(gap_id: str, told: ReasonIn, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """With a reason. It stays so until somebody opens it again."""
    return _decide("wont_do", gap_id, told, desk, keeper, author)


@router.post("/{gap_id}/reopen", summary="Open a gap again")
def reopen_gap(gap_id: str, told: ReasonIn, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """Whatever closed it closes it no more, unless an article changes after this."""
    return _decide("reopen", gap_id, told, desk, keeper, author)


@router.post("/{gap_id}/undo", summary="Take back the last decision")
def undo_gap(
    gap_id: str,
    desk: Desk,
    keeper: Keeper,
    author: Author,
    revision: Revision = None,
) -> GapDetailOut:
    """It stands as before, reason and all, if nothing else happened since."""
    gap = keeper.store.undo(gap_id, author.name, desk.now(), revision)
    return _detail(desk, keeper, gap.id, author)


@router.post("/{gap_id}/take", summary="Say that you write the article")
def take_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author, revision: Revision = None) -> GapDetailOut:
    """Others see your name, also whoever wrote it before. 422 `gap_invalid` where the gap is not open."""
    gap = keeper.store.hand(gap_id, author.name, author.name, desk.now(), revision)
    return _detail(desk, keeper, gap.id, author)


@router.post("/{gap_id}/give-back", summary="Say that nobody writes the article any more")
def give_gap_back(gap_id: str, desk: Desk, keeper: Keeper, author: Author, revision: Revision = None) -> GapDetailOut:
    """It is nobody's again."""
    gap = keeper.store.hand(gap_id, "", author.name, desk.now(), revision)
    return _detail(desk, keeper, gap.id, author)


@router.post("/{gap_id}/draft", summary="Draft an article from a gap")
def draft_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author) -> DraftOut:
    """Markdown with front matter, the real wordings as its questions. Nothing is kept."""
    return DraftOut.of(made_of(desk, keeper, gap_id, author))


def _decide(what: What, gap_id: str, told: ReasonIn, desk: HelpDesk, keeper: GapKeeper, who: Caller) -> GapDetailOut:
    standing = decided(what, told.reason, who.name, desk.now(), told.article_id)
    gap = keeper.store.change(gap_id, what, standing, told.revision)
    return _detail(desk, keeper, gap.id, who)


def _detail(desk: HelpDesk, keeper: GapKeeper, gap_id: str, who: Caller) -> GapDetailOut:
    return GapDetailOut.of_dossier(
        dossier(keeper.store, desk.library.searcher, desk.policy, gap_id, who.audiences, desk.now())
    )


def _cells(row: GapOut) -> Iterator[Cell]:
    for value in row.model_dump(mode="json").values():
        yield " ".join(value) if isinstance(value, list) else value
