"""Which addresses of the network our requests may go to: those of the internet, and of our own net what is allowed.

A name is looked up once, and what is connected to is an address that was checked: a name that points elsewhere a moment
later (DNS rebinding) leads nowhere. TLS and the Host header still get the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from bot.errors import DeliveryFailed, Message

_Ip = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
#: A line of `socket.getaddrinfo`.
_Found = tuple[int, int, int, str, tuple[Any, ...]]
#: IPv4 behind a translator (RFC 6052).
_NAT64 = ip_network("64:ff9b::/96")
#: Public to `ipaddress`, or to that of Python before 3.11.10: what Azure's machines are told about themselves, what the
#: IETF assigns (Oracle's cloud has its own address there), and a translator within a network (RFC 8215).
_NOT_PUBLIC = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48")))


def _look_up(host: str, port: int) -> Sequence[_Found]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Guard:
    """`allowed` are networks (`10.0.0.0/8`), addresses and host names of our own net that may be connected to.

    A name allows what it leads to, loopback and private addresses, but never a link's own ones (`169.254.169.254`,
    where clouds hand out keys) nor many receivers at once: those have to be allowed as a network.
    """

    allowed: tuple[str, ...] = ()
    look_up: Callable[[str, int], Sequence[_Found]] = field(default=_look_up, repr=False)

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """A connection to the first address of a host that may be connected to and answers.

        `timeout` is that of each step, in seconds. Raises OSError where none answers, DeliveryFailed where none may be
        connected to.
        """
        found = self.look_up(host, port)
        usable = [line for line in found if self.allows(host, str(line[4][0]))]
        if not usable:
            raise DeliveryFailed(
                Message(
                    "%(host)s leads into a private network (%(address)s), where we send nothing. If that is meant, "
                    "allow it in the setting outgoing_private_hosts.",
                    host=host,
                    address=str(found[0][4][0]) if found else host,
                ),
                permanent=True,
            )
        failed: OSError | None = None
        for family, kind, protocol, _, address in usable:
            made = socket.socket(family, kind, protocol)
            made.settimeout(timeout)
            try:
                made.connect(address)
            except OSError as error:
                failed = error
                made.close()
            else:
                return made
        raise failed or OSError("no address")

    def allows(self, host: str, address: str) -> bool:
        """Whether an address that a host's name led to may be connected to."""
        ip = _carried(ip_address(address.partition("%")[0]))
        if _public(ip) or any(ip in network for network in self._networks):
            return True
        return _named(host) in self._names and not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)

    def refuses(self, host: str) -> bool:
        """Whether it can be told without looking a name up that a host may not be connected to."""
        try:
            return not self.allows(host, host)
        except ValueError:
            return (_named(host) == "localhost" or _named(host).endswith(".localhost")) and not self.allows(
                host, "127.0.0.1"
            )

    @property
    def _networks(self) -> list[_Network]:
        return [network for entry in self.allowed if (network := network_of(entry)) is not None]

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(_named(entry) for entry in self.allowed if network_of(entry) is None)


#: What holds where no setting allows more.
PUBLIC_ONLY = Guard()


def network_of(entry: str) -> _Network | None:
    """The network or the address that an entry of `allowed` names; None for a host's name."""
    try:
        return ip_network(entry.strip("[]"))
    except ValueError:
        return None


def _named(host: str) -> str:
    return host.lower().rstrip(".")


def _carried(ip: _Ip) -> _Ip:
    """The IPv4 address within an IPv6 one (mapped, 6to4, NAT64): that is where it leads in the end."""
    if isinstance(ip, IPv6Address):
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return inner
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _public(ip: _Ip) -> bool:
    if not ip.is_global or ip.is_multicast or ip.is_reserved or any(ip in network for network in _NOT_PUBLIC):
        return False
    return not (isinstance(ip, IPv6Address) and ip.is_site_local)
