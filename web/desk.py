"""Opens what the settings name: the help desk over its snapshot and database, and what works beside it.

No page, route or model of the API is imported here, so that a command starts without them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.accounts import Accounts
from bot.audit import SqlAuditLog
from bot.clock import shared_clock
from bot.database import migrate, open_engine, shared_secret
from bot.events import SqlEventStore
from bot.gaps.failures import SqlFailures
from bot.gaps.keeper import GapKeeper
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.learning import SqlLearningStore
from bot.library import Library
from bot.outbox import SqlOutbox
from bot.passwords import Passwords
from bot.people_store import SqlPeopleStore
from bot.reports.hold_out import HoldOut
from bot.reports.reports import Reports
from bot.reports.spikes import Spike
from bot.service import HelpDesk
from bot.spool import Spool
from bot.spooled_events import SpooledEvents
from kb.snapshot import Snapshot, current_id
from kb.vector_cache import cache_file
from web import handoff
from web.addresses import spike_page
from web.settings import Settings
from web.sharing import folder_opener, open_place


def open_desk(
    settings: Settings, *, serving: bool = False, opening: Future[Snapshot] | None = None
) -> tuple[HelpDesk, sa.Engine]:
    """The help desk of these settings, its database up to date; `serving` for longer than one question.

    `opening` is the snapshot in use, where somebody opens it already.

    Raises a SnapshotError where there is no usable snapshot, StoreUnavailable where the database cannot be written.
    """
    learning, engine = open_learning(settings)
    clock = shared_clock(engine)
    place = open_place(settings, engine, serving=serving, now=clock)
    library = Library(settings.data, learning, place, _opener(settings, engine, opening))
    outbox = SqlOutbox(engine)
    spooled = SpooledEvents(SqlEventStore(engine), Spool(settings.data / "spool", new_id))
    desk = HelpDesk(
        library=library,
        events=spooled,
        inbox=SqlInbox(engine, new_id, settings.response_times, outgoing=handoff.outgoing(settings, outbox)),
        learning=learning,
        now=clock,
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


def open_accounts(
    engine: sa.Engine, passwords: Passwords | None = None, now: Callable[[], datetime] | None = None
) -> Accounts:
    """Who may do what, in a database that is up to date."""
    store, log = SqlPeopleStore(engine), SqlAuditLog(engine)
    return Accounts(store, log, passwords or Passwords(), now or shared_clock(engine), new_id)


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

    def address(spike: Spike) -> str:
        return f"{settings.base_url}{spike_page(spike)}" if settings.base_url else ""

    return Reports(engine, ZoneInfo(settings.time_zone), hold_out, topic_of, told, address)
