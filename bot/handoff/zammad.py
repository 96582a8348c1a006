"""Tickets for Zammad, over its REST API (https://docs.zammad.org/en/latest/api/ticket/index.html)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bot.handoff import HandedTicket, Receipt, Remark
from bot.handoff.guard import PUBLIC_ONLY, Guard
from bot.handoff.wire import Wire


@dataclass(frozen=True, slots=True)
class ZammadSink:
    """A ticket carries its key as a tag, an article as its message id: Zammad itself knows no idempotency keys.

    Before anything is made it is looked for. Tags are searched with a `condition` and without a `query`: Zammad then
    asks its database and not Elasticsearch, which learns of a new ticket only some seconds later.
    """

    url: str
    token: str = field(repr=False)
    group: str
    guard: Guard = PUBLIC_ONLY

    @property
    def _wire(self) -> Wire:
        return Wire(self.url, {"Authorization": f"Token token={self.token}"}, (self.token,), self.guard)

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        ticket = handed.ticket
        condition = {
            "condition[ticket.tags][operator]": "contains all",
            "condition[ticket.tags][value]": idempotency_key,
            "expand": "true",
        }
        found = self._wire.get("/api/v1/tickets/search", condition)
        if isinstance(found, list) and found:
            return self._receipt(found[0])
        made = self._wire.post(
            "/api/v1/tickets",
            {
                "title": ticket.subject,
                "group": self.group,
                "customer_id": f"guess:{ticket.email}",
                "tags": idempotency_key,
                "article": {
                    **self._article(ticket.subject, handed.text, idempotency_key),
                    "type": "web",
                    "sender": "Customer",
                    "from": ticket.email,
                    "reply_to": ticket.email,
                    "internal": False,
                    "attachments": [
                        {
                            "filename": file.name,
                            "mime-type": file.media_type,
                            "data": base64.b64encode(file.content).decode(),
                        }
                        for file in handed.files
                    ],
                },
            },
        )
        return self._receipt(made)

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        """An agent's answer goes in as internal: its requester has read it on this site, and gets no second mail."""
        article = self._article(remark.subject, remark.text, idempotency_key)
        if remark.author == "requester":
            article |= {"type": "web", "sender": "Customer", "from": remark.email, "internal": False}
        else:
            article |= {"type": "note", "sender": "Agent", "internal": True}
        return self._add(reference, article)

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        article = self._article("", text, idempotency_key) | {"type": "note", "sender": "Agent", "internal": True}
        return self._add(reference, article)

    def _article(self, subject: str, text: str, key: str) -> dict[str, Any]:
        return {"subject": subject, "body": text, "content_type": "text/plain", "message_id": f"<{key}@firstline>"}

    def _add(self, reference: str, article: dict[str, Any]) -> Receipt:
        known = self._wire.get(f"/api/v1/ticket_articles/by_ticket/{quote(reference, safe='')}")
        if not any(one.get("message_id") == article["message_id"] for one in known):
            self._wire.post("/api/v1/ticket_articles", {"ticket_id": reference, **article})
        return Receipt(reference, self._page(reference))

    def _receipt(self, ticket: Any) -> Receipt:
        return Receipt(str(ticket["id"]), self._page(str(ticket["id"])))

    def _page(self, reference: str) -> str:
        return f"{self.url.rstrip('/')}/#ticket/zoom/{quote(reference, safe='')}"
