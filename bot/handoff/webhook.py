"""Tickets as signed webhooks (https://www.standardwebhooks.com): for whatever people write to receive them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.handoff import HandedTicket, Receipt, Remark
from bot.handoff.guard import PUBLIC_ONLY, Guard
from bot.handoff.signing import sign
from bot.handoff.wire import Wire


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """Posts `{"type", "timestamp", "data"}`. The receiver tells what it took already by `webhook-id`, which is the key.

    Its reply may be `{"reference", "url"}`; else a ticket's reference is our own id of it.
    """

    url: str
    key: bytes = field(repr=False)
    now: Callable[[], datetime]
    guard: Guard = PUBLIC_ONLY

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        ticket = handed.ticket
        data = {
            "id": ticket.id,
            "number": ticket.number,
            "created": ticket.at.isoformat(),
            "subject": ticket.subject,
            "body": ticket.body,
            "email": ticket.email,
            "lang": ticket.lang,
            "topic": ticket.topic,
            "department": ticket.department,
            "shown": list(ticket.shown),
            "declined": list(ticket.declined),
            "details": handed.details,
            "url": handed.url,
            "files": [
                {"name": file.name, "media_type": file.media_type, "size": len(file.content), "url": file.url}
                for file in handed.files
            ],
        }
        told = self._post("ticket.created", data, idempotency_key)
        url = str(told.get("url") or "")
        shown = url if url.startswith(("https://", "http://")) else ""  # it becomes a link on a page of ours
        return Receipt(str(told.get("reference") or ticket.id), shown)

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        data = {"reference": reference, "author": remark.author, "text": remark.text}
        self._post("ticket.message", data, idempotency_key)
        return Receipt(reference)

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        self._post("ticket.note", {"reference": reference, "text": text}, idempotency_key)
        return Receipt(reference)

    def tell(self, event: Mapping[str, Any], idempotency_key: str) -> Receipt:
        """Posts something that belongs to no ticket; its `event` is the type. Raises DeliveryFailed."""
        data = {name: value for name, value in event.items() if name != "event"}
        self._post(str(event["event"]), data, idempotency_key)
        return Receipt(idempotency_key)

    def _post(self, kind: str, data: dict[str, Any], message_id: str) -> dict[str, Any]:
        now = self.now()
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(self.key, message_id, int(now.timestamp()), body),
        }
        reply = Wire(self.url, guard=self.guard).send("POST", "", body, headers)
        try:
            told = json.loads(reply.body)
        except ValueError:  # a receiver need not say anything
            return {}
        return told if isinstance(told, dict) else {}
