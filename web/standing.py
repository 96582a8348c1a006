"""How tickets stand, in words: states, priorities, what is due, what happened. Whole sentences, no colour needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_timedelta

from bot.models import Priority, TicketState
from bot.work import Event
from bot.worklist import Order
from web.words import N_, Words

STATES: dict[TicketState, str] = {
    "received": N_("To answer"),
    "answered": N_("Waiting for the requester"),
    "on_hold": N_("On hold"),
    "solved": N_("Solved"),
}
#: Where there is little room.
SHORT_STATES: dict[TicketState, str] = {**STATES, "answered": N_("Waiting")}
#: The most urgent first, as people choose.
PRIORITIES: dict[Priority, str] = {
    "urgent": N_("Urgent"),
    "high": N_("High"),
    "normal": N_("Normal"),
    "low": N_("Low"),
}
ORDERS: dict[Order, str] = {
    "due": N_("Due first"),
    "priority": N_("Most urgent first"),
    "changed": N_("Changed last first"),
    "age": N_("Oldest first"),
}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def due(said: Words, at: datetime, now: datetime) -> str:
    """`Due in 2 hours`, `Overdue by 1 day`: in whole units, as many as have passed or are left."""
    left = at - now
    if abs(left) < _HOUR:
        number = abs(left) // timedelta(minutes=1)
        if left >= timedelta():
            return said.ngettext("Due in %(num)s minute", "Due in %(num)s minutes", number)
        return said.ngettext("Overdue by %(num)s minute", "Overdue by %(num)s minutes", number)
    if abs(left) < _DAY:
        number = abs(left) // _HOUR
        if left > timedelta():
            return said.ngettext("Due in %(num)s hour", "Due in %(num)s hours", number)
        return said.ngettext("Overdue by %(num)s hour", "Overdue by %(num)s hours", number)
    number = abs(left) // _DAY
    if left > timedelta():
        return said.ngettext("Due in %(num)s day", "Due in %(num)s days", number)
    return said.ngettext("Overdue by %(num)s day", "Overdue by %(num)s days", number)


def ago(said: Words, at: datetime, now: datetime) -> str:
    """`2 hours ago`; what has just been is a minute old."""
    passed = min(at - now, timedelta(minutes=-1))
    return format_timedelta(passed, add_direction=True, locale=said.locale)


def happened(said: Words, event: Event) -> str:
    """What an event was, as a sentence; "" where the words that were written say so themselves."""
    who = {"who": event.who.name or said.gettext("Somebody")}
    if event.what == "verdict":
        if event.new == "solved":
            return said.gettext("The requester said that this solved it.")
        return said.gettext("The requester said that they still need help.")
    if event.what == "assignee":
        if not event.new:
            return said.gettext("%(who)s removed %(name)s from this ticket.", name=event.old, **who)
        if event.new == event.who.name:
            return said.gettext("%(who)s took this ticket.", **who)
        return said.gettext("%(who)s gave this ticket to %(name)s.", name=event.new, **who)
    if event.what == "priority":
        names = {key: said.gettext(name) for key, name in PRIORITIES.items()}
        values = {"old": names.get(_priority(event.old), event.old), "new": names.get(_priority(event.new), event.new)}
        return said.gettext("%(who)s changed the priority from %(old)s to %(new)s.", **values, **who)
    if event.what == "tier":
        return said.gettext(
            "%(who)s moved this ticket from tier %(old)s to tier %(new)s.", old=event.old, new=event.new, **who
        )
    if event.what == "state":
        return _state(said, event, who)
    return ""


def _state(said: Words, event: Event, who: dict[str, str]) -> str:
    if event.new == "solved":
        return said.gettext("%(who)s solved this ticket.", **who)
    if event.new == "on_hold":
        return said.gettext("%(who)s put this ticket on hold.", **who)
    if event.new == "received":
        return said.gettext("%(who)s opened this ticket again.", **who)
    return said.gettext("%(who)s set this ticket to wait for the requester.", **who)


def _priority(text: str) -> Priority:
    return next((known for known in PRIORITIES if known == text), "normal")
