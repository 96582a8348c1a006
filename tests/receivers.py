"""Desks and mailboxes for tests, on real sockets: each keeps what it was sent as its product would."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from bot.handoff.guard import Guard

#: Who may be sent to: everything here listens on this machine.
LOOPBACK = Guard(("127.0.0.0/8",))
#: What goes wrong with the next request: a status, a status and a Retry-After, or the reply is lost once all is done.
Fault = int | tuple[int, str] | Literal["lost"] | None


@dataclass(frozen=True)
class Seen:
    """What somebody at the desk sees of a ticket."""

    subject: str
    text: str
    email: str
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Desk:
    """A receiver of HTTP requests. `faults` are the next requests' bad luck, in order; GETs of a search have none."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.url = ""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        raise NotImplementedError

    def take(self, asked: Asked) -> tuple[int, dict[str, str], Any] | None:
        """The reply; None where the connection breaks instead."""
        self.requests.append(asked)
        fault = self.faults.pop(0) if self.faults and asked.method != "GET" else None
        if isinstance(fault, int):
            return fault, {}, {"error": "no"}
        if isinstance(fault, tuple):
            return fault[0], {"Retry-After": fault[1]}, {"error": "later"}
        status, body = self.answer(asked)
        return None if fault == "lost" else (status, {}, body)


@contextmanager
def running(desk: Desk) -> Iterator[Desk]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = desk.take(Asked(self.command, address.path, query, headers, body))
            if reply is None:
                self.close_connection = True
                return
            status, more, said = reply
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError):  # who asked is gone
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = _any  # noqa: N815

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    desk.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class WebhookDesk(Desk):
    """Takes each `webhook-id` once, as the specification asks of receivers."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, Any] = {}

    def answer(self, asked: Asked) -> tuple[int, Any]:
        told = self.taken.setdefault(asked.headers["webhook-id"], asked.json)
        if told["type"] != "ticket.created":
            return 200, {}
        return 200, {"reference": f"T-{told['data']['number']}", "url": "https://desk.example/T"}

    def _data(self, kind: str) -> list[dict[str, Any]]:
        return [told["data"] for told in self.taken.values() if told["type"] == kind]

    def tickets(self) -> list[Seen]:
        return [
            Seen(data["subject"], data["body"], data["email"], tuple((file["name"], b"") for file in data["files"]))
            for data in self._data("ticket.created")
        ]

    def public(self) -> list[str]:
        return [data["text"] for data in self._data("ticket.message") if data["author"] == "requester"]

    def internal(self) -> list[str]:
        answers = [data["text"] for data in self._data("ticket.message") if data["author"] == "agent"]
        return answers + [data["text"] for data in self._data("ticket.note")]


class ZammadDesk(Desk):
    """The parts of Zammad's API that hand-off needs, shaped as its controllers answer."""

    TOKEN = "zammad-token-of-the-tests"

    def __init__(self) -> None:
        super().__init__()
        self.made: list[dict[str, Any]] = []
        self.articles: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != f"Token token={self.TOKEN}":
            return 401, {"error": f"Invalid token {self.TOKEN}"}
        match asked.method, asked.path:
            case "GET", "/api/v1/tickets/search":
                assert asked.query["condition[ticket.tags][operator]"] == "contains all"
                assert "query" not in asked.query  # with one, Zammad would ask Elasticsearch
                wanted = asked.query["condition[ticket.tags][value]"]
                return 200, [{"id": made["id"]} for made in self.made if wanted in made["tags"].split(",")]
            case "POST", "/api/v1/tickets":
                made = {"id": len(self.made) + 7, **asked.json}
                self.made.append(made)
                self.articles.append({"ticket_id": made["id"], **made["article"]})
                return 201, {"id": made["id"], "title": made["title"]}
            case "POST", "/api/v1/ticket_articles":
                self.articles.append(asked.json)
                return 201, {"id": len(self.articles)}
        number = asked.path.removeprefix("/api/v1/ticket_articles/by_ticket/")
        if number == asked.path:
            return 404, {"error": "No route"}
        return 200, [article for article in self.articles if str(article["ticket_id"]) == number]

    def tickets(self) -> list[Seen]:
        return [
            Seen(
                made["title"],
                made["article"]["body"],
                made["customer_id"].removeprefix("guess:"),
                tuple((file["filename"], base64.b64decode(file["data"])) for file in made["article"]["attachments"]),
            )
            for made in self.made
        ]

    def public(self) -> list[str]:
        return [article["body"] for article in self._later() if not article["internal"]]

    def internal(self) -> list[str]:
        return [article["body"] for article in self._later() if article["internal"]]

    def _later(self) -> list[dict[str, Any]]:
        return [article for article in self.articles if "attachments" not in article]


class ZendeskDesk(Desk):
    """The parts of Zendesk's Ticketing API that hand-off needs. It has forgotten every idempotency key."""

    USER, TOKEN = "bot@example.com", "zendesk-token-of-the-tests"

    def __init__(self) -> None:
        super().__init__()
        self.made: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.uploads: list[tuple[str, bytes]] = []
        self.filters = True

    def answer(self, asked: Asked) -> tuple[int, Any]:
        given = base64.b64decode(asked.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if given != f"{self.USER}/token:{self.TOKEN}":
            return 401, {"error": f"Couldn't authenticate {self.TOKEN}"}
        match asked.method, asked.path:
            case "GET", "/api/v2/tickets.json":
                wanted = asked.query["external_id"]
                found = [made for made in self.made if not self.filters or made["external_id"] == wanted]
                keys = ("id", "external_id")
                return 200, {"tickets": [{key: made[key] for key in keys} for made in found], "count": len(found)}
            case "POST", "/api/v2/tickets.json":
                assert asked.headers["idempotency-key"] == asked.json["ticket"]["external_id"]
                self.made.append({"id": len(self.made) + 35, "requester_id": 99, **asked.json["ticket"]})
                return 201, {"ticket": {"id": self.made[-1]["id"]}}
            case "POST", "/api/v2/uploads.json":
                self.uploads.append((asked.query["filename"], asked.body))
                return 201, {"upload": {"token": f"upload-{len(self.uploads)}"}}
        number = asked.path.removeprefix("/api/v2/tickets/").split("/")[0].removesuffix(".json")
        if asked.path.endswith("/comments.json"):
            return 200, {"comments": [one for one in self.comments if one["ticket"] == number]}
        if asked.method == "PUT":
            changed = asked.json["ticket"]
            self.comments.append({"ticket": number, **changed["comment"], "metadata": {"custom": changed["metadata"]}})
        return 200, {"ticket": {"id": int(number), "requester_id": 99}}

    def tickets(self) -> list[Seen]:
        return [
            Seen(
                made["subject"],
                made["comment"]["body"],
                made["requester"]["email"],
                tuple(self.uploads[int(token.split("-")[1]) - 1] for token in made["comment"].get("uploads", ())),
            )
            for made in self.made
        ]

    def public(self) -> list[str]:
        return [one["body"] for one in self.comments if one["public"]]

    def internal(self) -> list[str]:
        return [one["body"] for one in self.comments if not one["public"]]


@dataclass
class Mailbox:
    """What an SMTP server took. Mail with a Message-ID that is there already is dropped, as mail programs do.

    `faults` are the next messages' bad luck: a code to answer with, or "lost" for a break once the message is stored.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    faults: list[int | str] = field(default_factory=list)
    port: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return f"{fault} {'5' if fault >= 500 else '4'}.7.1 {envelope.rcpt_tos[0]} is not welcome"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        if mail["Message-ID"] not in [known["Message-ID"] for known in self.mails]:
            self.mails.append(mail)  # type: ignore[arg-type]
        if fault == "lost":
            server.transport.abort()
        return "250 OK"

    def tickets(self) -> list[Seen]:
        return [
            Seen(
                str(mail["Subject"]),
                words_of(mail),
                str(mail["Reply-To"] or ""),
                tuple((str(part.get_filename()), part.get_payload(decode=True)) for part in mail.iter_attachments()),
            )
            for mail in self.mails
            if not mail["In-Reply-To"]
        ]

    def public(self) -> list[str]:
        return [words_of(mail) for mail in self.mails if mail["In-Reply-To"] and mail["Reply-To"]]

    def internal(self) -> list[str]:
        return [words_of(mail) for mail in self.mails if mail["In-Reply-To"] and not mail["Reply-To"]]


def words_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


@contextmanager
def mail_server(mailbox: Mailbox, **given: Any) -> Iterator[Mailbox]:
    """An SMTP server on a free port; `given` are settings of aiosmtpd."""
    import socket

    from aiosmtpd.controller import Controller

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        mailbox.port = probe.getsockname()[1]
    controller = Controller(mailbox, "127.0.0.1", mailbox.port, **given)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
