"""The post: plain-text mail over SMTP, to another desk and to requesters.

The standard library's `smtplib` and `email` do all that is needed. Headers are made by `EmailMessage`, which refuses
line ends: nothing that a person typed becomes a header of its own (RFC 5322).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.errors import DeliveryFailed, Message
from bot.handoff import File, HandedTicket, Receipt, Remark
from bot.handoff.guard import PUBLIC_ONLY, Guard

TIMEOUT_S = 30.0
_PORTS = {"smtp": 25, "smtps": 465}
#: smtplib does not announce 8BITMIME (RFC 6152), so no byte may need it.
_ASCII = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one address. `key` makes its Message-ID, so that one sent twice is known for the same."""

    to: str
    subject: str
    text: str
    key: str
    after: str = ""
    reply_to: str = ""
    files: tuple[File, ...] = ()

    def __repr__(self) -> str:
        return f"<Mail {self.key}>"


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends mail through one server: `smtp://user:password@host:587` (STARTTLS where it offers it; without it no
    password is sent) or `smtps://…` (TLS from the first byte). `name` stands beside the sender's address.

    A mail server often lies in one's own network, so it may, and need not be among the `guard`'s allowed ones; a link's
    own addresses and multicast ones it may not be, unless the guard allows them.
    """

    url: str = field(repr=False)
    sender: str
    now: Callable[[], datetime]
    name: str = ""
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    guard: Guard = PUBLIC_ONLY

    def message_id(self, key: str) -> str:
        return f"<{key}@{_domain(self.sender)}>"

    def send(self, mail: Mail) -> str:
        """The Message-ID it was sent with. Raises DeliveryFailed."""
        message = self.compose(mail)
        address = urlsplit(self.url)
        host = address.hostname or ""
        try:
            server = self._connect(address.scheme, host, address.port or _PORTS[address.scheme])
            try:
                if address.username:
                    if not isinstance(server.sock, ssl.SSLSocket):
                        raise DeliveryFailed(
                            Message("%(host)s offers no encryption, so we do not send it our password.", host=host),
                            permanent=True,
                        )
                    server.login(unquote(address.username), unquote(address.password or ""))
                server.send_message(message, self.sender, [mail.to])
            finally:
                # How the farewell goes says nothing of the mail, which was taken or refused before.
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _refused(host, code, said) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(host, error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError:
            raise DeliveryFailed(
                Message("%(host)s cannot take a message to such an address.", host=host), permanent=True
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DeliveryFailed(
                Message("%(host)s does not answer: %(why)s.", host=host, why=str(why).rstrip("."))
            ) from None
        return str(message["Message-ID"])

    def _connect(self, scheme: str, host: str, port: int) -> smtplib.SMTP:
        """A session, encrypted where the server can."""
        guard = own_server(self.guard, host)
        if scheme == "smtps":
            return _Encrypted(guard, host, port, timeout=TIMEOUT_S, context=self.tls())
        server = _Plain(guard, host, port, timeout=TIMEOUT_S)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=self.tls())
                server.ehlo()
        except BaseException:
            with suppress(OSError, smtplib.SMTPException):
                server.close()
            raise
        return server

    def compose(self, mail: Mail) -> EmailMessage:
        """RFC 5322, and RFC 3834: no vacation program answers it, and ours would answer none either."""
        message = EmailMessage(policy=_ASCII)
        message["From"] = _address(self.sender, self.name)
        message["To"] = _address(mail.to)
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = self.now()
        message["Message-ID"] = self.message_id(mail.key)
        if mail.reply_to:
            message["Reply-To"] = _address(mail.reply_to)
        if mail.after:
            message["In-Reply-To"] = message["References"] = mail.after
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(mail.text)
        for file in mail.files:
            main, _, sub = file.media_type.partition("/")
            if main == "message":  # an attached mail would be taken apart; its bytes go as they are
                main, sub = "application", "octet-stream"
            message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
        return message


def own_server(guard: Guard, host: str) -> Guard:
    """What may be connected to as a mail server, which the settings name and nobody else does."""
    return replace(guard, allowed=(*guard.allowed, host))


class _Plain(smtplib.SMTP):
    """A session over a socket that the guard has opened."""

    def __init__(self, guard: Guard, *where: Any, **given: Any) -> None:
        self._guard = guard
        super().__init__(*where, **given)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._guard.connect(host, port, timeout)


class _Encrypted(smtplib.SMTP_SSL, _Plain):
    """The same with TLS from the first byte, which `SMTP_SSL` wraps around the socket of the class after it."""

    def __init__(self, guard: Guard, *where: Any, **given: Any) -> None:
        self._guard = guard
        smtplib.SMTP_SSL.__init__(self, *where, **given)


@dataclass(frozen=True, slots=True)
class SmtpSink:
    """Tickets as mail to a mailbox that another desk reads; what follows is in the same thread."""

    mailer: Mailer
    to: str

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        ticket = handed.ticket
        mail = Mail(
            self.to,
            f"{ticket.subject} [#{ticket.number}]",
            handed.text,
            idempotency_key,
            reply_to=ticket.email,
            files=handed.files,
        )
        return Receipt(self.mailer.send(mail))

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        """An agent's answer says who wrote it and has no Reply-To: no desk should take it for the requester's words."""
        text = f"{remark.heading}:\n\n{remark.text}" if remark.heading else remark.text
        reply_to = remark.email if remark.author == "requester" else ""
        mail = self._follow(reference, f"Re: {remark.subject}", text, idempotency_key, reply_to)
        return Receipt(self.mailer.send(mail))

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        return Receipt(self.mailer.send(self._follow(reference, "", text, idempotency_key)))

    def _follow(self, reference: str, subject: str, text: str, key: str, reply_to: str = "") -> Mail:
        """In the thread of the first mail; a ticket of another desk has none, and is named in the subject."""
        threaded = reference.startswith("<")
        return Mail(
            self.to,
            subject or ("Re:" if threaded else f"[#{reference}]"),
            text,
            key,
            after=reference if threaded else "",
            reply_to=reply_to,
        )


def _refused(host: str, code: int, said: Any) -> DeliveryFailed:
    """RFC 5321: 5yz is permanent, 4yz is worth another try. What a server says may name people: its code is kept."""
    enhanced = said.decode("ascii", "replace").split(" ")[0] if isinstance(said, bytes) else ""
    detail = f"{code} {enhanced}" if enhanced[:2] in ("4.", "5.") else str(code)
    return DeliveryFailed(
        Message("%(host)s refused the message (%(code)s).", host=host, code=detail), permanent=500 <= code < 600
    )


def _address(text: str, name: str = "") -> Address:
    local, _, domain = text.rpartition("@")
    return Address(display_name=" ".join(name.split()), username=local, domain=domain)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
