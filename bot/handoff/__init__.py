"""The `TicketSink` seam: hands tickets on to the desk that people already have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.models import Author, Ticket

__all__ = ["File", "HandedTicket", "Receipt", "Remark", "TicketSink"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with a ticket, with its bytes; `url` is where it lies here, "" without a `base_url`."""

    name: str
    media_type: str
    content: bytes
    url: str = ""

    def __repr__(self) -> str:
        return f"<File of {len(self.content)} bytes>"


@dataclass(frozen=True, slots=True)
class HandedTicket:
    """A ticket as another desk gets it.

    `details` are what an agent should know beside the requester's words, in the desk's language; `url` is its page
    here, "" without a `base_url`.
    """

    ticket: Ticket
    details: str = ""
    url: str = ""
    files: tuple[File, ...] = ()

    @property
    def text(self) -> str:
        """The requester's words, and the details below a line."""
        return f"{self.ticket.body}\n\n-- \n{self.details}" if self.details else self.ticket.body


@dataclass(frozen=True, slots=True)
class Remark:
    """What was written to a ticket after it was handed over.

    `heading` says in words who wrote it, where that is not the requester: a mail has no other place for it.
    """

    author: Author
    text: str
    subject: str = ""
    email: str = ""
    heading: str = ""

    def __repr__(self) -> str:
        return f"<Remark of the {self.author}>"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`reference` is what the receiver calls it; `url` is where people find it there, "" where that is not known."""

    reference: str
    url: str = ""


class TicketSink(Protocol):
    """Hands a ticket over. The same idempotency key is the same ticket, remark or note, however often it is sent:
    also where the receiver took it and its reply was lost.

    Every method raises DeliveryFailed, whose message names neither secrets nor the requester.
    """

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt: ...

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        """Adds what the requester wrote, or what an agent answered on this site, which the requester has read here."""
        ...

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        """Adds a note that only agents read."""
        ...
