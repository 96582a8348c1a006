"""Takes the port that a server listens on, before anything else is begun."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import Any

#: Connections that the system keeps until a server takes them; as many as uvicorn asks for.
WAITING = 2048


class ListenError(Exception):
    """The address cannot be taken; says why, and what to do."""


class Door(socket.socket):
    """Where a process gets connections that another one has accepted; to a server it is a socket that listens.

    Each that it has taken is told with a byte in the other direction.
    """

    def listen(self, _backlog: int = WAITING) -> None:
        """Nothing: the other process listens."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises BlockingIOError or ConnectionAbortedError, as those of a port do."""
        _, handed, _, _ = socket.recv_fds(self, 1, 1)
        if not handed:  # there is nobody any more who accepts
            raise BlockingIOError
        connection = socket.socket(fileno=handed[0])
        with suppress(OSError):
            self.send(b".")  # it is mine now
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
    """Sockets bound to every address that a name has, on one port; 0 takes any that is free.

    Nobody can connect before a server listens on them. Raises ListenError.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}: {error.strerror}. Name an address of this machine.") from None
    taken: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            taken.append(bound := socket.socket(family, socket.SOCK_STREAM))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # the addresses of IPv4 have a socket of their own
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port, *address[2:]))
            port = bound.getsockname()[1]
    except OSError as error:
        for each in taken:
            each.close()
        if error.errno == errno.EADDRINUSE:
            other = f"{port + 1}" if port < 65_535 else "0"
            words = f"Port {port} on {host} is in use. Stop the other program, or choose another: --port {other}"
            raise ListenError(words) from None
        raise ListenError(f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from None
    return taken
