"""Everything `bot` raises on purpose.

BotError
├── QuestionInvalid        nothing that could be answered
├── QuestionUnknown        no question with this id was asked
├── TicketInvalid          a field of a ticket is missing or wrong; names the field
├── TicketConflict         an idempotency key was used for another ticket
├── TicketUnknown          there is no ticket with this id
├── TicketChanged          somebody else changed a ticket that an agent has open
├── NothingToUndo          the last thing that happened to a ticket cannot be taken back
├── FeedbackInvalid        a comment is too long, or a reason is none of ours
├── AttachmentRefused      a file is too large, empty, of another kind, or one too many
├── AttachmentUnknown      the ticket has no file with this id
├── LearnedUnknown         there is no learned question with this id
├── LearnedRemoved         a removed learned question has to be restored first
├── SendingUnknown         there is nothing in the outbox with this id
├── DeliveryFailed         another desk or a mail server did not take what it was sent
├── FlagInvalid            a comment or a reason cannot be kept as it is
├── FlagUnknown            there is no flag with this id
├── GapInvalid             a reason is missing or too long, or there is nothing to take back
├── GapChanged             something else was decided on a gap since an author read it
├── GapUnknown             there is no gap with this id
├── AccountInvalid         a field of a person, a password or a token is missing or wrong; names the field
├── PersonUnknown          there is no person with this id
├── LastAdmin              nobody would be left who may decide who may do what
├── LinkUnknown            a one-time link was used, has expired or never was
├── TokenExpired           an API token worked once and has expired
├── RemoteUnusable         the repository of the articles has not what is to be published
├── PublicationUnknown     there is no publication with this id
├── PublicationRunning     something is being published right now
├── NothingToTakeBack      no snapshot was published before the one in use
├── BackupFailed           there is nothing to save
├── BackupUnusable         a file is no backup, is damaged, or comes from a newer version
├── RestoreRefused         something is there already that a restore would take the place of
└── StoreUnavailable       the database cannot be written; nothing was stored
    └── EntryRefused       it can, and refuses an event for what it holds
"""

from __future__ import annotations

from typing import Any


class Message:
    """Words for a person: an English template with named values, `%(limit)s`, that a front end may translate."""

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: Any) -> None:
        self.template, self.values = template, values

    def __str__(self) -> str:
        written = {name: f"{value:,}" if isinstance(value, int) else value for name, value in self.values.items()}
        return self.template % written

    def __repr__(self) -> str:
        return f"Message({str(self)!r})"


class BotError(Exception):
    """Root of all errors of the bot; the message is written for the person who asked."""

    @property
    def message(self) -> Message | None:
        """What to tell the person, where it can be translated."""
        return next((part for part in self.args if isinstance(part, Message)), None)


class QuestionInvalid(BotError):  # noqa: N818 - reads as what happened
    """Nothing that could be answered."""


class QuestionUnknown(BotError):  # noqa: N818
    """No question with this id was asked."""


class TicketInvalid(BotError):  # noqa: N818
    """A field of a ticket is missing or wrong. `fields` maps its name to what to do about it."""

    def __init__(self, fields: dict[str, Message]) -> None:
        super().__init__(" ".join(map(str, fields.values())))
        self.fields = fields


class TicketConflict(BotError):  # noqa: N818
    """An idempotency key was used before, for a ticket with other content."""


class TicketUnknown(BotError):  # noqa: N818
    """There is no ticket with this id."""


class TicketChanged(BotError):  # noqa: N818
    """Somebody else changed a ticket since an agent read it; nothing was stored."""

    def __init__(self, name: str) -> None:
        words = (
            Message(
                "%(name)s changed this ticket while you had it open. Look at what is new, then try again.", name=name
            )
            if name
            else Message("The requester wrote while you had this ticket open. Read it, then try again.")
        )
        super().__init__(words)


class GapChanged(BotError):  # noqa: N818
    """Something else was decided on a gap since an author read it; nothing was stored."""

    def __init__(self) -> None:
        super().__init__(Message("Look at what is new, then try again."))


class NothingToUndo(BotError):  # noqa: N818
    """The last thing that happened to a ticket cannot be taken back."""


class FeedbackInvalid(BotError):  # noqa: N818
    """What a reader said of an article cannot be kept as it is; the message says what to change."""


class AttachmentRefused(BotError):  # noqa: N818
    """A file cannot come with a ticket: too large, empty, of another kind, or one too many. `words` say which."""

    def __init__(self, words: Message) -> None:
        super().__init__(words)
        self.words = words


class AttachmentUnknown(BotError):  # noqa: N818
    """The ticket has no file with this id."""


class LearnedUnknown(BotError):  # noqa: N818
    """There is no learned question with this id."""


class LearnedRemoved(BotError):  # noqa: N818
    """The learned question was removed, and has to be restored before anything else is done with it."""


class SendingUnknown(BotError):  # noqa: N818
    """There is nothing in the outbox with this id."""


class DeliveryFailed(BotError):  # noqa: N818
    """Another desk or a mail server did not take what it was sent; the message says why, and holds no secret.

    `permanent` says that the same would be refused again. `retry_after` is how many seconds the receiver asks to be
    left alone.
    """

    def __init__(self, why: Message, *, permanent: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.why, self.permanent, self.retry_after = why, permanent, retry_after


class FlagInvalid(BotError):  # noqa: N818
    """What was said of an article, or of a flag, cannot be kept as it is; the message says what to change."""


class FlagUnknown(BotError):  # noqa: N818
    """There is no flag with this id."""


class GapInvalid(BotError):  # noqa: N818
    """A reason is missing or too long, or there is nothing to take back."""


class GapUnknown(BotError):  # noqa: N818
    """There is no gap with this id."""


class AccountInvalid(BotError):  # noqa: N818
    """A person, a password or a token cannot be as it was given. `fields` maps a name to what to do about it."""

    def __init__(self, fields: dict[str, Message]) -> None:
        super().__init__(" ".join(map(str, fields.values())))
        self.fields = fields


class PersonUnknown(BotError):  # noqa: N818
    """There is no person with this id or address."""


class LastAdmin(BotError):  # noqa: N818
    """Nobody would be left who may decide who may do what."""


class LinkUnknown(BotError):  # noqa: N818
    """A one-time link was used, has expired or never was."""


class TokenExpired(BotError):  # noqa: N818
    """An API token worked once and has expired."""


class RemoteUnusable(BotError):  # noqa: N818
    """The repository of the articles has not what is to be published; the message says what to do, and no password."""


class PublicationUnknown(BotError):  # noqa: N818
    """There is no publication with this id."""


class PublicationRunning(BotError):  # noqa: N818
    """Something is being published right now; what is in use may change at any moment."""


class NothingToTakeBack(BotError):  # noqa: N818
    """No snapshot was published before the one in use, or none with the id that was asked for."""


class BackupFailed(BotError):  # noqa: N818
    """There is nothing to save."""


class BackupUnusable(BotError):  # noqa: N818
    """A file is no backup, is damaged, or comes from a newer version."""


class RestoreRefused(BotError):  # noqa: N818
    """Something is there already that a restore would take the place of."""


class StoreUnavailable(BotError):  # noqa: N818
    """The database cannot be read or written; nothing was stored."""


class EntryRefused(StoreUnavailable):
    """The database refuses an event for what it holds, and would refuse it again; nothing was stored."""
