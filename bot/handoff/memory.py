"""A ticket sink that forgets everything when the process ends: the fake of the `TicketSink` seam."""

from __future__ import annotations

from bot.handoff import HandedTicket, Receipt, Remark


class MemorySink:
    """A fake for tests: a dictionary."""

    def __init__(self) -> None:
        self.tickets: dict[str, HandedTicket] = {}
        self.remarks: dict[str, tuple[str, Remark]] = {}
        self.notes: dict[str, tuple[str, str]] = {}

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        self.tickets.setdefault(idempotency_key, handed)
        return Receipt(f"{list(self.tickets).index(idempotency_key) + 1}")

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        self.remarks.setdefault(idempotency_key, (reference, remark))
        return Receipt(reference)

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        self.notes.setdefault(idempotency_key, (reference, text))
        return Receipt(reference)
