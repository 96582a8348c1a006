"""People who are forgotten when the process ends: the fake of the `PeopleStore` seam."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

from bot.audit import AuditEntry, AuditLog
from bot.people import ApiToken, Link, People, Person, Role, Session, address_key
from bot.people_store import last_admin, taken, unknown


class MemoryPeopleStore:
    """A fake for tests: dictionaries."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._people: dict[str, Person] = {}
        self._passwords: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        self._links: dict[str, Link] = {}
        self._tokens: dict[str, ApiToken] = {}
        self._lock = threading.RLock()

    def add(self, person: Person, entry: AuditEntry | None = None) -> None:
        with self._lock:
            if self.by_email(person.email):
                raise taken(person.email)
            self._people[person.id] = person
            self._passwords[person.id] = ""
            self._keep(entry)

    def person(self, person_id: str) -> Person:
        if person_id not in self._people:
            raise unknown(person_id)
        return self._people[person_id]

    def by_email(self, email: str) -> Person | None:
        wanted = address_key(email)
        return next((person for person in self._people.values() if address_key(person.email) == wanted), None)

    def find(
        self,
        *,
        text: str = "",
        role: Role | None = None,
        active: bool | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> People:
        rows = [
            person
            for person in sorted(self._people.values(), key=lambda each: address_key(each.email))
            if text.casefold() in f"{person.name}\n{person.email}".casefold()
            and (role is None or role in person.roles)
            and active in (None, person.active)
        ]
        return People(len(rows), tuple(rows[offset : offset + limit]))

    def change(self, person: Person, entry: AuditEntry | None = None) -> None:
        with self._lock:
            was = self.person(person.id)
            now = replace(
                was, name=person.name, lang=person.lang, roles=person.roles, groups=person.groups, active=person.active
            )
            others = (each for each in self._people.values() if each.id != person.id)
            left = [each for each in (*others, now) if each.active and "admin" in each.roles]
            if was.active and "admin" in was.roles and not left:
                raise last_admin()
            self._people[person.id] = now
            if (now.roles, now.groups, now.active) != (was.roles, was.groups, was.active):
                self.end_all(person.id)
            if not now.active:
                self._drop_links(person.id)
            self._keep(entry)

    def password(self, person_id: str) -> str:
        self.person(person_id)
        return self._passwords[person_id]

    def set_password(self, person_id: str, password: str, *, keep: str = "", entry: AuditEntry | None = None) -> None:
        with self._lock:
            self.rehash(person_id, password)
            self._sessions = {
                digest: session
                for digest, session in self._sessions.items()
                if session.person_id != person_id or digest == keep
            }
            self._drop_links(person_id)
            self._keep(entry)

    def rehash(self, person_id: str, password: str) -> None:
        self._passwords[person_id] = password
        self._people[person_id] = replace(self._people[person_id], has_password=bool(password))

    def start(self, session: Session) -> None:
        with self._lock:
            self._sessions[session.digest] = session
            person = self._people[session.person_id]
            self._people[person.id] = replace(person, last_sign_in=session.started)

    def session(self, digest: str) -> tuple[Session, Person] | None:
        found = self._sessions.get(digest)
        return (found, self._people[found.person_id]) if found else None

    def sessions(self, person_id: str) -> tuple[Session, ...]:
        own = [session for session in self._sessions.values() if session.person_id == person_id]
        return tuple(sorted(sorted(own, key=lambda each: each.digest), key=lambda each: each.seen, reverse=True))

    def seen(self, digest: str, at: datetime) -> None:
        if digest in self._sessions:
            self._sessions[digest] = replace(self._sessions[digest], seen=at)

    def end(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    def end_all(self, person_id: str, entry: AuditEntry | None = None) -> None:
        self._sessions = {
            digest: session for digest, session in self._sessions.items() if session.person_id != person_id
        }
        self._keep(entry)

    def clean(self, *, started: datetime, seen: datetime, now: datetime) -> None:
        self._sessions = {
            digest: session
            for digest, session in self._sessions.items()
            if session.started >= started and session.seen >= seen
        }
        self._links = {digest: link for digest, link in self._links.items() if link.expires > now}

    def offer(self, link: Link, entry: AuditEntry | None = None) -> None:
        with self._lock:
            self._drop_links(link.person_id)
            self._links[link.digest] = link
            self._keep(entry)

    def link(self, digest: str, now: datetime) -> Link | None:
        found = self._links.get(digest)
        return found if found and found.expires > now else None

    def use(
        self,
        digest: str,
        now: datetime,
        password: str,
        first: Person | None = None,
        entry: AuditEntry | None = None,
    ) -> str | None:
        with self._lock:
            link = self.link(digest, now)
            if link is None:
                return None
            if link.kind != "setup":
                self.set_password(link.person_id, password, entry=entry)
                return link.person_id
            del self._links[digest]
            if first is None or self._people:
                return None
            self.add(first, entry)
            self.rehash(first.id, password)
            return first.id

    def add_token(self, token: ApiToken, entry: AuditEntry | None = None) -> None:
        self._tokens[token.id] = token
        self._keep(entry)

    def token(self, digest: str) -> tuple[ApiToken, Person] | None:
        found = next((token for token in self._tokens.values() if token.digest == digest), None)
        return (found, self._people[found.owner_id]) if found else None

    def tokens(self, owner_id: str = "") -> tuple[ApiToken, ...]:
        own = [token for token in self._tokens.values() if owner_id in ("", token.owner_id)]
        return tuple(sorted(sorted(own, key=lambda each: each.id), key=lambda each: each.created, reverse=True))

    def used(self, token_id: str, at: datetime) -> None:
        self._tokens[token_id] = replace(self._tokens[token_id], used=at)

    def revoke(self, token_id: str, at: datetime, entry: AuditEntry | None = None) -> None:
        token = self._tokens[token_id]
        if token.revoked is None:
            self._tokens[token_id] = replace(token, revoked=at)
            self._keep(entry)

    def _drop_links(self, person_id: str) -> None:
        self._links = {digest: link for digest, link in self._links.items() if link.person_id != person_id}

    def _keep(self, entry: AuditEntry | None) -> None:
        if entry is not None:
            self._log.write(entry)
