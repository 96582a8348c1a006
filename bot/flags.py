"""The `FlagStore` seam: what agents say is wrong with articles, kept until somebody mends or rejects it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from bot import privacy
from bot.database import parts, reachable
from bot.errors import FlagInvalid, FlagUnknown, Message
from bot.tables import article_flags as table
from kb.models import Article, version_of

FlagKind = Literal["wrong", "outdated", "missing"]
FlagState = Literal["open", "done", "rejected"]
KINDS: tuple[FlagKind, ...] = get_args(FlagKind)
STATES: tuple[FlagState, ...] = get_args(FlagState)
MAX_COMMENT = 2_000


@dataclass(frozen=True, slots=True)
class Flag:
    """What one person says is wrong with an article: "it is wrong", "it is outdated", "a step is missing".

    `lang` is the language it was read in, `version` says which words it had then (see `version_of`). `ticket_id` is ""
    where it was no ticket of this desk. `reason` says why it was closed as it was.
    """

    id: str
    article_id: str
    lang: str
    kind: FlagKind
    at: datetime
    who: str
    who_name: str = ""
    comment: str = ""
    ticket_id: str = ""
    version: str = ""
    state: FlagState = "open"
    reason: str = ""
    closed_by: str = ""
    closed_at: datetime | None = None

    @property
    def open_key(self) -> str | None:
        """Equal for the flags that one person can have only one of."""
        named = json.dumps([self.who, self.article_id, self.kind])
        return hashlib.sha256(named.encode()).hexdigest() if self.state == "open" else None

    def __repr__(self) -> str:
        return f"<Flag {self.kind} on {self.article_id}, {self.state}>"  # no name or comment in a log


class FlagStore(Protocol):
    """Keeps flags. Every method may raise StoreUnavailable; nothing is changed then."""

    def add(self, flag: Flag) -> Flag:
        """The flag as it is kept; where this person has an open one of the kind on the article, that one.

        Its comment is then the last one that says anything.
        """
        ...

    def get(self, flag_id: str) -> Flag:
        """Raises FlagUnknown."""
        ...

    def find(
        self,
        *,
        articles: Collection[str] | None = None,
        kind: FlagKind | None = None,
        state: FlagState | None = None,
        limit: int = 1_000,
    ) -> tuple[Flag, ...]:
        """Those that fit, the newest first; of all articles where None are given."""
        ...

    def close(self, flag_id: str, state: FlagState, reason: str, by: str, at: datetime) -> Flag:
        """Closes it as "done" or "rejected"; one that is closed already stays as it is. Raises FlagUnknown."""
        ...

    def reopen(self, flag_id: str) -> Flag:
        """Opens it again; where the same person flagged the same again meanwhile, that flag. Raises FlagUnknown."""
        ...

    def count(self) -> int:
        """How many are open."""
        ...


def changed_since(flag: Flag, article: Article) -> bool:
    """Whether the article says something else than when it was flagged, or was committed on a later day."""
    day = flag.at.date().isoformat()
    return flag.version not in ("", version_of(article)) or (article.changed[:10] > day)


def raise_flag(store: FlagStore, flag: Flag) -> Flag:
    """Keeps a flag, personal data in its comment masked. Raises FlagInvalid or StoreUnavailable."""
    if flag.kind not in KINDS:
        raise FlagInvalid(f"{flag.kind!r} is no kind of flag. Give one of {', '.join(KINDS)}.")
    return store.add(replace(flag, comment=_kept(flag.comment)))


def close_flag(store: FlagStore, flag_id: str, state: str, reason: str, by: str, at: datetime) -> Flag:
    """Closes a flag as "done", or as "rejected" with a reason. Raises FlagInvalid, FlagUnknown or StoreUnavailable."""
    if state not in ("done", "rejected"):
        raise FlagInvalid(f"A flag is closed as done or rejected, not as {state!r}.")
    written = _kept(reason)
    if state == "rejected" and not written:
        raise FlagInvalid(Message("Say in a few words why nothing is changed, so that the agent knows."))
    return store.close(flag_id, "done" if state == "done" else "rejected", written, by, at)


def _kept(text: str) -> str:
    written = privacy.printable(text).strip()
    if len(written) > MAX_COMMENT:
        raise FlagInvalid(
            Message(
                "Shorten the comment to %(limit)s characters or fewer; it has %(count)s.",
                limit=MAX_COMMENT,
                count=len(written),
            )
        )
    return privacy.mask(written)


class MemoryFlagStore:
    """A fake for tests and for trying things out: a dictionary."""

    def __init__(self) -> None:
        self._flags: dict[str, Flag] = {}
        self._lock = threading.Lock()

    def add(self, flag: Flag) -> Flag:
        with self._lock:
            if known := self._open_like(flag):
                flag = replace(known, comment=flag.comment or known.comment)
            self._flags[flag.id] = flag
        return flag

    def get(self, flag_id: str) -> Flag:
        if flag_id not in self._flags:
            raise _unknown(flag_id)
        return self._flags[flag_id]

    def find(
        self,
        *,
        articles: Collection[str] | None = None,
        kind: FlagKind | None = None,
        state: FlagState | None = None,
        limit: int = 1_000,
    ) -> tuple[Flag, ...]:
        found = (
            flag
            for flag in self._flags.values()
            if (articles is None or flag.article_id in articles)
            and kind in (None, flag.kind)
            and state in (None, flag.state)
        )
        return tuple(sorted(found, key=_newest)[:limit])

    def close(self, flag_id: str, state: FlagState, reason: str, by: str, at: datetime) -> Flag:
        return self._change(flag_id, "open", state=state, reason=reason, closed_by=by, closed_at=at)

    def reopen(self, flag_id: str) -> Flag:
        flag = replace(self.get(flag_id), state="open")
        return self._open_like(flag) or self._change(flag_id, "", state="open", reason="", closed_by="", closed_at=None)

    def count(self) -> int:
        return len(self.find(state="open"))

    def _open_like(self, flag: Flag) -> Flag | None:
        return next((known for known in self._flags.values() if known.open_key == flag.open_key), None)

    def _change(self, flag_id: str, only: str, **values: Any) -> Flag:
        with self._lock:
            flag = self.get(flag_id)
            if only in ("", flag.state):
                self._flags[flag_id] = replace(flag, **values)
            return self._flags[flag_id]


class SqlFlagStore:
    """Flags in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, flag: Flag) -> Flag:
        same = table.c.open_key == flag.open_key
        with reachable("The flag could not be stored"):
            while True:
                try:
                    with self._engine.begin() as connection:
                        connection.execute(table.insert().values(**asdict(flag), open_key=flag.open_key))
                    return flag
                except sa.exc.IntegrityError:
                    with self._engine.begin() as connection:
                        if flag.comment:
                            connection.execute(table.update().where(same).values(comment=flag.comment))
                        known = connection.execute(table.select().where(same)).first()
                    if known is not None:  # else somebody closed it just now, and there is room for a new one
                        return _flag(known)

    def get(self, flag_id: str) -> Flag:
        with reachable("The flag could not be read"), self._engine.connect() as connection:
            return _one(connection, flag_id)

    def find(
        self,
        *,
        articles: Collection[str] | None = None,
        kind: FlagKind | None = None,
        state: FlagState | None = None,
        limit: int = 1_000,
    ) -> tuple[Flag, ...]:
        wanted = [column == value for column, value in ((table.c.kind, kind), (table.c.state, state)) if value]
        query = table.select().where(*wanted).order_by(table.c.at.desc(), table.c.id).limit(limit)
        with reachable("The flags could not be read"), self._engine.connect() as connection:
            if articles is None:
                return tuple(map(_flag, connection.execute(query)))
            found: list[Flag] = []
            for part in parts(articles):
                found += map(_flag, connection.execute(query.where(table.c.article_id.in_(part))))
        return tuple(sorted(found, key=_newest)[:limit])

    def close(self, flag_id: str, state: FlagState, reason: str, by: str, at: datetime) -> Flag:
        closed = {"state": state, "reason": reason, "closed_by": by, "closed_at": at, "open_key": None}
        return self._change(flag_id, lambda flag: closed if flag.state == "open" else {})

    def reopen(self, flag_id: str) -> Flag:
        opened = {"state": "open", "reason": "", "closed_by": "", "closed_at": None}
        key = replace(self.get(flag_id), state="open").open_key
        try:
            return self._change(flag_id, lambda _: {**opened, "open_key": key})
        except sa.exc.IntegrityError:
            with reachable("The flag could not be read"), self._engine.connect() as connection:
                return _flag(connection.execute(table.select().where(table.c.open_key == key)).one())

    def count(self) -> int:
        query = sa.select(sa.func.count()).where(table.c.state == "open")
        with reachable("The flags could not be counted"), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _change(self, flag_id: str, change: Callable[[Flag], dict[str, Any]]) -> Flag:
        with reachable("The flag could not be changed"), self._engine.begin() as connection:
            # Writing before reading takes the row's lock, so that nobody closes it another way meanwhile.
            connection.execute(table.update().where(table.c.id == flag_id).values(id=table.c.id))
            if values := change(_one(connection, flag_id)):
                connection.execute(table.update().where(table.c.id == flag_id).values(values))
            return _one(connection, flag_id)


def _one(connection: sa.Connection, flag_id: str) -> Flag:
    row = connection.execute(table.select().where(table.c.id == flag_id)).first()
    if row is None:
        raise _unknown(flag_id)
    return _flag(row)


def _flag(row: sa.Row[Any]) -> Flag:
    values = dict(row._mapping)
    del values["open_key"]
    return Flag(**values)


def _newest(flag: Flag) -> tuple[float, str]:
    return -flag.at.timestamp(), flag.id


def _unknown(flag_id: str) -> FlagUnknown:
    return FlagUnknown(f"There is no flag with the id {flag_id!r}.")
