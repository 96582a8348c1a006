"""Signed times in forms: when a form was given out, which nobody else can write."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_TOKEN = re.compile(r"(\d{1,12})\.([0-9a-f]{64})")
#: A form may stay open over night.
EXPIRES = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class FormTokens:
    """Gives out and reads tokens. Each belongs to one form, told by its key: one token sends one ticket."""

    secret: bytes = field(repr=False)

    def issue(self, key: str, now: datetime) -> str:
        issued = f"{int(now.timestamp())}"
        return f"{issued}.{self._sign(issued, key)}"

    def age(self, token: str, key: str, now: datetime) -> timedelta | None:
        """How long ago the form was given out; None where the token is not ours, another form's, or has expired."""
        found = _TOKEN.fullmatch(token)
        if not found or not hmac.compare_digest(found[2], self._sign(found[1], key)):
            return None
        age = now - datetime.fromtimestamp(int(found[1]), UTC)
        return age if age <= EXPIRES else None

    def _sign(self, issued: str, key: str) -> str:
        return hmac.new(self.secret, f"{issued}.{key}".encode(), "sha256").hexdigest()
