"""Tickets for Zendesk, over its Ticketing API (https://developer.zendesk.com/api-reference/ticketing/)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bot.handoff import File, HandedTicket, Receipt, Remark
from bot.handoff.guard import PUBLIC_ONLY, Guard
from bot.handoff.wire import Wire, basic

#: Zendesk's mark of who sent what; `metadata.custom` of a comment shows it again.
_MARK = "firstline"


@dataclass(frozen=True, slots=True)
class ZendeskSink:
    """A ticket carries its key as `Idempotency-Key` and as `external_id`, a comment in its metadata.

    Zendesk remembers an idempotency key for two hours, and a desk may be down for longer: so the ticket is looked for
    by its external id first.
    """

    url: str
    user: str
    token: str = field(repr=False)
    group: str = ""
    guard: Guard = PUBLIC_ONLY

    @property
    def _wire(self) -> Wire:
        authorization = basic(f"{self.user}/token", self.token)
        secrets = (self.token, authorization.partition(" ")[2])
        return Wire(self.url, {"Authorization": authorization}, secrets, self.guard)

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        ticket = handed.ticket
        found = self._wire.get("/api/v2/tickets.json", {"external_id": idempotency_key})
        for known in found.get("tickets", ()):
            if known.get("external_id") == idempotency_key:  # a desk without this filter lists other people's tickets
                return self._receipt(str(known["id"]))
        comment: dict[str, Any] = {"body": handed.text, "public": True}
        if handed.files:
            comment["uploads"] = [self._upload(file) for file in handed.files]
        made: dict[str, Any] = {
            "subject": ticket.subject,
            "comment": comment,
            "requester": {"name": ticket.email.partition("@")[0], "email": ticket.email},
            "external_id": idempotency_key,
            "tags": ["firstline"],
        }
        if self.group:
            made["group_id"] = int(self.group)
        told = self._wire.post("/api/v2/tickets.json", {"ticket": made}, {"Idempotency-Key": idempotency_key})
        return self._receipt(str(told["ticket"]["id"]))

    def say(self, reference: str, remark: Remark, idempotency_key: str) -> Receipt:
        """An agent's answer goes in as internal: its requester has read it on this site, and gets no second mail."""
        if remark.author == "agent":
            return self.note(reference, remark.text, idempotency_key)
        ticket = self._wire.get(f"/api/v2/tickets/{quote(reference, safe='')}.json")["ticket"]
        comment = {"body": remark.text, "public": True, "author_id": ticket["requester_id"]}
        return self._add(reference, comment, idempotency_key)

    def note(self, reference: str, text: str, idempotency_key: str) -> Receipt:
        return self._add(reference, {"body": text, "public": False}, idempotency_key)

    def _add(self, reference: str, comment: dict[str, Any], key: str) -> Receipt:
        address = f"/api/v2/tickets/{quote(reference, safe='')}"
        known = self._wire.get(f"{address}/comments.json", {"sort_order": "desc"})
        marks = [(one.get("metadata") or {}).get("custom") or {} for one in known.get("comments", ())]
        if not any(mark.get(_MARK) == key for mark in marks):
            self._wire.send_json("PUT", f"{address}.json", {"ticket": {"comment": comment, "metadata": {_MARK: key}}})
        return self._receipt(reference)

    def _upload(self, file: File) -> str:
        sent = self._wire.send(
            "POST",
            f"/api/v2/uploads.json?filename={quote(file.name, safe='')}",
            file.content,
            {"Content-Type": file.media_type},
        )
        return str(sent.json(self._wire.host)["upload"]["token"])

    def _receipt(self, reference: str) -> Receipt:
        return Receipt(reference, f"{self.url.rstrip('/')}/agent/tickets/{quote(reference, safe='')}")
