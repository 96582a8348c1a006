"""One HTTP request to another desk: with a timeout, a bounded reply, no redirects, and errors that name no secret.

The standard library's `http.client` does all of this. It follows no redirect and no proxy variable, and so sends a
token nowhere but to the host that the settings name; `guard` sees to it that this host is none of our own network.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from bot import privacy
from bot.errors import DeliveryFailed, Message
from bot.handoff.guard import PUBLIC_ONLY, Guard

#: For one step (connecting, a read, a write), for all until the reply begins, and for its body, in seconds.
TIMEOUT_S = 20.0
BEGIN_S = 40.0
REPLY_S = 30.0
#: A desk that was too slow for us may be at it still. Asked again before it is done, it would not find what it makes.
_STILL_AT_IT_S = 120.0
MAX_REPLY = 1_000_000
_PIECE = 65_536
_SHOWN = 200
#: Refusals that pass: a timeout, a conflict with another request, too early, too many requests.
_PASSING = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, host: str = "") -> Any:
        """Raises DeliveryFailed where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise DeliveryFailed(
                Message("%(host)s took it, but its answer is no JSON. Is the address right?", host=host)
            ) from None


@dataclass(frozen=True, slots=True)
class Wire:
    """Requests to one address. `headers` go with each of them and may hold secrets; so does `secrets` never show."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    guard: Guard = PUBLIC_ONLY
    clock: Callable[[], float] = time.monotonic

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc.rpartition("@")[2]

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path).json(self.host)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        return self.send_json("POST", path, body, headers).json(self.host)

    def send_json(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        given = {"Content-Type": "application/json", **(headers or {})}
        return self.send(method, path, json.dumps(body).encode(), given)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The reply of a request that was taken. Raises DeliveryFailed for any other, and where nobody answers."""
        address = urlsplit(self.base.rstrip("/") + path if path else self.base)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        given = {"User-Agent": "Firstline", "Accept": "application/json", **self.headers, **(headers or {})}
        connection = self._connection(address.scheme, address.hostname or "", address.port)
        late = threading.Event()
        watch = threading.Timer(BEGIN_S, _cut, (connection, late))
        watch.daemon = True
        watch.start()
        try:
            connection.request(method, target, body, given)
            with connection.getresponse() as answer:
                watch.cancel()
                if late.is_set():  # what was read until then may look like a whole reply
                    raise TimeoutError
                reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, self._read(answer))
        except (OSError, http.client.HTTPException, ValueError) as error:
            slow = isinstance(error, TimeoutError) or late.is_set()
            why = _reason(TimeoutError() if late.is_set() else error)
            raise DeliveryFailed(
                Message("%(host)s does not answer: %(why)s.", host=self.host, why=self._masked(why)),
                retry_after=_STILL_AT_IT_S if slow and method != "GET" else 0.0,
            ) from None
        finally:
            watch.cancel()
            connection.close()
        self._check(reply)
        return reply

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            return _Encrypted(host, port, self.guard)
        return _Plain(host, port, self.guard)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        """The body, of which no more is read than MAX_REPLY, nor for longer than REPLY_S."""
        until, received = self.clock() + REPLY_S, bytearray()
        while piece := answer.read1(_PIECE):
            received += piece
            if len(received) > MAX_REPLY:
                raise ValueError(f"its answer is longer than {MAX_REPLY:,} bytes")
            if self.clock() > until:
                raise TimeoutError(f"its answer takes longer than {REPLY_S:.0f} seconds")
        return bytes(received)

    def _check(self, reply: Reply) -> None:
        status = reply.status
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise DeliveryFailed(
                Message(
                    "%(host)s sends us elsewhere (%(status)s). Write the address it leads to into the settings.",
                    host=self.host,
                    status=str(status),
                ),
                permanent=True,
            )
        said = self._masked(privacy.to_keep(reply.body.decode("utf-8", "replace")))
        raise DeliveryFailed(
            Message(
                "%(host)s answered %(status)s: %(said)s",
                host=self.host,
                status=f"{status} {_phrase(status)}".strip(),
                said=" ".join(said.split())[:_SHOWN] or "–",
            ),
            permanent=400 <= status < 500 and status not in _PASSING,
            retry_after=_retry_after(reply.headers.get("retry-after", "")),
        )

    def _masked(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "…") if secret else text
        return text


class _Plain(http.client.HTTPConnection):
    """A connection to an address that the guard has checked."""

    def __init__(self, host: str, port: int | None, guard: Guard) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._guard = guard

    def connect(self) -> None:
        self.sock = self._guard.connect(self.host, self.port, TIMEOUT_S)


class _Encrypted(_Plain):
    """The same over TLS; the certificate has to be that of the name, not of the address."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """Ends a connection whose other side sends a byte now and then, which no timeout of a single step notices."""
    late.set()
    if sock := connection.sock:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def basic(user: str, password: str) -> str:
    """An Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError) and not str(error).startswith("its"):
        return "the time is up"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _retry_after(text: str) -> float:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3), a number or a date; 0 where it says nothing."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
