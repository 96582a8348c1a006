"""The `PeopleStore` seam: people, their sessions, one-time links and API tokens. Secrets are kept as hashes alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.audit import AuditEntry, keep_entry
from bot.database import reachable
from bot.errors import AccountInvalid, LastAdmin, Message, PersonUnknown
from bot.people import ROLES, ApiToken, Link, LinkKind, People, Person, Role, Session, address_key
from bot.tables import api_tokens, people, people_links, people_sessions


class PeopleStore(Protocol):
    """Keeps people and what lets them in. An e-mail address belongs to one person, in whatever letters it is written.

    Every method may raise StoreUnavailable; nothing is kept then. An `entry` for the audit log is written together with
    what it tells: both are kept, or neither is.
    """

    def add(self, person: Person, entry: AuditEntry | None = None) -> None:
        """Raises AccountInvalid where the address belongs to somebody already."""
        ...

    def person(self, person_id: str) -> Person:
        """Raises PersonUnknown."""
        ...

    def by_email(self, email: str) -> Person | None: ...

    def find(
        self,
        *,
        text: str = "",
        role: Role | None = None,
        active: bool | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> People:
        """In order of their addresses; `text` stands in the name or the address, in capital letters or small ones."""
        ...

    def change(self, person: Person, entry: AuditEntry | None = None) -> None:
        """Gives a person this name, language, roles, groups and state; address and password stay.

        Who has other roles or groups afterwards, or is not active, is signed out everywhere; who is not active has no
        links left. Raises PersonUnknown, or LastAdmin where no active admin would be left.
        """
        ...

    def password(self, person_id: str) -> str:
        """The hash, "" where there is none. Raises PersonUnknown."""
        ...

    def set_password(self, person_id: str, password: str, *, keep: str = "", entry: AuditEntry | None = None) -> None:
        """Keeps a hash. All sessions but the one with the digest `keep`, and all links of the person, end."""
        ...

    def rehash(self, person_id: str, password: str) -> None:
        """Keeps another hash of the same password; nothing ends."""
        ...

    def start(self, session: Session) -> None:
        """Keeps a session, which is the person's last sign-in."""
        ...

    def session(self, digest: str) -> tuple[Session, Person] | None: ...

    def sessions(self, person_id: str) -> tuple[Session, ...]:
        """The one seen last first."""
        ...

    def seen(self, digest: str, at: datetime) -> None: ...

    def end(self, digest: str) -> None: ...

    def end_all(self, person_id: str, entry: AuditEntry | None = None) -> None: ...

    def clean(self, *, started: datetime, seen: datetime, now: datetime) -> None:
        """Removes sessions that started or were seen before these times, and links that expired."""
        ...

    def offer(self, link: Link, entry: AuditEntry | None = None) -> None:
        """Keeps a link. Earlier ones for the same person, or for a setup, end."""
        ...

    def link(self, digest: str, now: datetime) -> Link | None:
        """A link that still works."""
        ...

    def use(
        self,
        digest: str,
        now: datetime,
        password: str,
        first: Person | None = None,
        entry: AuditEntry | None = None,
    ) -> str | None:
        """Has a link set a password, and a setup add the `first` person; the id of whose password it is.

        None where the link does not work, or somebody is there already who has been set up. It works no more after
        that; all sessions of the person end. Raises AccountInvalid as `add`.
        """
        ...

    def add_token(self, token: ApiToken, entry: AuditEntry | None = None) -> None: ...

    def token(self, digest: str) -> tuple[ApiToken, Person] | None: ...

    def tokens(self, owner_id: str = "") -> tuple[ApiToken, ...]:
        """Of one owner or of all, the newest first; those that expired or were revoked too."""
        ...

    def used(self, token_id: str, at: datetime) -> None: ...

    def revoke(self, token_id: str, at: datetime, entry: AuditEntry | None = None) -> None:
        """It works no more; one that was revoked stays as it is."""
        ...


def taken(email: str) -> AccountInvalid:
    """What a store raises where an address belongs to somebody already."""
    words = Message("Somebody with the address %(email)s is on the list already. Change that entry.", email=email)
    return AccountInvalid({"email": words})


def unknown(person_id: str) -> PersonUnknown:
    """What a store raises where there is no such person."""
    return PersonUnknown(f"There is no person with the id {person_id!r}.")


def last_admin() -> LastAdmin:
    """What a store raises where no active admin would be left."""
    return LastAdmin(Message("This is the last administrator. Make somebody else one first."))


class SqlPeopleStore:
    """Keeps people in a database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with reachable("People could not be changed"), self._engine.begin() as connection:
            yield connection

    def _read(self, query: sa.Select[Any]) -> list[Any]:
        with reachable("People could not be read"), self._engine.connect() as connection:
            return list(connection.execute(query))

    def add(self, person: Person, entry: AuditEntry | None = None) -> None:
        with self._write() as connection:
            _insert(connection, person, "")
            keep_entry(connection, entry)

    def person(self, person_id: str) -> Person:
        rows = self._read(people.select().where(people.c.id == person_id))
        if not rows:
            raise unknown(person_id)
        return _person(rows[0])

    def by_email(self, email: str) -> Person | None:
        rows = self._read(people.select().where(people.c.email_key == address_key(email)))
        return _person(rows[0]) if rows else None

    def find(
        self,
        *,
        text: str = "",
        role: Role | None = None,
        active: bool | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> People:
        which: list[sa.ColumnElement[bool]] = []
        if text:
            which.append(people.c.search.contains(text.casefold(), autoescape=True))
        if role:
            which.append(_has(role))
        if active is not None:
            which.append(people.c.active == active)
        query = people.select().where(*which).order_by(people.c.email_key).limit(limit).offset(offset)
        total = self._read(sa.select(sa.func.count()).select_from(people).where(*which))[0][0]
        return People(total, tuple(map(_person, self._read(query))))

    def change(self, person: Person, entry: AuditEntry | None = None) -> None:
        with self._write() as connection:
            admins = sa.select(people.c.id).where(_has("admin"), people.c.active)
            # Of two admins who remove each other at once, one has to wait for the other here.
            before = connection.execute(admins.order_by(people.c.id).with_for_update()).scalars().all()
            old = connection.execute(people.select().where(people.c.id == person.id).with_for_update()).first()
            if old is None:
                raise unknown(person.id)
            changed = {**_row(person), "search": _search(person, old.email)}
            connection.execute(people.update().where(people.c.id == person.id).values(changed))
            if before and connection.execute(admins.limit(1)).first() is None:
                raise last_admin()
            now = _person(connection.execute(people.select().where(people.c.id == person.id)).one())
            was = _person(old)
            if (now.roles, now.groups, now.active) != (was.roles, was.groups, was.active):
                _end_sessions(connection, person.id)
            if not now.active:
                connection.execute(people_links.delete().where(people_links.c.person_id == person.id))
            keep_entry(connection, entry)

    def password(self, person_id: str) -> str:
        rows = self._read(sa.select(people.c.password).where(people.c.id == person_id))
        if not rows:
            raise unknown(person_id)
        return str(rows[0].password)

    def set_password(self, person_id: str, password: str, *, keep: str = "", entry: AuditEntry | None = None) -> None:
        with self._write() as connection:
            _set_password(connection, person_id, password, keep)
            keep_entry(connection, entry)

    def rehash(self, person_id: str, password: str) -> None:
        with self._write() as connection:
            connection.execute(people.update().where(people.c.id == person_id).values(password=password))

    def start(self, session: Session) -> None:
        row = {name: getattr(session, name) for name in ("digest", "person_id", "started", "seen", "address")}
        with self._write() as connection:
            connection.execute(people_sessions.insert().values(row))
            signed_in = people.update().where(people.c.id == session.person_id)
            connection.execute(signed_in.values(last_sign_in=session.started))

    def session(self, digest: str) -> tuple[Session, Person] | None:
        joined = people_sessions.join(people, people.c.id == people_sessions.c.person_id)
        own = [column.label(f"session_{column.name}") for column in people_sessions.c]
        query = sa.select(people, *own).select_from(joined).where(people_sessions.c.digest == digest)
        rows = self._read(query)
        if not rows:
            return None
        return Session(*(rows[0]._mapping[label.name] for label in own)), _person(rows[0])

    def sessions(self, person_id: str) -> tuple[Session, ...]:
        query = people_sessions.select().where(people_sessions.c.person_id == person_id)
        rows = self._read(query.order_by(people_sessions.c.seen.desc(), people_sessions.c.digest))
        return tuple(Session(*row) for row in rows)

    def seen(self, digest: str, at: datetime) -> None:
        with self._write() as connection:
            connection.execute(people_sessions.update().where(people_sessions.c.digest == digest).values(seen=at))

    def end(self, digest: str) -> None:
        with self._write() as connection:
            connection.execute(people_sessions.delete().where(people_sessions.c.digest == digest))

    def end_all(self, person_id: str, entry: AuditEntry | None = None) -> None:
        with self._write() as connection:
            _end_sessions(connection, person_id)
            keep_entry(connection, entry)

    def clean(self, *, started: datetime, seen: datetime, now: datetime) -> None:
        old = sa.or_(people_sessions.c.started < started, people_sessions.c.seen < seen)
        with self._write() as connection:
            connection.execute(people_sessions.delete().where(old))
            connection.execute(people_links.delete().where(people_links.c.expires <= now))

    def offer(self, link: Link, entry: AuditEntry | None = None) -> None:
        row = {name: getattr(link, name) for name in ("digest", "kind", "created", "expires")}
        with self._write() as connection:
            connection.execute(people_links.delete().where(_links_of(link.person_id)))
            connection.execute(people_links.insert().values(**row, person_id=link.person_id or None))
            keep_entry(connection, entry)

    def link(self, digest: str, now: datetime) -> Link | None:
        rows = self._read(people_links.select().where(people_links.c.digest == digest, people_links.c.expires > now))
        return _link(rows[0]) if rows else None

    def use(
        self,
        digest: str,
        now: datetime,
        password: str,
        first: Person | None = None,
        entry: AuditEntry | None = None,
    ) -> str | None:
        works = sa.and_(people_links.c.digest == digest, people_links.c.expires > now)
        with self._write() as connection:
            row = connection.execute(people_links.select().where(works)).first()
            # Whoever removes it has used it: of two at once the database lets one do that.
            if row is None or connection.execute(people_links.delete().where(works)).rowcount != 1:
                return None
            if row.kind != "setup":
                _set_password(connection, row.person_id, password)
                keep_entry(connection, entry)
                return str(row.person_id)
            if first is None or connection.execute(sa.select(people.c.id).limit(1)).first():
                return None
            _insert(connection, first, password)
            keep_entry(connection, entry)
            return first.id

    def add_token(self, token: ApiToken, entry: AuditEntry | None = None) -> None:
        row = {name: getattr(token, name) for name in ApiToken.__slots__}
        with self._write() as connection:
            connection.execute(api_tokens.insert().values(row | {"scopes": sorted(token.scopes)}))
            keep_entry(connection, entry)

    def token(self, digest: str) -> tuple[ApiToken, Person] | None:
        joined = api_tokens.join(people, people.c.id == api_tokens.c.owner_id)
        own = [column.label(f"token_{column.name}") for column in api_tokens.c]
        rows = self._read(sa.select(people, *own).select_from(joined).where(api_tokens.c.digest == digest))
        if not rows:
            return None
        return _token({label.name.removeprefix("token_"): rows[0]._mapping[label.name] for label in own}), _person(
            rows[0]
        )

    def tokens(self, owner_id: str = "") -> tuple[ApiToken, ...]:
        which = [api_tokens.c.owner_id == owner_id] if owner_id else []
        rows = self._read(api_tokens.select().where(*which).order_by(api_tokens.c.created.desc(), api_tokens.c.id))
        return tuple(_token(row._mapping) for row in rows)

    def used(self, token_id: str, at: datetime) -> None:
        with self._write() as connection:
            connection.execute(api_tokens.update().where(api_tokens.c.id == token_id).values(used=at))

    def revoke(self, token_id: str, at: datetime, entry: AuditEntry | None = None) -> None:
        works = sa.and_(api_tokens.c.id == token_id, api_tokens.c.revoked.is_(None))
        with self._write() as connection:
            connection.execute(api_tokens.update().where(works).values(revoked=at))
            keep_entry(connection, entry)


def _has(role: Role) -> sa.ColumnElement[bool]:
    return people.c.roles.contains(f",{role},", autoescape=True)


def _search(person: Person, email: str) -> str:
    return f"{person.name}\n{email}".casefold()


def _row(person: Person) -> dict[str, Any]:
    """The columns that `change` may write."""
    return {
        "name": person.name,
        "roles": "".join(f",{role}" for role in ROLES if role in person.roles) + ",",
        "groups": sorted(person.groups),
        "lang": person.lang,
        "active": person.active,
    }


def _insert(connection: sa.Connection, person: Person, password: str) -> None:
    row = {**_row(person), "id": person.id, "created": person.created, "search": _search(person, person.email)}
    try:
        connection.execute(
            people.insert().values(**row, email=person.email, email_key=address_key(person.email), password=password)
        )
    except IntegrityError:
        raise taken(person.email) from None


def _person(row: Any) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        created=row.created,
        roles=frozenset(role for role in ROLES if f",{role}," in row.roles),
        groups=frozenset(row.groups),
        lang=row.lang,
        active=row.active,
        has_password=bool(row.password),
        last_sign_in=row.last_sign_in,
    )


def _link(row: Any) -> Link:
    kind: LinkKind = row.kind
    return Link(row.digest, kind, row.person_id or "", row.created, row.expires)


def _token(row: Any) -> ApiToken:
    return ApiToken(**{**row, "scopes": frozenset(row["scopes"])})


def _links_of(person_id: str) -> sa.ColumnElement[bool]:
    return people_links.c.person_id == person_id if person_id else people_links.c.person_id.is_(None)


def _end_sessions(connection: sa.Connection, person_id: str, keep: str = "") -> None:
    which = sa.and_(people_sessions.c.person_id == person_id, people_sessions.c.digest != keep)
    connection.execute(people_sessions.delete().where(which))


def _set_password(connection: sa.Connection, person_id: str, password: str, keep: str = "") -> None:
    connection.execute(people.update().where(people.c.id == person_id).values(password=password))
    _end_sessions(connection, person_id, keep)
    connection.execute(people_links.delete().where(_links_of(person_id)))
