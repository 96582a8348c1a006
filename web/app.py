"""Puts the application together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot.accounts import Accounts
from bot.alike import SolvedTickets
from bot.beside import Adviser
from bot.clock import SharedClock
from bot.database import shared_secret
from bot.errors import StoreUnavailable
from bot.feedback import SqlFeedbackStore
from bot.flags import SqlFlagStore
from bot.outbox import SqlOutbox
from bot.readership import Readership, SqlReadStore
from bot.retention import Retention
from bot.service import HelpDesk
from bot.solved import SqlSolvedStore
from bot.worklist import SqlWorklist
from kb.vector_cache import cache_file
from web import api, handoff, health, problems, readings
from web.access_log import Watched
from web.addresses import OPENAPI, PANEL
from web.capacity import Shedding
from web.desk import open_accounts, open_gaps, open_reports
from web.late import Complete, LateRoutes
from web.limits import Limits
from web.mcp import http as mcp
from web.metrics import SNAPSHOT_SWITCH, SPOOL_ASIDE, SPOOL_DEPTH, SPOOL_REFUSED, Metrics
from web.middleware import Compressed, OneSnapshot, SecurityHeaders, SizeLimit
from web.notice import NoticeBoard
from web.pages import forms
from web.publishing import Process, Publishing, open_publisher
from web.readings import Counting, Readings
from web.request_id import Networks
from web.settings import Settings
from web.tokens import FormTokens

_log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
#: How often the server looks whether a new snapshot was published or something was learned, in seconds.
_LOOK_EVERY_S = 2.0


def create_app(
    settings: Settings, desk: HelpDesk, engine: sa.Engine, accounts: Accounts | None = None, *, soon: bool = False
) -> FastAPI:
    """The web application: pages, widget and API over one help desk.

    `soon` has it answer the first questions before all pages are loaded: see `web.late`.
    """

    metrics = Metrics()
    desk = replace(desk, observer=Counting(metrics, lambda: desk.library.searcher.snapshot.languages))
    if waiting := desk.spooled:
        waiting.told = desk.learn_from
        metrics.read(SPOOL_DEPTH, lambda: waiting.spool.depth)
        metrics.read(SPOOL_REFUSED, lambda: waiting.spool.refused)
        metrics.read(SPOOL_ASIDE, lambda: {(why,): number for why, number in waiting.spool.aside.kept.items()})
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
                late.load,
                *([desk.now.refresh] if isinstance(desk.now, SharedClock) else []),
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
    late = LateRoutes(app)
    app.state.settings, app.state.desk, app.state.engine = settings, desk, engine
    app.state.metrics, app.state.trusted = metrics, Networks(settings.trusted_proxies)
    app.state.outbox, app.state.outgoing = outbox, handoff.outgoing(settings, outbox)
    app.state.accounts = accounts or open_accounts(engine, now=desk.now)
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
        from web import push_webhook

        longest[push_webhook.ADDRESS] = push_webhook.LONGEST
    app.add_middleware(Complete, late=late)
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
    app.add_middleware(SecurityHeaders, framed={PANEL: settings.panel_origins})
    app.add_middleware(Compressed)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    problems.install(app)
    problems.document(app)
    app.router.routes += [*api.router.routes, *readings.router.routes]
    mcp.mount(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    health.install(app)
    _add_description(app)
    if not soon:
        late.load()

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 303:  # to the sign-in
            return Response(status_code=303, headers=error.headers)
        if request.url.path.startswith("/api/") or request.url.path == mcp.PATH:
            return problems.of_http_exception(error)
        from web.pages.failures import error_page

        return error_page(request, error)

    return app


def _add_description(app: FastAPI) -> None:
    @app.get(OPENAPI, include_in_schema=False)
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
