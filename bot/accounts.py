"""Signing in and out, and who may: people, one-time links and API tokens, each step in the audit log."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import passwords as rules
from bot.audit import Action, AuditEntry, AuditLog, masked
from bot.errors import AccountInvalid, LinkUnknown, Message, PersonUnknown, TokenExpired
from bot.passwords import Passwords
from bot.people import RIGHTS, ROLES, ApiToken, Caller, Link, LinkKind, Person, Right, Role, Session
from bot.people_store import PeopleStore
from bot.tickets import EMAIL
from kb.models import INTERNAL, PUBLIC

#: A month: long enough that nobody signs in each day on a machine of their own, short enough that a lost one ends.
SESSION_LASTS = timedelta(days=30)
#: A night: who left without signing out is signed out before the next person sits down at the desk.
SESSION_IDLE = timedelta(hours=12)
#: When a session or a token was used is written no more often, so that reading writes nothing.
_SEEN_EVERY = timedelta(minutes=1)
#: A reset and a setup are for somebody who waits for them; an invitation may lie in a mailbox over a weekend.
LINK_LASTS: dict[LinkKind, timedelta] = {
    "setup": timedelta(hours=24),
    "reset": timedelta(hours=24),
    "invitation": timedelta(days=7),
}
#: Days that a token may work for.
TOKEN_DAYS = (30, 90, 365)
TOKEN_PREFIX = "fl_"  # noqa: S105 - how each begins
_LONGEST_NAME = 80
_LONGEST_EMAIL = 254
_HINT = 8


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: an e-mail address or the name of a program, and the address it comes from."""

    actor: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """A person as a form or a command gives one."""

    email: str
    name: str
    roles: frozenset[Role] = frozenset()
    groups: frozenset[str] = frozenset()
    lang: str = ""


def new_secret() -> str:
    """256 bits that nobody can guess, as 43 letters."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a cookie, a link or a token. It is random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Decides who somebody is. Clock, ids and secrets come in as arguments. Every method may raise StoreUnavailable."""

    store: PeopleStore
    log: AuditLog
    passwords: Passwords
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str] = field(default=new_secret, repr=False)

    # --- sessions --------------------------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str, host: str) -> str | None:
        """What the browser's cookie is to hold; None where address and password do not go together.

        It takes the same time whether the address is known, has a password, or neither.
        """
        person = self.store.by_email(email)
        kept = self.store.password(person.id) if person and person.active else ""
        if not self.passwords.verify(password, kept) or person is None:
            # An address that nobody has may be a password typed into the wrong field: it is not kept.
            self._write("sign_in_failed", By(person.email if person else "", host))
            return None
        if self.passwords.outdated(kept):
            self.store.rehash(person.id, self.passwords.hash(password))
        self._write("signed_in", By(person.email, host), person.email)
        return self.start(person, host)

    def start(self, person: Person, host: str) -> str:
        """Signs a person in without a password; what the cookie is to hold."""
        now, secret = self.now(), self.new_secret()
        self.store.clean(started=now - SESSION_LASTS, seen=now - SESSION_IDLE, now=now)
        self.store.start(Session(digest(secret), person.id, now, now, masked(host)))
        return secret

    def of_session(self, secret: str) -> Caller | None:
        """Who is signed in with a cookie; None where that has ended."""
        found = self.store.session(digest(secret))
        if found is None:
            return None
        (session, person), now = found, self.now()
        if not person.active or now >= session.started + SESSION_LASTS or now >= session.seen + SESSION_IDLE:
            return None
        if now >= session.seen + _SEEN_EVERY:
            self.store.seen(session.digest, now)
        return person.caller()

    def sign_out(self, secret: str, by: By) -> None:
        self.store.end(digest(secret))
        self._write("signed_out", by, by.actor)

    def sign_out_everywhere(self, person_id: str, by: By) -> None:
        person = self.store.person(person_id)
        self.store.end_all(person_id, self._entry("signed_out_everywhere", by, person.email))

    # --- one-time links and passwords ------------------------------------------------------------------------------

    def setup_link(self) -> str:
        """What the address that makes the first admin ends with; "" where there is somebody. Earlier ones end."""
        return "" if self.store.find(limit=0).total else self._link("setup", "")

    def invite(self, person_id: str, by: By) -> tuple[str, LinkKind]:
        """What the address ends with where a person sets a password, and what kind of link it is. Earlier ones end."""
        person = self.store.person(person_id)
        if not person.active:
            raise AccountInvalid({"active": Message("Reactivate this person first.")})
        kind: LinkKind = "reset" if person.has_password else "invitation"
        return self._link(kind, person.id, self._entry("link_made", by, person.email, kind)), kind

    def _link(self, kind: LinkKind, person_id: str, entry: AuditEntry | None = None) -> str:
        now, secret = self.now(), self.new_secret()
        self.store.offer(Link(digest(secret), kind, person_id, now, now + LINK_LASTS[kind]), entry)
        return secret

    def opened(self, secret: str) -> tuple[Link, Person | None]:
        """A link and whose it is, nobody's for a setup. Raises LinkUnknown where it does not work."""
        link = self.store.link(digest(secret), self.now())
        if link is None or (link.kind == "setup" and self.store.find(limit=0).total):
            raise no_link()
        return link, self.store.person(link.person_id) if link.person_id else None

    def set_up(self, secret: str, draft: PersonDraft, password: str, host: str) -> Person:
        """Makes the first admin. Raises LinkUnknown or AccountInvalid."""
        if self.opened(secret)[0].kind != "setup":
            raise no_link()
        draft = replace(draft, roles=frozenset({"admin"}), groups=frozenset())
        faults = _faults(draft)
        if wrong := rules.fault(password, draft.email):
            faults["password"] = wrong
        if faults:
            raise AccountInvalid(faults)
        person = self._made(draft)
        entry = self._entry("set_up", By(person.email, host), person.email)
        if self.store.use(digest(secret), self.now(), self.passwords.hash(password), person, entry) is None:
            raise no_link()
        return person

    def welcome(self, secret: str, password: str, host: str) -> Person:
        """Sets the password of whose link it is. Raises LinkUnknown or AccountInvalid."""
        _, person = self.opened(secret)
        if person is None:
            raise no_link()
        if wrong := rules.fault(password, person.email):
            raise AccountInvalid({"password": wrong})
        entry = self._entry("password_changed", By(person.email, host), person.email)
        if self.store.use(digest(secret), self.now(), self.passwords.hash(password), entry=entry) is None:
            raise no_link()
        return person

    def change_password(self, person_id: str, old: str, new: str, session: str, by: By) -> None:
        """All other sessions of the person end. Raises AccountInvalid."""
        person = self.store.person(person_id)
        faults: dict[str, Message] = {}
        if not self.passwords.verify(old, self.store.password(person_id)):
            faults["old"] = Message("This is not your password.")
        if wrong := rules.fault(new, person.email):
            faults["password"] = wrong
        if faults:
            raise AccountInvalid(faults)
        entry = self._entry("password_changed", by, person.email)
        self.store.set_password(person_id, self.passwords.hash(new), keep=digest(session), entry=entry)

    # --- people ----------------------------------------------------------------------------------------------------

    def add(self, draft: PersonDraft, by: By) -> Person:
        """Somebody new, without a password: see `invite`. Raises AccountInvalid."""
        if faults := _faults(draft):
            raise AccountInvalid(faults)
        person = self._made(draft)
        self.store.add(person, self._entry("person_added", by, person.email, _described(person)))
        return person

    def change(self, person_id: str, draft: PersonDraft, by: By) -> Person:
        """Another name, language, roles and groups; the address stays. Raises AccountInvalid or LastAdmin."""
        was = self.store.person(person_id)
        draft = replace(draft, email=was.email)
        if faults := _faults(draft):
            raise AccountInvalid(faults)
        now = replace(was, name=_name(draft.name), lang=draft.lang, roles=draft.roles, groups=_groups(draft.groups))
        entry = self._entry("person_changed", by, was.email, f"{_described(was)} -> {_described(now)}")
        self.store.change(now, entry if (now.roles, now.groups) != (was.roles, was.groups) else None)
        return now

    def set_active(self, person_id: str, active: bool, by: By) -> Person:
        """Lets somebody in again, or no more; their sessions and links end. Raises LastAdmin."""
        was = self.store.person(person_id)
        entry = self._entry("person_reactivated" if active else "person_deactivated", by, was.email)
        self.store.change(now := replace(was, active=active), entry if was.active != active else None)
        return now

    def named(self, email: str) -> Person:
        """Raises PersonUnknown."""
        person = self.store.by_email(email)
        if person is None:
            raise PersonUnknown(f"Nobody has the address {email}. `firstline people list` shows everybody.")
        return person

    def _made(self, draft: PersonDraft) -> Person:
        return Person(
            id=self.new_id(),
            email=draft.email.strip(),
            name=_name(draft.name),
            created=self.now(),
            roles=draft.roles,
            groups=_groups(draft.groups),
            lang=draft.lang,
        )

    # --- API tokens ------------------------------------------------------------------------------------------------

    def make_token(
        self, owner_id: str, name: str, scopes: Collection[Right], days: int, by: By
    ) -> tuple[str, ApiToken]:
        """A token, which is told this once, and what is kept of it. Raises AccountInvalid."""
        owner, now, name = self.store.person(owner_id), self.now(), _name(name)
        faults: dict[str, Message] = {}
        if not name:
            faults["name"] = Message("Enter a name that says what the token is for.")
        elif len(name) > _LONGEST_NAME:
            faults["name"] = Message("Shorten the name to %(limit)s characters or fewer.", limit=_LONGEST_NAME)
        if not scopes:
            faults["scopes"] = Message("Choose what the token may be used for.")
        elif not set(scopes) <= owner.rights:
            faults["scopes"] = Message("A token may do no more than the person it belongs to.")
        if days not in TOKEN_DAYS:
            faults["days"] = Message("Choose how long it works.")
        if faults:
            raise AccountInvalid(faults)
        secret = TOKEN_PREFIX + self.new_secret()
        token = ApiToken(
            id=self.new_id(),
            digest=digest(secret),
            hint=secret[:_HINT],
            name=name,
            owner_id=owner.id,
            scopes=frozenset(scopes),
            created=now,
            expires=now + timedelta(days=days),
        )
        said = f"of {owner.email}: {_listed(RIGHTS, token.scopes)}, {days} days"
        self.store.add_token(token, self._entry("token_made", by, name, said))
        return secret, token

    def revoke_token(self, token_id: str, by: By, owner_id: str = "") -> None:
        """A token that is not there, or not of this owner, is no error: it does not work either."""
        token = next((known for known in self.store.tokens(owner_id) if known.id == token_id), None)
        if token and token.revoked is None:
            self.store.revoke(token.id, self.now(), self._entry("token_revoked", by, token.name))

    def of_token(self, secret: str, email: str | None = None) -> Caller | None:
        """Whose token it is, with what it may be used for; None where it does not work.

        With `email` it has to be the owner's. Raises TokenExpired.
        """
        found = self.store.token(digest(secret))
        if found is None:
            return None
        (token, owner), now = found, self.now()
        if not owner.active or token.revoked or (email is not None and email.casefold() != owner.email.casefold()):
            return None
        if now >= token.expires:
            raise TokenExpired(f"The token {token.hint}… has expired. Make a new one.")
        if token.used is None or now >= token.used + _SEEN_EVERY:
            self.store.used(token.id, now)
        return owner.caller(token.scopes)

    def refused(self, host: str) -> None:
        """Keeps that somebody came with a token that does not work."""
        self._write("token_refused", By("", host))

    # --- what is sent ----------------------------------------------------------------------------------------------

    def retried(self, sending_id: int, by: By) -> None:
        """Keeps who had something in the outbox tried again."""
        self._write("sending_retried", by, f"outbox {sending_id}")

    def retried_dead(self, number: int, by: By) -> None:
        """Keeps who had all tried again that was given up, so many."""
        self._write("sending_retried", by, "outbox", f"{number} given up")

    def discarded(self, sending_id: int, by: By) -> None:
        """Keeps who gave something up that a requester may wait for; the outbox has the reason."""
        self._write("sending_discarded", by, f"outbox {sending_id}")

    # --- what is published -----------------------------------------------------------------------------------------

    def asked_to_publish(self, publication_id: int, by: By) -> None:
        """Keeps who had articles published."""
        self._write("publication_asked", by, f"publication {publication_id}")

    def took_back(self, publication_id: int, before: str, snapshot: str, by: By) -> None:
        """Keeps who had another snapshot be the one in use."""
        self._write("publication_taken_back", by, f"publication {publication_id}", f"snapshot {before} to {snapshot}")

    def _write(self, action: Action, by: By, subject: str = "", details: str = "") -> None:
        self.log.write(self._entry(action, by, subject, details))

    def _entry(self, action: Action, by: By, subject: str = "", details: str = "") -> AuditEntry:
        return AuditEntry(self.now(), action, by.actor, subject, details, masked(by.host))


def no_link() -> LinkUnknown:
    """What is said of a link that does not work."""
    return LinkUnknown(Message("This link was used already, or it has expired. Ask for a new one."))


def _name(name: str) -> str:
    return " ".join(name.split())


def _groups(groups: Collection[str]) -> frozenset[str]:
    return frozenset(filter(None, map(_name, groups)))


def _faults(draft: PersonDraft) -> dict[str, Message]:
    faults: dict[str, Message] = {}
    email = draft.email.strip()
    if not email:
        faults["email"] = Message("Enter an e-mail address.")
    elif not EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL:
        faults["email"] = Message("Enter an e-mail address like name@example.com.")
    if not _name(draft.name):
        faults["name"] = Message("Enter a name.")
    elif len(_name(draft.name)) > _LONGEST_NAME:
        faults["name"] = Message("Shorten the name to %(limit)s characters or fewer.", limit=_LONGEST_NAME)
    for group in _groups(draft.groups):
        if group.lower() in (PUBLIC, INTERNAL):
            faults["groups"] = Message("“%(group)s” is no group: roles decide who reads these articles.", group=group)
        elif len(group) > _LONGEST_NAME or "," in group:
            faults["groups"] = Message("Shorten each group to %(limit)s characters or fewer.", limit=_LONGEST_NAME)
    return faults


def _listed(order: Collection[str], chosen: Collection[str]) -> str:
    return ", ".join(name for name in order if name in chosen) or "none"


def _described(person: Person) -> str:
    groups = f"; groups: {', '.join(sorted(person.groups))}" if person.groups else ""
    return f"roles: {_listed(ROLES, person.roles)}{groups}"
