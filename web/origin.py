"""Where a request comes from: a page of this site or another one, and which network."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address
from urllib.parse import urlsplit

from fastapi import Request


def from_this_site(request: Request) -> bool:
    """Whether a page of this site sent the request, by what the browser says about it.

    Sec-Fetch-Site where the browser sends it, else Origin or Referer. A request with none of them comes from no
    browser, which has no cookies that somebody else's page could use.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    source = request.headers.get("origin") or request.headers.get("referer")
    try:
        return source is None or urlsplit(source).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:  # `http://[` is the address of nothing
        return False


def host(request: Request) -> str:
    """The address of who makes a request, "" where that is not known."""
    return request.client.host if request.client else ""


def fixed(name: str) -> bool:
    """Whether a host's name is one that nobody can point elsewhere: an address, or `localhost`."""
    if name == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def network(host: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits that a line is given, to take addresses of at will."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def own_path(address: str) -> str:
    """An address that leads to a page of this site and nowhere else; "" for any other.

    `//evil.example`, `/\\evil.example` and `/%09/…` lead elsewhere in some browser, so only plain paths are taken.
    """
    plain = address.startswith("/") and not address.startswith("//") and len(address) <= 2_000
    return address if plain and not any(char <= " " or char in "\\\x7f" for char in address) else ""
