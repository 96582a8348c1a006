"""The `AuditLog` seam: who did what to people, tokens, the outbox and publications, when, and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from bot.database import reachable
from bot.tables import audit_log

Action = Literal[
    "set_up",
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "signed_out_everywhere",
    "password_changed",
    "person_added",
    "person_changed",
    "person_deactivated",
    "person_reactivated",
    "person_erased",
    "link_made",
    "token_made",
    "token_revoked",
    "token_refused",
    "sending_retried",
    "sending_discarded",
    "publication_asked",
    "publication_taken_back",
]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line. `actor` and `subject` are e-mail addresses, names of tokens, numbers in the outbox or of publications,
    or "" where nobody is known.

    `details` are a few words in English, such as `roles: agent, author`. `address` is masked.
    """

    at: datetime
    action: Action
    actor: str = ""
    subject: str = ""
    details: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log: `total` entries fit in all, the newest come first."""

    total: int
    rows: tuple[AuditEntry, ...]


class AuditLog(Protocol):
    """Keeps entries, and changes none. Every method may raise StoreUnavailable."""

    def write(self, entry: AuditEntry) -> None: ...

    def find(self, *, action: Action | None = None, text: str = "", limit: int = 100, offset: int = 0) -> AuditPage:
        """The newest first; `text` stands in the actor or the subject, in capital letters or small ones."""
        ...


def masked(host: str) -> str:
    """The network an address belongs to, /24 or /48: enough to tell a colleague from a stranger, and no more."""
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if address.version == 6:
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), 48), strict=False))
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/24", strict=False))


class MemoryAuditLog:
    """A fake for tests: a list."""

    def __init__(self) -> None:
        self._rows: list[AuditEntry] = []

    def write(self, entry: AuditEntry) -> None:
        self._rows.append(entry)

    def find(self, *, action: Action | None = None, text: str = "", limit: int = 100, offset: int = 0) -> AuditPage:
        wanted = text.casefold()
        rows = [
            row
            for row in reversed(self._rows)
            if action in (None, row.action) and (wanted in row.actor.casefold() or wanted in row.subject.casefold())
        ]
        return AuditPage(len(rows), tuple(rows[offset : offset + limit]))


class SqlAuditLog:
    """Keeps entries in a database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def write(self, entry: AuditEntry) -> None:
        with reachable("The audit log could not be written"), self._engine.begin() as connection:
            keep_entry(connection, entry)

    def find(self, *, action: Action | None = None, text: str = "", limit: int = 100, offset: int = 0) -> AuditPage:
        wanted: Callable[[sa.Select[Any]], sa.Select[Any]] = lambda query: query.where(  # noqa: E731
            *([audit_log.c.action == action] if action else []),
            *([audit_log.c.search.contains(text.casefold(), autoescape=True)] if text else []),
        )
        columns = [audit_log.c[name] for name in ("at", "action", "actor", "subject", "details", "address")]
        query = wanted(sa.select(*columns)).order_by(audit_log.c.id.desc()).limit(limit).offset(offset)
        with reachable("The audit log could not be read"), self._engine.connect() as connection:
            total = connection.execute(wanted(sa.select(sa.func.count()).select_from(audit_log))).scalar_one()
            return AuditPage(total, tuple(AuditEntry(*row) for row in connection.execute(query)))


def keep_entry(connection: sa.Connection, entry: AuditEntry | None) -> None:
    """Writes an entry, if there is one, in the transaction of what it tells: both are kept, or neither is."""
    if entry is not None:
        row = {name: getattr(entry, name) for name in AuditEntry.__slots__}
        connection.execute(audit_log.insert().values(**row, search=f"{entry.actor}\n{entry.subject}".casefold()))
