"""What a forge sends when somebody pushes: whether it knows our secret, and which branch was pushed.

GitHub, Gitea and Forgejo sign the body with HMAC-SHA256; GitLab sends the secret itself, or signs as the Standard
Webhooks specification has it. Only the newest commit of the branch is published whatever a delivery says, so one that
is sent again costs a look at the repository and changes nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from bot.handoff.signing import PREFIX, SignatureInvalid, key_of, verify

#: Headers with HMAC-SHA256 of the body in hexadecimal, as `sha256=…` or alone.
_SIGNED = ("x-hub-signature-256", "x-forgejo-signature", "x-gitea-signature", "x-gogs-signature")
_EVENT = ("x-github-event", "x-gitlab-event", "x-forgejo-event", "x-gitea-event")
_PUSHES = ("push", "push hook", "system hook")
_BRANCH = "refs/heads/"


class PushUnreadable(ValueError):  # noqa: N818
    """The body of a delivery is no JSON object."""


@dataclass(frozen=True, slots=True)
class Push:
    """What was pushed. `branch` is "" where it was no branch (a tag, a ping, another event), `gone`: it was deleted.

    `main` is what the repository calls its main branch, "" where the sender does not say.
    """

    branch: str = ""
    gone: bool = False
    main: str = ""


def check(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Checks in constant time that a delivery comes from somebody who knows the secret.

    Every proof that came along has to be right. `headers` are in small letters. Raises SignatureInvalid or
    TimestampOutOfRange.
    """
    proven = False
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    for name in _SIGNED:
        if given := headers.get(name, ""):
            _same(given.removeprefix("sha256="), digest)
            proven = True
    if given := headers.get("webhook-signature", ""):
        try:
            key = key_of(secret) if secret.startswith(PREFIX) else secret.encode()
        except ValueError:  # one that only begins like a signing token
            key = secret.encode()
        verify(key, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), given, body, now)
        proven = True
    if given := headers.get("x-gitlab-token", ""):
        _same(given, secret)
        proven = True
    if not proven:
        raise SignatureInvalid


def read(headers: Mapping[str, str], body: bytes) -> Push:
    """What a delivery says was pushed. Raises PushUnreadable."""
    event = next((headers[name] for name in _EVENT if name in headers), "push").lower()
    sent = _object(headers, body)
    ref = sent.get("ref")
    if event not in _PUSHES or not isinstance(ref, str) or not ref.startswith(_BRANCH):
        return Push()
    after = sent.get("after")
    gone = sent.get("deleted") is True or (isinstance(after, str) and bool(after) and not after.strip("0"))
    about = sent.get("repository"), sent.get("project")
    named = (part.get("default_branch") for part in about if isinstance(part, dict))
    return Push(ref.removeprefix(_BRANCH), gone, next((name for name in named if isinstance(name, str)), ""))


def _object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        if "x-www-form-urlencoded" in headers.get("content-type", ""):  # GitHub offers this too
            text = parse_qs(text, max_num_fields=10).get("payload", [""])[0]
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise PushUnreadable from None
    if not isinstance(sent, dict):
        raise PushUnreadable
    return sent


def _same(given: str, expected: str) -> None:
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode()):
        raise SignatureInvalid
