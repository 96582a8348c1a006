"""The outbox over the API, for whoever looks after the hand-off."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bot.outbox import Kind, Sending, Shown, State
from web import sendings
from web.auth import Admin

router = APIRouter()


class SendingOut(BaseModel):
    """Something to send, without what is in it."""

    id: int
    kind: Kind
    sink: str = Field(description="`mail` for e-mail to requesters, else the setting `handoff`.")
    ticket: str = Field(description="The ticket's id; empty for a ticket of another desk.")
    number: int | None = Field(description="The ticket's number.")
    state: State
    attempts: int = Field(description="Since it was written or last tried again by a person.")
    created: datetime
    next_try: datetime | None = Field(description="Not before then; only while it waits.")
    error: str = Field(description="What went wrong last, or why it was discarded.")
    reference: str = Field(description="What the receiver calls it, once it arrived.")
    url: str = Field(description="Where people find it there, if that is known.")

    @classmethod
    def of(cls, sending: Sending) -> Self:
        return cls(
            id=sending.id,
            kind=sending.letter.kind,
            sink=sending.letter.sink,
            ticket=sending.letter.ticket_id,
            number=sending.number,
            state=sending.state,
            attempts=sending.attempts,
            created=sending.at,
            next_try=sending.next_at if sending.state == "waiting" else None,
            error=str(sending.error) if sending.error else "",
            reference=sending.reference,
            url=sending.url,
        )


class OutboxOut(BaseModel):
    total: int = Field(description="How many there are of what was asked for.")
    counts: dict[Shown, int] = Field(description="How many there are of each.")
    outbox: list[SendingOut]


class DiscardIn(BaseModel):
    reason: str = Field("", max_length=200, description="Why nobody needs it any more.")


@router.get("/outbox", summary="What is on its way")
def list_outbox(
    request: Request,
    _admin: Admin,
    shown: Annotated[Shown | None, Query(description="`failing` waits and has failed before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> OutboxOut:
    """To another desk and to requesters, the newest first. Needs the right `admin`."""
    outbox = request.app.state.outbox
    found = outbox.find(shown=shown, limit=limit, offset=offset)
    return OutboxOut(total=found.total, counts=outbox.counts(), outbox=[SendingOut.of(row) for row in found.rows])


@router.post("/outbox/{sending_id}/retry", summary="Try it now")
def retry_sending(sending_id: int, request: Request, _admin: Admin) -> SendingOut:
    """As often as a new one, whether it waits or was given up. Needs the right `admin`."""
    sendings.retry(request, sending_id)
    return SendingOut.of(request.app.state.outbox.get(sending_id))


@router.post("/outbox/{sending_id}/discard", status_code=204, summary="Give it up")
def discard_sending(sending_id: int, told: DiscardIn, request: Request, _admin: Admin) -> Response:
    """It is not sent, and what comes after it goes on. Needs the right `admin`."""
    sendings.discard(request, sending_id, told.reason)
    return Response(status_code=204)
