"""Puts the application together."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot.accounts import Accounts
from bot.alike import SolvedTickets
from bot.audit import SqlAuditLog
from bot.beside import Adviser
from bot.database import migrate, open_engine, shared_secret
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.feedback import SqlFeedbackStore
from bot.flags import SqlFlagStore
from bot.gaps.failures import SqlFailures
from bot.gaps.keeper import GapKeeper
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
from bot.library import Library
from bot.outbox import SqlOutbox
from bot.passwords import Passwords
from bot.people_store import SqlPeopleStore
from bot.readership import Readership, SqlReadStore
from bot.reports.hold_out import HoldOut
from bot.reports.reports import Reports
from bot.retention import Retention
from bot.service import HelpDesk
from bot.solved import SqlSolvedStore
from bot.spool import Spool
from bot.spooled_events import SpooledEvents
from bot.worklist import SqlWorklist
from kb.snapshot import Snapshot, current_id
from kb.vector_cache import cache_file
from web import api, handoff, health, pages, problems, push_webhook, readings, zendesk
from web.access_log import Watched
from web.capacity import Shedding
from web.limits import Limits
from web.mcp import http as mcp
from web.metrics import SNAPSHOT_SWITCH, SPOOL_DEPTH, SPOOL_REFUSED, Metrics
from web.middleware import Compressed, OneSnapshot, SecurityHeaders, SizeLimit
from web.notice import NoticeBoard
from web.pages import forms, panel, reference
from web.publishing import Process, Publishing, open_publisher
from web.readings import Counting, Readings
from web.request_id import Networks
from web.settings import Settings
from web.sharing import folder_opener, open_place
from web.tokens import FormTokens

_log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
#: How often the server looks whether a new snapshot was published or something was learned, in seconds.
_LOOK_EVERY_S = 2.0


def open_desk(
    settings: Settings, *, serving: bool = False, opening: Future[Snapshot] | None = None
) -> tuple[HelpDesk, sa.Engine]:
    """The help desk of these settings, its database up to date; `serving` for longer than one question.

    `opening` is the snapshot in use, where somebody opens it already.

    Raises a SnapshotError where there is no usable snapshot, StoreUnavailable where the database cannot be written.
    """
    learning, engine = open_learning(settings)
    place = open_place(settings, engine, serving=serving)
    library = Library(settings.data, learning, place, _opener(settings, engine, opening))
    outbox = SqlOutbox(engine)
    spooled = SpooledEvents(SqlEventStore(engine), Spool(settings.data / "spool", new_id))
    desk = HelpDesk(
        library=library,
        events=spooled,
        inbox=SqlInbox(engine, new_id, settings.response_times, outgoing=handoff.outgoing(settings, outbox)),
        learning=learning,
        now=lambda: datetime.now(UTC),
        new_id=new_id,
        policy=settings.policy,
        outbox=outbox,
        spooled=spooled,
    )
    return desk, engine


def _opener(settings: Settings, engine: sa.Engine, opening: Future[Snapshot] | None) -> Callable[[Path], Snapshot]:
    """What opens the folder of a snapshot; the first one is there already, if it is the one that was opened."""
    opener, first = folder_opener(settings, engine), [opening] if opening else []

    def open_folder(folder: Path) -> Snapshot:
        found = first.pop().result() if first else None
        return found if found and found.folder == folder else opener(folder)

    return open_folder


def open_learning(settings: Settings) -> tuple[SqlLearningStore, sa.Engine]:
    """What was learned, its database up to date. Raises SnapshotMissing or StoreUnavailable."""
    if settings.snapshots == "folder":
        current_id(settings.data)  # where nothing was indexed, no database is made either
    engine = open_engine(settings.database)
    migrate(engine)
    return SqlLearningStore(engine), engine


def new_id() -> str:
    """32 hexadecimal digits that cannot be guessed."""
    return uuid.uuid4().hex


def open_accounts(engine: sa.Engine, passwords: Passwords | None = None) -> Accounts:
    """Who may do what, in a database that is up to date."""
    store, log = SqlPeopleStore(engine), SqlAuditLog(engine)
    return Accounts(store, log, passwords or Passwords(), lambda: datetime.now(UTC), new_id)


def open_gaps(settings: Settings, desk: HelpDesk, engine: sa.Engine) -> GapKeeper:
    """What gathers failed questions, over a database that is up to date."""
    store, failures, cache = SqlGapStore(engine), SqlFailures(engine), cache_file(settings.data)
    return GapKeeper(store, failures, desk.library, desk.policy, desk.now, new_id(), cache)


def open_reports(settings: Settings, engine: sa.Engine, library: Library, outbox: SqlOutbox | None = None) -> Reports:
    """The reports over a database that is up to date; spikes are told of where the settings say to whom."""

    @lru_cache(maxsize=1)
    def topics(_snapshot: str) -> dict[str, str]:
        return {entry.article.id: entry.article.topic for entry in library.searcher.snapshot.entries}

    def topic_of(article_id: str) -> str | None:
        return topics(library.searcher.snapshot.id).get(article_id)

    hold_out = HoldOut(engine, settings.hold_out, shared_secret(engine, "hold-out"))
    told = outbox if settings.spike_url else None
    return Reports(engine, ZoneInfo(settings.time_zone), hold_out, topic_of, told)


def create_app(settings: Settings, desk: HelpDesk, engine: sa.Engine, accounts: Accounts | None = None) -> FastAPI:
    """The web application: pages, widget and API over one help desk."""

    metrics = Metrics()
    desk = replace(desk, observer=Counting(metrics, lambda: desk.library.searcher.snapshot.languages))
    if waiting := desk.spooled:
        waiting.told = desk.learn_from
        metrics.read(SPOOL_DEPTH, lambda: waiting.spool.depth)
        metrics.read(SPOOL_REFUSED, lambda: waiting.spool.refused)
    read = Readings(metrics, desk.library, engine, desk.now)
    desk.library.told = lambda _snapshot, refused: metrics.count(
        SNAPSHOT_SWITCH, outcome="refused" if refused else "taken"
    )
    readership = Readership(SqlReadStore(engine), desk.now)
    outbox = desk.outbox or SqlOutbox(engine)
    courier = handoff.courier(settings, desk, outbox)
    solved = SolvedTickets(SqlSolvedStore(engine), desk.library, cache_file(settings.data))
    reports = open_reports(settings, engine, desk.library, outbox)
    gaps = open_gaps(settings, desk, engine)
    retention = Retention(engine, settings.keep, reports.days, desk.now)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(
            _watch(
                desk.library.refresh,
                readership.refresh,
                solved.refresh,
                gaps.refresh,
                lambda: reports.watch(desk.now()),
                retention.refresh,
                app.state.publishing.refresh,
                read.refresh,
            )
        )
        delivery = asyncio.create_task(_watch(*([waiting.refresh] if waiting else [])))
        read.started()
        if courier:
            courier.start()
        async with mcp.serving(app):
            yield
        watcher.cancel()
        delivery.cancel()
        if courier:
            await asyncio.to_thread(courier.stop)
        await asyncio.to_thread(readership.flush)
        await asyncio.to_thread(desk.events.close)
        engine.dispose()

    app = Watched(
        title=f"{settings.site_name or 'Help centre'}: Firstline API",
        version=version("firstline"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # that route of FastAPI's would work the description out on the event loop
        lifespan=lifespan,
    )
    app.state.settings, app.state.desk, app.state.engine = settings, desk, engine
    app.state.metrics, app.state.trusted = metrics, Networks(settings.trusted_proxies)
    app.state.outbox, app.state.outgoing = outbox, handoff.outgoing(settings, outbox)
    app.state.accounts = accounts or open_accounts(engine)
    app.state.readership, app.state.feedback = readership, SqlFeedbackStore(engine)
    app.state.flags, app.state.gaps = SqlFlagStore(engine), gaps
    app.state.preview_bar = None  # above the pages of articles that somebody is writing: web/preview
    app.state.reports = reports
    app.state.publishing = Publishing(open_publisher(settings, engine), Process(settings))
    app.state.adviser = Adviser(desk.library, desk.policy, solved, app.state.flags)
    app.state.worklist = SqlWorklist(engine, settings.response_times)
    app.state.notices = NoticeBoard(settings.notice_file, settings.default_lang)
    app.state.tokens = FormTokens(shared_secret(engine, "forms"))
    app.state.panel_key = shared_secret(engine, "panel")
    app.state.voice_key = shared_secret(engine, "voices")
    app.state.limits = Limits(
        {
            "tickets": settings.rate_tickets,
            "questions": settings.rate_questions,
            "typing": settings.rate_typing,
            "feedback": settings.rate_feedback,
            "sign_in": settings.rate_sign_in,
        }
    )
    longest = {"/ticket": forms.longest_body(settings.allowed_files)}
    if settings.push_secret.get_secret_value():
        longest[push_webhook.ADDRESS] = push_webhook.LONGEST
    app.add_middleware(Shedding, metrics=metrics, most=settings.busy_at, streamed=longest)
    app.add_middleware(SizeLimit, streamed=longest)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.widget_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["content-type", "idempotency-key", *mcp.HEADERS],
        max_age=3600,
    )
    app.add_middleware(OneSnapshot, library=desk.library)
    app.add_middleware(SecurityHeaders, framed={panel.ADDRESS: settings.panel_origins})
    app.add_middleware(Compressed)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    problems.install(app)
    problems.document(app)
    api_routes, page_routes = _routes()
    app.router.routes += api_routes
    mcp.mount(app)
    app.router.routes += page_routes
    app.router.routes += readings.router.routes
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    health.install(app)
    _add_description(app)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 303:  # to the sign-in
            return Response(status_code=303, headers=error.headers)
        if request.url.path.startswith("/api/") or request.url.path == mcp.PATH:
            return problems.of_http_exception(error)
        return pages.error_page(request, error)

    return app


def _routes() -> tuple[list[BaseRoute], list[BaseRoute]]:
    """The routes of the APIs and those of the pages, as their routers have them.

    To include a router works each of its routes out again, which took 0.3 s of a start. What an application has of its
    own, such as its settings, they find in the state of the one that is asked.
    """
    return [*api.router.routes, *zendesk.router.routes], list(pages.router.routes)


def _add_description(app: FastAPI) -> None:
    @app.get(reference.OPENAPI, include_in_schema=False)
    def description() -> JSONResponse:
        return JSONResponse(app.openapi())


async def _watch(*looks: Callable[[], object]) -> None:
    """Has every one look, one after another, again and again."""
    was_gone = False
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        gone = False
        for look in looks:
            try:
                await asyncio.to_thread(look)
            except StoreUnavailable as error:  # every look would tell the same, with the way through the driver
                if not (gone or was_gone):
                    _log.warning("looking for news waits for the database: %s", error)
                gone = True
            except Exception:  # a fault of one must not end the looking: the next look may go well
                _log.exception("looking for news failed")
        was_gone = gone
