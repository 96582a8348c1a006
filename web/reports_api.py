"""The reports of the API. All need the right `authoring`; articles and topics somebody may not read are not named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from bot.reports.before import compared
from bot.reports.desk import DIMENSIONS, UNITS, Dimension, Unit, Wanted, period
from bot.service import HelpDesk
from web import report_schemas, schemas
from web.auth import Author
from web.pages import report_rows
from web.pages.catalogue import catalogue
from web.pages.report_notice import visible
from web.pages.report_rows import Only, reports_of
from web.words import SOURCE

router = APIRouter(prefix="/reports")

_Channel = Annotated[schemas.Identifier, Query(description="`agent` for what agents asked, which else counts nowhere.")]
_Since = Annotated[schemas.Day | None, Query(description="The first day, on the desk's clock.")]
_From = Annotated[schemas.Moment | None, Query(description="What came at this moment or later.")]
_Before = Annotated[schemas.Moment | None, Query(description="What came before this moment.")]
_Until = Annotated[schemas.Day | None, Query(description="The last day.")]
By = Literal[Unit, Dimension]


def _now(request: Request) -> datetime:
    desk: HelpDesk = request.app.state.desk
    return desk.now()


@router.get("/deflection", summary="Deflection")
def deflection(
    request: Request,
    _author: Author,
    since: _From = None,
    until: _Before = None,
    lang: schemas.Lang | None = None,
    channel: _Channel = "",
) -> report_schemas.DeflectionOut:
    """Confirmed, assumed and returned, each with its denominator and interval. Needs the right `authoring`."""
    reports = reports_of(request)
    reports.current()
    wanted = Wanted(lang=lang or "", channel=channel)
    found = reports.desk.deflection(_now(request), since, until, wanted)
    return report_schemas.DeflectionOut.of(found)


@router.get("/volume", summary="Questions and tickets")
def volume(
    request: Request,
    _author: Author,
    by: Annotated[By, Query(description="Stretches of time, or what they have in common.")] = "day",
    since: _Since = None,
    until: _Until = None,
    lang: schemas.Lang | None = None,
    channel: _Channel = "",
) -> report_schemas.VolumeOut:
    """How many came when, or what about. Needs the right `authoring`."""
    reports, wanted = reports_of(request), Wanted(since, until, lang or "", channel)
    waiting = reports.current()
    unit: Unit | None = next((unit for unit in UNITS if unit == by), None)
    if unit:
        found = reports.desk.volume(unit, wanted, reports.days.of(_now(request)))
    else:
        dimension: Dimension = next(name for name in DIMENSIONS if name == by)
        found = reports.desk.split(dimension, wanted, report_rows.topic_of(catalogue(request)))
    rows = [report_schemas.VolumeRowOut.of(row) for row in found]
    return report_schemas.VolumeOut(by=by, rows=rows, waiting=waiting)


@router.get("/comparison", summary="Beside the days before")
def comparison(
    request: Request,
    _author: Author,
    days: Annotated[int, Query(ge=1, le=1_000, description="The last so many days, today included.")] = 30,
    lang: schemas.Lang | None = None,
    channel: _Channel = "",
) -> report_schemas.ComparedOut:
    """The main numbers beside those of the same weekdays before. Needs the right `authoring`."""
    reports, now = reports_of(request), _now(request)
    waiting, today = reports.current(), reports.days.of(now)
    wanted = Wanted(period(days, today), today, lang or "", channel)
    found = compared(reports.desk, reports.days, now, wanted)
    return report_schemas.ComparedOut(
        comparison=report_schemas.ComparisonOut.of(found) if found else None, waiting=waiting
    )


@router.get("/articles", summary="What articles do")
def articles(
    request: Request,
    _author: Author,
    since: _Since = None,
    until: _Until = None,
    only: Annotated[Only, Query(description="`never_found` or `rejected`.")] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> report_schemas.ArticlesReportOut:
    """The articles shown most first, or those rejected most. Needs the right `authoring`."""
    reports = reports_of(request)
    waiting, last = reports.current(), until or reports.days.of(_now(request))
    found = report_rows.rows(catalogue(request), SOURCE, reports.articles.counts(since, last))
    kept = report_rows.chosen(found, only=only, order="rejected" if only == "rejected" else "shown")
    rows = [
        report_schemas.ArticleReportOut.of(row.id, row.title, row.topic, row.changed, row.counts)
        for row in kept[offset : offset + limit]
    ]
    return report_schemas.ArticlesReportOut(total=len(kept), articles=rows, waiting=waiting)


@router.get("/spikes", summary="Spikes")
def spikes(request: Request, _author: Author, since: _Since = None) -> report_schemas.SpikesOut:
    """Much more of something than usual, the newest first. Needs the right `authoring`."""
    found = reports_of(request).spikes.since(since or date.min)
    rows = [report_schemas.SpikeOut.of(spike) for spike in visible(catalogue(request), found)]
    return report_schemas.SpikesOut(spikes=rows)


@router.get("/holdout", summary="The hold-out")
def hold_out(request: Request, _author: Author, since: _From = None) -> report_schemas.HoldOutOut:
    """What suggestions beside the ticket form do, measured. Needs the right `authoring`."""
    return report_schemas.HoldOutOut.of(reports_of(request).hold_out.effect(since))
