"""What people see of letters that wait, and do about them."""

from __future__ import annotations

import logging
from datetime import datetime

from fastapi import Request

from bot.errors import StoreUnavailable
from bot.outbox import SqlOutbox
from bot.service import HelpDesk
from web import auth

_log = logging.getLogger(__name__)


def given_up(request: Request) -> int:
    """How many letters wait for a person; 0 where the database does not answer."""
    try:
        return _outbox(request).dead()
    except StoreUnavailable as error:
        _log.error("%s", error)
        return 0


def stuck(request: Request, ticket_id: str) -> bool:
    """Whether the desk that a ticket is handed on to did not take it, or what was said to it, yet.

    Raises StoreUnavailable.
    """
    return bool(request.app.state.settings.handoff) and _outbox(request).stuck(ticket_id)


def retry(request: Request, sending_id: int) -> None:
    """Has a letter tried now, in the name of who asks for it. Raises SendingUnknown or StoreUnavailable."""
    if _outbox(request).retry(sending_id, _now(request)):
        auth.accounts(request).retried(sending_id, auth.by(request))


def retry_dead(request: Request) -> int:
    """Has all letters tried that were given up; how many. Raises StoreUnavailable."""
    if number := _outbox(request).retry_dead(_now(request)):
        auth.accounts(request).retried_dead(number, auth.by(request))
    return number


def discard(request: Request, sending_id: int, reason: str) -> None:
    """Gives a letter up, in the name of who asks for it. Raises SendingUnknown or StoreUnavailable."""
    if _outbox(request).discard(sending_id, " ".join(reason.split()), _now(request)):
        auth.accounts(request).discarded(sending_id, auth.by(request))


def _outbox(request: Request) -> SqlOutbox:
    outbox: SqlOutbox = request.app.state.outbox
    return outbox


def _now(request: Request) -> datetime:
    desk: HelpDesk = request.app.state.desk
    return desk.now()
