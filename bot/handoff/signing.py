"""Signatures of webhooks as the Standard Webhooks specification has them, so that its libraries read and write ours.

HMAC-SHA256 over `id.timestamp.body`, in base64 behind `v1,`. https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

PREFIX = "whsec_"
#: How far the sender's clock may be from ours.
TOLERANCE = timedelta(minutes=5)
#: Bytes of a secret, as the specification allows.
SHORTEST, LONGEST = 24, 64


class SignatureInvalid(Exception):  # noqa: N818
    """The signature is missing, or none of ours."""


class TimestampOutOfRange(Exception):  # noqa: N818
    """What was signed is too old, or from the future."""


def key_of(secret: str) -> bytes:
    """The bytes of a secret, written as `whsec_` and base64. Raises ValueError that says what it should be."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # not base64, or not ASCII
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(
            f'write {PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64; make one with: echo "{PREFIX}'
            '$(openssl rand -base64 32)"'
        )
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def verify(key: bytes, message_id: str, timestamp: str, signatures: str, body: bytes, now: datetime) -> None:
    """Checks a webhook, in constant time. `signatures` are several with spaces between while a secret is changed.

    Raises SignatureInvalid or, for what was rightly signed at another time, TimestampOutOfRange.
    """
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise SignatureInvalid
    expected = sign(key, message_id, int(timestamp), body).encode()
    given = [signature.encode() for signature in signatures.split()[:10]]
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise SignatureInvalid
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
        raise TimestampOutOfRange
