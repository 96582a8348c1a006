"""Takes the port that a server listens on, before anything else is begun."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import Any

#: Connections that the system keeps until a server takes them; as many as uvicorn asks for.
WAITING = 2048
#: What a process says of each connection that it was handed: it is its own now, or it has too many files open.
TAKEN, NO_ROOM = b".", b"!"

#: What an address of a name is told by that this machine does not have: `localhost` is also one of IPv6.
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class ListenError(Exception):
    """The address cannot be taken; says why, and what to do."""


class Door(socket.socket):
    """Where a process gets connections that another one has accepted; to a server it is a socket that listens.

    Each that it has taken is told with a byte in the other direction, and so is one that it has no room for.
    """

    def listen(self, _backlog: int = WAITING) -> None:
        """Nothing: the other process listens."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises BlockingIOError, ConnectionAbortedError or OSError, as those of a port do."""
        said, handed, _, _ = socket.recv_fds(self, 1, 1)
        if not said:  # there is nobody any more who accepts
            raise BlockingIOError
        with suppress(OSError):
            self.send(TAKEN if handed else NO_ROOM)
        if not handed:  # the system could not open it here; the other process still has it
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        connection = socket.socket(fileno=handed[0])
        connection.set_inheritable(False)  # as those that a port gives: no program that is started here keeps it open
        try:
            return connection, connection.getpeername()
        except OSError:
            connection.close()
            raise ConnectionAbortedError from None


def door() -> tuple[socket.socket, Door]:
    """The end for whoever accepts, which waits for nobody, and the one for whoever serves."""
    outer, inner = socket.socketpair()
    outer.setblocking(False)
    return outer, Door(fileno=inner.detach())


def hand(connection: socket.socket, outer: socket.socket) -> bool:
    """Whether a connection could be given to the process behind a door."""
    try:
        socket.send_fds(outer, [b"."], [connection.fileno()])
    except OSError:  # it has too many waiting, or is gone
        return False
    return True


def take_port(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address that a name has on this machine, on one port; 0 takes any that is free.

    Nobody can connect before a server listens on them. Raises ListenError.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}: {error.strerror}. Name an address of this machine.") from None
    taken: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                taken.append(_bound(family, (address[0], port, *address[2:])))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
            else:
                port = taken[-1].getsockname()[1]
        if missing and not taken:
            raise missing
    except OSError as error:
        for each in taken:
            each.close()
        if error.errno == errno.EADDRINUSE:
            other = f"{port + 1}" if port < 65_535 else "0"
            words = f"Port {port} on {host} is in use. Stop the other program, or choose another: --port {other}"
            raise ListenError(words) from None
        raise ListenError(f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from None
    return taken


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # the addresses of IPv4 have a socket of their own
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
