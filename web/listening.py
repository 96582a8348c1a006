"""Takes the port that a server listens on, before anything else is begun."""

from __future__ import annotations

import errno
import os
import socket

#: Connections that the system keeps until a server takes them; as many as uvicorn asks for.
WAITING = 2048


class ListenError(Exception):
    """The address cannot be taken; says why, and what to do."""


class Listening(socket.socket):
    """A socket that several processes may accept from.

    A server says with one number how many connections may wait in the system, and how many it accepts before it looks
    at anything else. Processes that share a socket accept one at a time, so that whoever has nothing else to do
    takes the next one; that must not make the queue as short.
    """

    def listen(self, _backlog: int = WAITING) -> None:
        super().listen(WAITING)


def take_port(host: str, port: int) -> list[Listening]:
    """Sockets bound to every address that a name has, on one port; 0 takes any that is free.

    Nobody can connect before a server listens on them. Raises ListenError.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}: {error.strerror}. Name an address of this machine.") from None
    taken: list[Listening] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            taken.append(bound := Listening(family, socket.SOCK_STREAM))
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
