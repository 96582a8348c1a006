"""Who somebody is to the desk, and what follows from that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from kb.models import INTERNAL, PUBLIC

#: What somebody is to the desk. A person may be several.
Role = Literal["reader", "agent", "author", "admin"]
#: What may be done: read more than the public does, work on tickets, work on articles, decide who may do what.
Right = Literal["articles", "tickets", "authoring", "admin"]
#: What a one-time link is for: to make the first admin, to join with a password of one's own, to set a new one.
LinkKind = Literal["setup", "invitation", "reset"]

ROLES: tuple[Role, ...] = get_args(Role)
RIGHTS: tuple[Right, ...] = get_args(Right)
ROLE_RIGHTS: dict[Role, frozenset[Right]] = {
    "reader": frozenset({"articles"}),
    "agent": frozenset({"articles", "tickets"}),
    "author": frozenset({"articles", "authoring"}),
    "admin": frozenset(RIGHTS),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, as far as it says. `id`, `name` and `email` are "" for somebody who did not sign in.

    `audiences` are whose articles may be shown; nothing else decides that, on any page and in any API. `lang` is the
    language the person chose, "" where none.
    """

    id: str = ""
    name: str = ""
    email: str = ""
    rights: frozenset[Right] = frozenset()
    audiences: frozenset[str] = frozenset({PUBLIC})
    lang: str = ""

    def may(self, right: Right) -> bool:
        return right in self.rights

    def __repr__(self) -> str:
        return f"<Caller {self.id or 'nobody'}>"  # no name or address in a log


#: Who did not sign in.
ANYBODY = Caller()


def audiences(roles: frozenset[Role], groups: frozenset[str]) -> frozenset[str]:
    """Whose articles people with these roles and of these groups may read."""
    own = {INTERNAL} if roles - {"reader"} else set()
    return frozenset({PUBLIC, *own, *groups})


def rights(roles: Collection[Role]) -> frozenset[Right]:
    """What people with these roles may do."""
    return frozenset[Right]().union(*(ROLE_RIGHTS[role] for role in roles))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in. `groups` are the audiences of articles beside the public and the internal ones.

    `lang` is "" where none was chosen. Without a password (`has_password`) nobody signs in as this person.
    """

    id: str
    email: str
    name: str
    created: datetime
    roles: frozenset[Role] = frozenset()
    groups: frozenset[str] = frozenset()
    lang: str = ""
    active: bool = True
    has_password: bool = False
    last_sign_in: datetime | None = None

    @property
    def rights(self) -> frozenset[Right]:
        return rights(self.roles) if self.active else frozenset()

    def caller(self, scopes: frozenset[Right] | None = None) -> Caller:
        """This person making a request; with a token, only as far as its `scopes` go.

        Who may not read more than the public, or whose token does not say so, is shown what the public is.
        """
        if not self.active:
            return ANYBODY
        may = self.rights if scopes is None else self.rights & scopes
        shown = audiences(self.roles, self.groups) if "articles" in may else frozenset({PUBLIC})
        return Caller(self.id, self.name, self.email, may, shown, self.lang)

    def __repr__(self) -> str:
        return f"<Person {self.id}>"  # no name or address in a log


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. `digest` is the SHA-256 of what its cookie holds, `address` is masked."""

    digest: str
    person_id: str
    started: datetime
    seen: datetime
    address: str = ""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's way in, in its owner's name. `digest` is the SHA-256 of the token, `hint` how it begins."""

    id: str
    digest: str
    hint: str
    name: str
    owner_id: str
    scopes: frozenset[Right]
    created: datetime
    expires: datetime
    used: datetime | None = None
    revoked: datetime | None = None

    def works(self, now: datetime) -> bool:
        return self.revoked is None and now < self.expires


@dataclass(frozen=True, slots=True)
class Link:
    """A link that works once. `digest` is the SHA-256 of what its address ends with; of a setup nobody is named."""

    digest: str
    kind: LinkKind
    person_id: str
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class People:
    """One page of a list: `total` fit in all."""

    total: int
    rows: tuple[Person, ...]


def address_key(email: str) -> str:
    """What two spellings of one e-mail address have in common."""
    return email.strip().casefold()
