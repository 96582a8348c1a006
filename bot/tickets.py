"""What a ticket has to be, and how one is made of what its requester sent."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime

from bot.attachments import Upload
from bot.errors import AttachmentRefused, Message, TicketConflict, TicketInvalid
from bot.models import MAX_BODY, MAX_SUBJECT, Attachment, Ticket, TicketDraft

EMAIL = re.compile(r"[^@\s<>\"\x00-\x1f\x7f]{1,64}@[^@\s<>\".\x00-\x1f\x7f]+(?:\.[^@\s<>\".\x00-\x1f\x7f]+)+")


def check(draft: TicketDraft) -> None:
    """Raises TicketInvalid that names every field to mend, in words for the person who filled it in."""
    fields: dict[str, Message] = {}
    if not draft.subject.strip():
        fields["subject"] = Message("Enter a subject, a few words about what you need.")
    elif len(draft.subject) > MAX_SUBJECT:
        fields["subject"] = Message(
            "Shorten the subject to %(limit)s characters or fewer. The details fit below it.", limit=MAX_SUBJECT
        )
    if not draft.body.strip():
        fields["body"] = Message("Describe what happened, so that we can help.")
    elif len(draft.body) > MAX_BODY:
        fields["body"] = Message("Shorten the description to %(limit)s characters or fewer.", limit=MAX_BODY)
    if not draft.email.strip():
        fields["email"] = Message("Enter your e-mail address, so that we can reply.")
    elif not EMAIL.fullmatch(draft.email.strip()) or len(draft.email) > 254:
        fields["email"] = Message("Enter an e-mail address like name@example.com.")
    if fields:
        raise TicketInvalid(fields)


def message(text: str) -> str:
    """What is written to a ticket. Raises TicketInvalid where it is empty or too long."""
    if not text.strip():
        raise TicketInvalid({"text": Message("Write a few words first, so that the other side knows what you mean.")})
    if len(text) > MAX_BODY:
        raise TicketInvalid({"text": Message("Shorten your message to %(limit)s characters or fewer.", limit=MAX_BODY)})
    return text.strip("\n")


def fingerprint(draft: TicketDraft) -> str:
    """Tells whether two drafts are the same ticket: what the person typed, not what was shown beside it."""
    typed = [draft.subject, draft.body, draft.email]
    if draft.topic or draft.department:
        typed += [draft.topic, draft.department]
    return hashlib.sha256(json.dumps(typed).encode()).hexdigest()


def conflict(key: str) -> TicketConflict:
    """What an inbox raises where a key was used for another draft."""
    return TicketConflict(f"The idempotency key {key!r} was used for another ticket. Send a new key with a new ticket.")


def no_room(upload: Upload) -> AttachmentRefused:
    """What an inbox raises where too many files wait already."""
    return AttachmentRefused(
        Message("We cannot take “%(name)s” at the moment. Send the ticket without it.", name=upload.name)
    )


def taken(
    draft: TicketDraft,
    ticket_id: str,
    number: int,
    shown: tuple[str, ...],
    at: datetime,
    attached: tuple[Attachment, ...],
) -> Ticket:
    """The ticket that an inbox makes of a draft."""
    return Ticket(
        id=ticket_id,
        number=number,
        at=at,
        subject=draft.subject,
        body=draft.body,
        email=draft.email,
        question_id=draft.question_id,
        shown=shown,
        declined=draft.declined,
        lang=draft.lang,
        topic=draft.topic,
        department=draft.department,
        conversation=draft.conversation,
        attachments=attached,
        changed=at,
    )
