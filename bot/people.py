"""Who somebody is to the desk, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from kb.models import INTERNAL, PUBLIC

#: What somebody is to the desk. A person may be several.
Role = Literal["reader", "agent", "author", "admin"]
#: What may be done: read more than the public does, work on tickets, work on articles, decide who may do what.
Right = Literal["articles", "tickets", "authoring", "admin"]

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

    `audiences` are whose articles may be shown; nothing else decides that, on any page and in any API.
    """

    id: str = ""
    name: str = ""
    email: str = ""
    rights: frozenset[Right] = frozenset()
    audiences: frozenset[str] = frozenset({PUBLIC})

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
