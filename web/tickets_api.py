"""The agents' part of the HTTP API that lists tickets and works on them."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from bot.casework import Casework
from bot.casework import who as named
from bot.models import NOBODY, Priority, TicketState, Tier, Who
from bot.people import ROLE_RIGHTS, ROLES, Caller
from bot.service import HelpDesk
from bot.work import Changes
from bot.worklist import MAX_SEARCH, Order, Wanted
from web import auth, schemas, ticket_schemas
from web.auth import Agent
from web.problems import ApiError

router = APIRouter()

#: Of one role, in a list to choose from.
_MOST = 200


def casework_of(request: Request) -> Casework:
    """The agents' side of the desk that answers this request."""
    desk: HelpDesk = request.app.state.desk
    return Casework(request.app.state.worklist, desk.inbox, desk.now)


Work = Annotated[Casework, Depends(casework_of)]


@router.get("/tickets", summary="List tickets")
def list_tickets(
    work: Work,
    agent: Agent,
    state: Annotated[list[TicketState] | None, Query(description="One or several; left out: all.")] = None,
    assignee: Annotated[
        str | None, Query(max_length=64, description="`me`, `nobody`, or the id of somebody of the desk.")
    ] = None,
    priority: Priority | None = None,
    tier: Annotated[Literal["1", "2", "3"] | None, Query()] = None,
    department: Annotated[schemas.Text, Query(max_length=80)] = "",
    topic: Annotated[schemas.Text, Query(max_length=80)] = "",
    lang: schemas.Lang | None = None,
    overdue: Annotated[bool, Query(description="Only those whose answer is overdue.")] = False,
    q: Annotated[
        schemas.Text, Query(max_length=MAX_SEARCH, description="In number, subject, text, messages and address.")
    ] = "",
    sort: Annotated[
        Order, Query(description="By due time, age (the oldest first), last change (the newest first) or priority.")
    ] = "due",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> ticket_schemas.TicketListOut:
    """Needs the right to work on tickets."""
    wanted = Wanted(
        states=frozenset(state or ()),
        assignee={"me": agent.id, "nobody": ""}.get(assignee or "", assignee),
        priority=priority,
        tier=cast(Tier, int(tier)) if tier else None,
        department=department,
        topic=topic,
        lang=lang or "",
        overdue=overdue,
        text=q,
    )
    found = work.worklist.find(wanted, work.now(), sort, limit=limit, offset=offset)
    rows = [ticket_schemas.TicketRowOut.of(row) for row in found.rows]
    return ticket_schemas.TicketListOut(total=found.total, tickets=rows)


@router.get("/tickets/{ticket_id}", summary="Read a ticket")
def read_ticket(ticket_id: str, work: Work, request: Request, _agent: Agent) -> ticket_schemas.TicketDetailsOut:
    """With its files, its messages and notes, its history, and what was asked in the visit it comes from."""
    return _details(request, work, ticket_id)


@router.patch("/tickets/{ticket_id}", summary="Change a ticket")
def change_ticket(
    ticket_id: str, told: schemas.TicketChangeIn, work: Work, request: Request, agent: Agent
) -> ticket_schemas.TicketDetailsOut:
    """All of it or, where one part cannot be, nothing. Another tier needs a reason.

    With `revision`, a ticket that somebody else has changed since is left as it is: 409 `ticket_changed`.
    """
    assignee = None if told.assignee is None else _assignee(request, told.assignee, agent)
    changes = Changes(told.state, assignee, told.priority, told.tier, told.reason)
    work.change(ticket_id, changes, agent, told.revision)
    return _details(request, work, ticket_id)


@router.post("/tickets/{ticket_id}/messages", status_code=204, summary="Answer a ticket")
def answer_ticket(ticket_id: str, written: schemas.MessageIn, work: Work, agent: Agent) -> Response:
    """The requester reads it on the ticket's page, and accepts or refuses it there; an `internal` one is for agents."""
    if written.internal:
        work.note(ticket_id, written.text, agent)
    else:
        work.reply(ticket_id, written.text, agent, written.revision)
    return Response(status_code=204)


def _details(request: Request, work: Casework, ticket_id: str) -> ticket_schemas.TicketDetailsOut:
    desk: HelpDesk = request.app.state.desk
    done = work.read_by_id(ticket_id)
    return ticket_schemas.TicketDetailsOut.of(done, desk.conversation(done.ticket))


def colleagues(request: Request, caller: Caller) -> list[Who]:
    """To whom a ticket can be given: the caller, then all who may work on tickets or have one, by name."""
    store = auth.accounts(request).store
    roles = [role for role in ROLES if "tickets" in ROLE_RIGHTS[role]]
    people = [person for role in roles for person in store.find(role=role, active=True, limit=_MOST).rows]
    has_one = casework_of(request).worklist.assignees()
    known = {one.id: one for one in has_one} | {one.id: named(one.caller()) for one in people}
    known.pop(caller.id, None)
    return [named(caller), *sorted(known.values(), key=lambda one: (one.name.casefold(), one.id))]


def _assignee(request: Request, given: str, caller: Caller) -> Who:
    if given in ("", "nobody"):
        return NOBODY
    if given == "me":
        return named(caller)
    known = {one.id: one for one in colleagues(request, caller)}
    if given not in known:
        raise ApiError(422, "assignee_unknown", f"Nobody with the id {given!r} works on tickets. Send `me` or an id.")
    return known[given]
