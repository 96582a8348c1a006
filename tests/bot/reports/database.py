"""A database of its own for each test of reports, in memory."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from bot.tables import metadata


def empty_database() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    return engine
