"""The gaps' part of the HTTP API: lists, one gap with all that is known of it, what people decide, and drafts."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from bot.draft import Draft
from bot.errors import StoreUnavailable
from bot.gaps.draft import draft
from bot.gaps.evidence import Near, nearest, readable
from bot.gaps.keeper import GapKeeper
from bot.gaps.models import Event, Filter, Gap, GapKind, GapState, Sort, What
from bot.gaps.store import PERIOD, decided
from bot.gaps.trend import REACH, Count, Unit, trend
from bot.people import Caller
from bot.service import HelpDesk
from kb.models import Article
from web import schemas
from web.auth import Author
from web.beside_schemas import DraftOut
from web.gaps_schemas import CountOut, EventOut, GapDetailOut, GapOut, GapsOut, NearOut, ReasonIn, WordingOut, event_out
from web.words import words

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/gaps")

#: A list takes up what is new first, for as long as a person does not notice; the rest is read while nobody waits.
_PATIENCE_S = 0.2
#: How many of a gap's failures are looked at for the articles beside it.
_LOOKED_AT = 500
_CSV_ROWS = 10_000


def desk_of(request: Request) -> HelpDesk:
    return cast(HelpDesk, request.app.state.desk)


def keeper_of(request: Request) -> GapKeeper:
    return cast(GapKeeper, request.app.state.gaps)


Desk = Annotated[HelpDesk, Depends(desk_of)]
Keeper = Annotated[GapKeeper, Depends(keeper_of)]


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of a gap, for somebody who may read some articles. `article` closed it, if they may read it.

    `saves` is how many tickets followed in the last 30 days: what an answer would have saved.
    """

    gap: Gap
    article: Article | None
    departments: dict[str, int]
    counts: dict[Unit, list[Count]]
    articles: tuple[Near, ...]
    history: tuple[tuple[Event, Article | None], ...]
    tickets: tuple[tuple[int, str], ...]
    saves: int


def news(keeper: GapKeeper) -> None:
    """Takes up what was asked a moment ago; without it a list is a few seconds old, which is no fault."""
    try:
        keeper.refresh(_PATIENCE_S)
    except StoreUnavailable as error:
        _log.error("gaps are shown as they were: %s", error)


def dossier(desk: HelpDesk, keeper: GapKeeper, gap_id: str, who: Caller) -> Dossier:
    """Raises GapUnknown or StoreUnavailable."""
    now, searcher, store = desk.now(), desk.library.searcher, keeper.store
    gap = store.get(gap_id, now)
    failures = store.members(gap.id, _LOOKED_AT)
    days = store.days([gap.id], now - REACH)[gap.id]
    units: tuple[Unit, ...] = ("day", "week", "month")

    def seen(article_id: str) -> Article | None:
        return readable(searcher, article_id, gap.lang, who.audiences) if article_id else None

    return Dossier(
        gap=gap,
        article=seen(gap.standing.article),
        departments=store.departments(gap.id),
        counts={unit: trend(days, now.date(), unit) for unit in units},
        articles=nearest(searcher, desk.policy, gap, failures, who.audiences),
        history=tuple((event, seen(event.article)) for event in store.history(gap.id)),
        tickets=tuple((failure.ticket, failure.text) for failure in failures if failure.ticket),
        saves=sum(tickets for day, (_, tickets) in days.items() if day > now.date() - PERIOD),
    )


def made_of(desk: HelpDesk, keeper: GapKeeper, gap_id: str, who: Caller) -> Draft:
    """The draft of an article, its headings in the language of the gap. Raises GapUnknown, StoreUnavailable."""
    gap = keeper.store.get(gap_id, desk.now())
    return draft(gap, desk.library.searcher, who.audiences, words(gap.lang).say)


@router.get("", summary="Gaps: what nobody could answer")
def list_gaps(
    desk: Desk,
    keeper: Keeper,
    _author: Author,
    since: schemas.Moment | None = None,
    kind: GapKind | None = None,
    lang: schemas.Lang | None = None,
    state: Annotated[GapState | None, Query(description="Only these; without it all.")] = None,
    sort: Sort = "asked",
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> GapsOut:
    """What authors have to close, gathered by meaning. Needs the right `authoring`."""
    news(keeper)
    wanted = Filter(state, kind, lang or "", q, _with_zone(since), sort, limit, offset)
    return GapsOut.of(keeper.store.find(wanted, desk.now()))


@router.get(".csv", summary="Gaps as CSV", response_class=Response)
def gaps_as_csv(desk: Desk, keeper: Keeper, _author: Author, state: GapState | None = None) -> Response:
    """As the list, for a spreadsheet. Needs the right `authoring`."""
    found = keeper.store.find(Filter(state=state, limit=_CSV_ROWS), desk.now())
    headers = {"Content-Disposition": 'attachment; filename="gaps.csv"', "Cache-Control": "no-store"}
    return Response("".join(csv_lines([GapOut.of(gap) for gap in found.rows])), media_type="text/csv", headers=headers)


@router.get("/{gap_id}", summary="One gap")
def show_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """With its wordings, its counts, the articles beside it and its history. Needs the right `authoring`."""
    return detail(dossier(desk, keeper, gap_id, author))


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
def undo_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author) -> GapDetailOut:
    """It stands as before, reason and all, if nothing else happened since."""
    gap = keeper.store.undo(gap_id, author.name, desk.now())
    return detail(dossier(desk, keeper, gap.id, author))


@router.post("/{gap_id}/draft", summary="Draft an article from a gap")
def draft_gap(gap_id: str, desk: Desk, keeper: Keeper, author: Author) -> DraftOut:
    """Markdown with front matter, the real wordings as its questions. Nothing is kept."""
    return DraftOut.of(made_of(desk, keeper, gap_id, author))


def _decide(what: What, gap_id: str, told: ReasonIn, desk: HelpDesk, keeper: GapKeeper, who: Caller) -> GapDetailOut:
    standing = decided(what, told.reason, who.name, desk.now(), told.article_id)
    gap = keeper.store.change(gap_id, what, standing)
    return detail(dossier(desk, keeper, gap.id, who))


def detail(found: Dossier) -> GapDetailOut:
    gap, standing = found.gap, found.gap.standing
    return GapDetailOut(
        **GapOut.of(gap).model_dump(),
        reason=standing.reason,
        saves=found.saves,
        article_id=found.article.id if found.article else "",
        snapshot=standing.snapshot,
        who=standing.who,
        decided=standing.decided,
        wordings=[WordingOut(text=each.text, count=each.count, lang=each.lang) for each in gap.wordings],
        departments=found.departments,
        days=[CountOut.of(count) for count in found.counts["day"]],
        weeks=[CountOut.of(count) for count in found.counts["week"]],
        months=[CountOut.of(count) for count in found.counts["month"]],
        articles=[NearOut.of(near) for near in found.articles],
        history=_history(found),
    )


def _history(found: Dossier) -> list[EventOut]:
    return [event_out(event, article.id if article else "") for event, article in found.history]


def csv_lines(rows: list[GapOut]) -> Iterator[str]:
    """A line of names, then one a gap. What a spreadsheet would take for a formula begins with an apostrophe."""
    line = io.StringIO()
    writer = csv.writer(line)
    for number, row in enumerate([None, *rows]):
        values = list(GapOut.model_fields) if row is None else row.model_dump(mode="json").values()
        cells = [" ".join(value) if isinstance(value, list) else value for value in values]
        writer.writerow([f"'{c}" if isinstance(c, str) and number and c[:1] in tuple("=+-@\t\r") else c for c in cells])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _with_zone(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
