"""What the ticket pages say about time: whether somebody is there, and by when an answer is expected."""

from __future__ import annotations

from datetime import datetime

from bot.models import Ticket
from web.settings import Settings
from web.words import Words


def promise(settings: Settings, said: Words, now: datetime) -> list[str]:
    """Whole sentences for the form; none where the settings promise nothing."""
    hours = settings.hours
    sentences = []
    if not hours.open_at(now):
        opens = hours.opens_after(now)
        if opens is None:
            return []
        ahead = (opens.date() - now.astimezone(opens.tzinfo).date()).days
        if ahead == 0:
            sentences.append(
                said.gettext(
                    "We are closed now. Somebody reads your ticket today from %(time)s.", time=said.time(opens)
                )
            )
        else:
            sentences.append(
                said.gettext(
                    "We are closed now. Somebody reads your ticket on %(day)s from %(time)s.",
                    day=said.day(opens),
                    time=said.time(opens),
                )
            )
    if settings.response_hours:
        sentences.append(_usually(settings, said, now))
    return [sentence for sentence in sentences if sentence]


def _usually(settings: Settings, said: Words, now: datetime) -> str:
    number, hours = settings.response_hours, settings.hours
    expected = hours.expected(now, number)
    if expected is None:
        return ""
    if not hours.spans:
        return said.ngettext("We usually answer within one hour.", "We usually answer within %(num)s hours.", number)
    values = {"day": said.day(expected), "time": said.time(expected)}
    if expected.date() == now.astimezone(expected.tzinfo).date():
        return said.ngettext(
            "We usually answer within one working hour, by %(time)s today.",
            "We usually answer within %(num)s working hours, by %(time)s today.",
            number,
            **values,
        )
    return said.ngettext(
        "We usually answer within one working hour, by %(day)s, %(time)s.",
        "We usually answer within %(num)s working hours, by %(day)s, %(time)s.",
        number,
        **values,
    )


def expected(settings: Settings, said: Words, ticket: Ticket, now: datetime) -> str:
    """By when somebody answers a ticket that waits, or a word that it takes longer; "" where nothing is promised."""
    since = ticket.messages[-1].at if ticket.messages else ticket.at
    by = settings.hours.expected(since, settings.response_hours) if settings.response_hours else None
    if by is None:
        return ""
    if now > by:
        return said.gettext("It takes longer than usual. We have not forgotten you: your ticket is on our list.")
    values = {"day": said.day(by), "time": said.time(by)}
    if by.date() == now.astimezone(by.tzinfo).date():
        return said.gettext("We usually answer by %(time)s today.", **values)
    return said.gettext("We usually answer by %(day)s, %(time)s.", **values)
