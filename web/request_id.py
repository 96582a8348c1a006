"""The request under way: its id, and what its line in the log will say."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

HEADER = "x-request-id"
#: What other programs make ids of: hexadecimal, UUIDs, base64url, `Root=1-…`. Nothing that a log could be misread by.
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._=+/:-]{7,63}")


@dataclass(slots=True)
class Trace:
    """One request. `decision` is what a question asked in it came to, "" where none was."""

    id: str
    decision: str = ""


_current: ContextVar[Trace | None] = ContextVar("request", default=None)


def begin(given: bytes | None, *, trusted: bool) -> Trace:
    """The trace of a new request: with the id it brings, where that is sane and who sends it is trusted, or a new one.

    It is the current one of this task, and of the threads that work for it.
    """
    sane = given is not None and trusted and _SANE.fullmatch(given)
    trace = Trace(given.decode("ascii") if sane and given else secrets.token_hex(8))
    _current.set(trace)
    return trace


def current() -> Trace | None:
    """The request that this code runs for; None where it runs for none."""
    return _current.get()


def current_id() -> str:
    """Its id; "" where there is none."""
    trace = _current.get()
    return trace.id if trace else ""


class Networks:
    """Addresses that are trusted, given as addresses or networks; tells of one whether it is."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def __contains__(self, host: object) -> bool:
        try:
            address = ip_address(str(host))
        except ValueError:  # of a Unix socket, or a test
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)
