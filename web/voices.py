"""Whose word it is that an article helped: of clicks that may be anybody's, each network has one."""

from __future__ import annotations

import hashlib
import hmac

from fastapi import Request

from web import auth
from web.origin import host, network


def voice(request: Request) -> str:
    """32 hexadecimal digits: of who is signed in, else of the network a request comes from.

    A session is whatever a program says it is, so a thousand of them are one voice; an address takes more than a line
    of a script. What is kept is a keyed hash, which tells voices apart and no address.
    """
    known = auth.viewer(request)
    said = f"person {known.id}" if known.id else f"network {network(host(request))}"
    key: bytes = request.app.state.voice_key
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:32]
