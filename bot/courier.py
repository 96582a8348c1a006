"""The courier: takes letters out of the outbox and delivers them, again and again until they arrive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import DeliveryFailed, Message, StoreUnavailable
from bot.handoff import File, HandedTicket, Receipt, Remark, TicketSink
from bot.handoff.mail import Mail, Mailer
from bot.handoff.webhook import WebhookSink
from bot.inbox import Inbox
from bot.outbox import MAIL, Letter, Sending, SqlOutbox

_log = logging.getLogger(__name__)

#: "Full jitter": a wait is anything between nothing and the smaller of CAP and BASE times two to the number of
#: attempts. (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.)
BASE = timedelta(seconds=10)
CAP = timedelta(hours=6)
#: With these, 48 hours go by on average until a letter is given up: over a weekend somebody looks at the page.
ATTEMPTS = 27
#: A receiver that asks for more than this is not believed.
LONGEST_ASKED = timedelta(days=1)
#: How often the outbox is looked at for what became due or was written by another server, in seconds.
LOOK_EVERY_S = 5.0
_TIDY_EVERY = timedelta(hours=1)


def wait(attempts: int, random: Callable[[], float]) -> timedelta:
    """How long to wait after so many attempts, from 1 on; `random` gives 0 to 1."""
    longest: timedelta = min(CAP, BASE * 2 ** min(attempts - 1, 30))
    return random() * longest


class Gone(Exception):  # noqa: N818
    """Nobody needs the letter any more; the message says why."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Route:
    """How each letter is delivered: by the sink it is for, or as mail to a requester. Reads the ticket when it is sent.

    `events` are the receivers of what belongs to no ticket, by the sink of its letters. `site` is the address of this
    site, "" where it is not known.
    """

    inbox: Inbox
    outbox: SqlOutbox
    sinks: Mapping[str, TicketSink] = field(default_factory=dict)
    mailer: Mailer | None = None
    events: Mapping[str, WebhookSink] = field(default_factory=dict)
    reply_to: str = ""
    site: str = ""

    @property
    def known(self) -> Collection[str]:
        """The sinks that letters may be for."""
        return [*self.sinks, *self.events, *([MAIL] if self.mailer else [])]

    def deliver(self, letter: Letter) -> Receipt:
        """Raises DeliveryFailed, Gone or StoreUnavailable."""
        if letter.kind == "mail" and self.mailer:
            return self._mail(letter, self.mailer)
        if letter.kind == "event":
            return self.events[letter.sink].tell(letter.payload, letter.key)
        sink = self.sinks[letter.sink]
        if letter.kind == "ticket":
            return sink.submit(self._handed(letter), letter.key)
        reference = letter.payload.get("to") or self.outbox.reference(letter.ticket_id, letter.sink)
        if not reference:
            raise Gone(Message("The ticket it belongs to was never handed over."))
        if letter.kind == "note":
            return sink.note(reference, letter.payload["text"], letter.key)
        ticket = self.inbox.ticket(letter.ticket_id)
        if ticket is None:
            raise Gone(Message("The ticket was deleted."))
        said = letter.payload
        subject = f"{ticket.subject} [#{ticket.number}]"
        remark = Remark(said["author"], said["text"], subject, ticket.email, said.get("heading", ""))
        return sink.say(reference, remark, letter.key)

    def _handed(self, letter: Letter) -> HandedTicket:
        ticket = self.inbox.ticket(letter.ticket_id)
        if ticket is None:
            raise Gone(Message("The ticket was deleted."))
        page = f"{self.site}/ticket/{ticket.id}" if self.site else ""
        files = []
        for attachment in ticket.attachments:
            if found := self.inbox.file(ticket.id, attachment.id):
                url = f"{page}/files/{attachment.id}" if page else ""
                files.append(File(attachment.name, attachment.media_type, found[1], url))
        return HandedTicket(ticket, letter.payload.get("details", ""), page, tuple(files))

    def _mail(self, letter: Letter, mailer: Mailer) -> Receipt:
        """All mail about a ticket is one thread, under the confirmation; what is about none stands alone."""
        first = f"mail-{letter.ticket_id}" if letter.ticket_id else letter.key
        after = mailer.message_id(first) if letter.key != first else ""
        said = letter.payload
        mail = Mail(said["to"], said["subject"], said["text"], letter.key, after, self.reply_to)
        return Receipt(mailer.send(mail))


class Courier:
    """Delivers in a thread of its own, one letter at a time; several servers over one database share the work.

    `now` and `random` (0 to 1) come in as arguments; so does `owner`, which tells this server from others.
    """

    def __init__(
        self, outbox: SqlOutbox, route: Route, *, owner: str, now: Callable[[], datetime], random: Callable[[], float]
    ) -> None:
        self._outbox, self._route, self._owner = outbox, route, owner
        self._now, self._random = now, random
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._tidied: datetime | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 20.0) -> None:
        """Lets the delivery under way come to its end, for at most so long; what else waits is sent after a restart."""
        self._ending.set()
        self._outbox.woken.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def work(self) -> int:
        """Delivers all that is due; how many letters were tried. Raises StoreUnavailable."""
        tried = 0
        while not self._ending.is_set() and (
            sending := self._outbox.claim(self._route.known, self._owner, self._now())
        ):
            self._try(sending)
            tried += 1
        return tried

    def tidy(self) -> None:
        """Empties what arrived long ago, once an hour. Raises StoreUnavailable."""
        now = self._now()
        if self._tidied is None or abs(now - self._tidied) >= _TIDY_EVERY:
            self._outbox.forget(now)
            self._tidied = now

    def _run(self) -> None:
        while not self._ending.is_set():
            self._outbox.woken.clear()  # before the look: what is written during it is seen in the next one
            try:
                self.work()
                self.tidy()
            except StoreUnavailable as error:
                _log.error("%s", error)
            except Exception:  # a fault here must not end the deliveries: the next look may go well
                _log.exception("looking into the outbox failed")
            self._outbox.woken.wait(LOOK_EVERY_S)

    def _try(self, sending: Sending) -> None:
        try:
            if sending.attempts > ATTEMPTS:  # each time the server ended before it could say what came of it
                raise DeliveryFailed(Message("The server stopped each time while it was sent."), permanent=True)
            receipt = self._route.deliver(sending.letter)
        except Gone as gone:
            self._outbox.drop(sending, self._owner, gone.why, self._now())
        except StoreUnavailable:
            raise  # the lease runs out, and it is tried again
        except DeliveryFailed as failed:
            self._failed(sending, failed)
        except Exception as error:  # a receiver answered what nobody expected
            _log.exception("letter %s could not be delivered", sending.id)
            what = type(error).__name__
            self._failed(sending, DeliveryFailed(Message("We did not understand its answer (%(what)s).", what=what)))
        else:
            self._outbox.deliver(sending, self._owner, receipt.reference, receipt.url, self._now())

    def _failed(self, sending: Sending, failed: DeliveryFailed) -> None:
        dead = failed.permanent or sending.attempts >= ATTEMPTS
        asked = min(timedelta(seconds=failed.retry_after), LONGEST_ASKED)
        pause = max(wait(sending.attempts, self._random), asked)
        level = logging.ERROR if dead else logging.WARNING
        _log.log(level, "%s %s, attempt %s: %s", sending.letter.kind, sending.id, sending.attempts, failed.why)
        self._outbox.fail(sending, self._owner, failed.why, None if dead else self._now() + pause)
