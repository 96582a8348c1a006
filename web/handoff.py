"""Puts together what hands tickets on: the sink and the mail of the settings, and the courier that serves them."""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from bot.courier import Courier, Route
from bot.handoff import TicketSink
from bot.handoff.guard import Guard
from bot.handoff.mail import Mailer, SmtpSink
from bot.handoff.signing import key_of
from bot.handoff.webhook import WebhookSink
from bot.handoff.zammad import ZammadSink
from bot.handoff.zendesk import ZendeskSink
from bot.outbox import MAIL, SqlOutbox
from bot.outgoing import Outgoing
from bot.reports import spikes
from bot.service import HelpDesk
from web.letters import SiteLetters
from web.settings import Settings

_log = logging.getLogger(__name__)


def outgoing(settings: Settings, outbox: SqlOutbox) -> Outgoing:
    """What is to be sent when something happens to a ticket."""
    own = {settings.mail_from, settings.handoff_to, settings.support_email} - {""}
    return Outgoing(
        outbox=outbox,
        letters=SiteLetters(settings),
        sink=settings.handoff,
        mails=sends_mail(settings),
        own=frozenset(address.lower() for address in own),
    )


def courier(settings: Settings, desk: HelpDesk, outbox: SqlOutbox) -> Courier | None:
    """Who delivers it; None where these settings send nothing."""
    mailer = _mailer(settings, desk.now)
    route = Route(
        inbox=desk.inbox,
        outbox=outbox,
        sinks=_sinks(settings, mailer, desk.now),
        mailer=mailer,
        events=_events(settings, desk.now),
        reply_to=settings.support_email,
        site=settings.base_url,
    )
    if not route.known:
        return None
    if mailer and not settings.base_url:
        _log.warning("base_url is not set: e-mails to requesters have no link to their ticket.")
    return Courier(outbox, route, owner=uuid.uuid4().hex, now=desk.now, random=random.random)


def sends_mail(settings: Settings) -> bool:
    """Whether requesters get e-mail from us."""
    return bool(settings.smtp_url.get_secret_value())


def answers_by_mail(settings: Settings) -> bool:
    """Whether a requester is answered by e-mail: by us, or by the desk that their ticket is handed on to."""
    return sends_mail(settings) or bool(settings.handoff)


def sink_names(settings: Settings) -> frozenset[str]:
    """The sinks that these settings have; letters for others wait until they are set again."""
    return frozenset({settings.handoff, MAIL if sends_mail(settings) else "", *_events(settings)} - {""})


def _mailer(settings: Settings, now: Callable[[], datetime]) -> Mailer | None:
    address = settings.smtp_url.get_secret_value()
    if not address:
        return None
    return Mailer(address, settings.mail_from, now, settings.site_name, guard=_guard(settings))


def _events(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dict[str, WebhookSink]:
    url, secret = settings.spike_url, settings.spike_secret.get_secret_value()
    return {spikes.SINK: WebhookSink(url, key_of(secret), now, _guard(settings))} if url else {}


def _sinks(settings: Settings, mailer: Mailer | None, now: Callable[[], datetime]) -> dict[str, TicketSink]:
    url, secret, guard = settings.handoff_url, settings.handoff_secret.get_secret_value(), _guard(settings)
    match settings.handoff:
        case "smtp" if mailer:
            return {"smtp": SmtpSink(mailer, settings.handoff_to)}
        case "webhook":
            return {"webhook": WebhookSink(url, key_of(secret), now, guard)}
        case "zammad":
            return {"zammad": ZammadSink(url, secret, settings.handoff_group, guard)}
        case "zendesk":
            return {"zendesk": ZendeskSink(url, settings.handoff_user, secret, settings.handoff_group, guard)}
        case _:
            return {}


def _guard(settings: Settings) -> Guard:
    return Guard(settings.outgoing_private_hosts)
