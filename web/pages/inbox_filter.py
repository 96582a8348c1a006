"""What an address of the inbox asks for: a view, what narrows it, the order, the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import Request

from bot import work
from bot.models import Priority, TicketState, Tier
from bot.worklist import MAX_SEARCH, OPEN, ORDERS, Counts, Order, Wanted
from web.pages.catalogue import catalogue
from web.pages.forms import page_number, tidy
from web.pages.visit import visit
from web.words import N_

_MAX_NAME = 80
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class View:
    """One of the lists at the side. `key` follows a g on the keyboard."""

    id: str
    name: str
    key: str
    states: frozenset[TicketState]
    order: Order
    count: Callable[[Counts], int]


VIEWS = (
    View("mine", N_("Mine"), "m", OPEN, "due", lambda counts: counts.mine),
    View("unassigned", N_("Unassigned"), "u", OPEN, "due", lambda counts: counts.unassigned),
    View("open", N_("All open"), "a", OPEN, "due", lambda counts: counts.open),
    View("overdue", N_("Overdue"), "o", OPEN, "due", lambda counts: counts.overdue),
    View("waiting", N_("Waiting"), "w", frozenset({"answered"}), "changed", lambda c: c.waiting),
    View("on_hold", N_("On hold"), "h", frozenset({"on_hold"}), "changed", lambda counts: counts.on_hold),
    View("solved", N_("Solved"), "s", frozenset({"solved"}), "changed", lambda counts: counts.solved),
)
_USUAL = VIEWS[2]


@dataclass(frozen=True, slots=True)
class Filter:
    """`assignee` is "" for whoever, "nobody", or an id; `order` None is the usual one of the view. `carry` is the
    language of the interface where links have to say it.
    """

    view: View = _USUAL
    state: TicketState | None = None
    assignee: str = ""
    priority: Priority | None = None
    tier: Tier | None = None
    department: str = ""
    topic: str = ""
    lang: str = ""
    text: str = ""
    order: Order | None = None
    number: int = 1
    carry: str = ""

    @classmethod
    def of(cls, read: Callable[[str], str], carry: str = "") -> Filter:
        """Of an address; a value that is none of ours counts as not given."""

        def name(field: str, longest: int = _MAX_NAME) -> str:
            return tidy(read(field)).strip()[:longest]

        view = next((known for known in VIEWS if known.id == read("view")), _USUAL)
        state = work.state(read("state"))
        return cls(
            view=view,
            state=state if state in view.states else None,
            assignee=name("assignee") if view.id not in ("mine", "unassigned") else "",
            priority=work.priority(read("priority")),
            tier=work.tier(read("tier")),
            department=name("department"),
            topic=name("topic"),
            lang=name("in", 8),
            text=name("text", MAX_SEARCH),
            order=next((known for known in ORDERS if known == read("sort")), None),
            number=page_number(read("page")),
            carry=carry,
        )

    def wanted(self, me: str) -> Wanted:
        """What it means to somebody whose id is `me`."""
        whose = {"mine": me, "unassigned": ""}.get(self.view.id)
        if whose is None and self.assignee:
            whose = "" if self.assignee == _NOBODY else self.assignee
        return Wanted(
            states=frozenset({self.state}) if self.state else self.view.states,
            assignee=whose,
            priority=self.priority,
            tier=self.tier,
            department=self.department,
            topic=self.topic,
            lang=self.lang,
            overdue=self.view.id == "overdue",
            text=self.text,
        )

    @property
    def sorting(self) -> Order:
        return self.order or self.view.order

    @property
    def narrows(self) -> int:
        """How many filters are set beside the view and the words that are looked for."""
        fields = self.state, self.assignee, self.priority, self.tier, self.department, self.topic, self.lang
        return sum(map(bool, fields))

    @property
    def fields(self) -> dict[str, str]:
        """What an address carries of it."""
        given = {
            "view": self.view.id if self.view != _USUAL else "",
            "state": self.state or "",
            "assignee": self.assignee,
            "priority": self.priority or "",
            "tier": str(self.tier or ""),
            "department": self.department,
            "topic": self.topic,
            "in": self.lang,
            "text": self.text,
            "sort": self.order or "",
            "page": str(self.number) if self.number > 1 else "",
            "lang": self.carry,
        }
        return {name: value for name, value in given.items() if value}

    def address(self, path: str = "/inbox", **more: str) -> str:
        given = {**self.fields, **more}
        return f"{path}?{urlencode(given)}" if given else path

    def on_page(self, number: int) -> Filter:
        return replace(self, number=number)

    def in_view(self, view: View) -> str:
        """The address of another view; what was looked for and how it is sorted is left behind."""
        return Filter(view=view, carry=self.carry).address()


def asked_for(request: Request) -> Filter:
    """What the address of a request asks for."""
    query, reader = request.query_params, visit(request, catalogue(request))
    return Filter.of(lambda name: query.get(name, ""), reader.carry)
