"""A database of its own for each test of reports, in memory: a copy of one whose tables are made once."""

from __future__ import annotations

import sqlite3
import weakref
from functools import cache

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from bot.tables import metadata


def empty_database() -> sa.Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(_tables())
        return connection

    engine = sa.create_engine("sqlite://", poolclass=StaticPool, creator=connect)
    weakref.finalize(engine, engine.pool.dispose)
    return engine


@cache
def _tables() -> bytes:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as connection:
        made = connection.connection.driver_connection
        assert isinstance(made, sqlite3.Connection)
        content = made.serialize()
    engine.dispose()
    return content
