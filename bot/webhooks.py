"""Which webhooks were taken, so that one that is sent again has no second effect."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.tables import webhooks_taken

#: A sender of Standard Webhooks tries again for some days; what is older than five minutes needs a new signature.
KEPT = timedelta(days=7)


class SqlWebhooks:
    """The ids of the senders, as hashes. What a webhook does has to be the same when it is done twice: two copies that
    arrive at once may both be taken.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def known(self, message_id: str) -> bool:
        """Whether it was taken before. Raises StoreUnavailable."""
        query = sa.select(webhooks_taken.c.at).where(webhooks_taken.c.id == _hash(message_id))
        with reachable("The webhook could not be read"), self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def keep(self, message_id: str, now: datetime) -> None:
        """Remembers it once its effect is stored, and forgets those of KEPT ago. Raises StoreUnavailable."""
        with reachable("The webhook could not be stored"), self._engine.begin() as connection:
            connection.execute(webhooks_taken.delete().where(webhooks_taken.c.at < now - KEPT))
            row = insert(connection, webhooks_taken).values(id=_hash(message_id), at=now)
            connection.execute(row.on_conflict_do_nothing(index_elements=["id"]))


def _hash(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()
