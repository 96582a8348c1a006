"""Where these settings keep published snapshots, and how they have them opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import SharedClock, shared_clock
from bot.database import migrate, open_engine
from kb.place import FolderPlace, Place
from kb.snapshot import Snapshot, open_snapshot

if TYPE_CHECKING:
    import sqlalchemy as sa

    from bot.shared.vectors import Generations
    from web.settings import Settings


def open_place(
    settings: Settings, engine: sa.Engine, *, serving: bool = False, now: Callable[[], datetime] | None = None
) -> Place:
    """Where published snapshots are, over a database that is up to date.

    `serving`: what this process answers from is kept as long as it does. `now` is the time that all servers over the
    database share; None where there is no such clock yet.
    """
    server = f"{socket.gethostname()}-{os.getpid()}" if serving else ""
    place: Place = FolderPlace(settings.data, server)
    if settings.snapshots == "database":
        from bot.shared.snapshots import SqlPlace

        now = now or shared_clock(engine)
        place = SqlPlace(engine, settings.data, now, server)
    if settings.vectors == "pgvector":
        from bot.shared.searched import SearchedPlace

        place = SearchedPlace(place, _generations(settings, engine, now or shared_clock(engine)), settings.data)
    return place


def folder_opener(settings: Settings, engine: sa.Engine) -> Callable[[Path], Snapshot]:
    """What opens the folder of a snapshot."""
    if settings.vectors == "faiss":
        return open_snapshot
    from bot.shared.searched import open_searched

    return partial(open_searched, _generations(settings, engine, SharedClock(engine)))  # which writes nothing


def open_in_use(settings: Settings) -> Snapshot:
    """The snapshot in use, verified, brought here where it lies in the database; its vectors are those of its files.

    Raises a SnapshotError or StoreUnavailable.
    """
    with place_to_publish(settings) as place:
        return open_snapshot(place.fetch(place.wanted()[0]))


@contextmanager
def place_to_publish(settings: Settings) -> Iterator[Place]:
    """Where a command publishes: a build into a folder needs no database. Raises StoreUnavailable."""
    if settings.snapshots == "folder" and settings.vectors == "faiss":
        yield FolderPlace(settings.data)
        return
    engine = open_engine(settings.database)
    try:
        migrate(engine)
        yield open_place(settings, engine)
    finally:
        engine.dispose()


def _generations(settings: Settings, engine: sa.Engine, now: Callable[[], datetime]) -> Generations:
    from bot.shared.vectors import Generations

    return Generations(engine, _searching(settings.database), now)


@cache
def _searching(url: str) -> sa.Engine:
    """One for all snapshots of a process, so that a new one finds connections open."""
    from bot.shared.vectors import open_vector_engine

    return open_vector_engine(url)
