"""What the settings of a hand-off have to be. Each check raises ValueError that names settings and shows no secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from bot.handoff.guard import Guard, network_of
from bot.handoff.signing import key_of

if TYPE_CHECKING:
    from web.settings import Settings

Handoff = Literal["", "smtp", "webhook", "zammad", "zendesk"]
#: A whole web address.
ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
#: A name that looks like a number that is none would be a mistyped address.
_HOST = re.compile(r"(?=[^/]*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
#: What each hand-off cannot do without.
_NEEDED = {
    "smtp": ("smtp_url", "handoff_to"),
    "webhook": ("handoff_url", "handoff_secret"),
    "zammad": ("handoff_url", "handoff_secret", "handoff_group"),
    "zendesk": ("handoff_url", "handoff_secret", "handoff_user"),
}


def _desk(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = ADDRESS.fullmatch(value) and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if value and not usable:
        raise ValueError("write a whole address without a password, such as https://desk.example.com")
    return value


def _mail_server(value: SecretStr) -> SecretStr:
    address = value.get_secret_value()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if address and not usable:
        raise ValueError(
            "write smtp://user:password@mail.example.com:587; write a @, : or / in the password as %40, %3A or %2F"
        )
    return value


def _webhook(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        key_of(value.get_secret_value())
    return value


def _private(value: tuple[str, ...]) -> tuple[str, ...]:
    for entry in value:
        if network_of(entry) is None and not _HOST.fullmatch(entry):
            raise ValueError(f"{entry!r} is no host; write desk.internal, 127.0.0.1 or a network such as 10.0.0.0/8")
    return value


DeskAddress = Annotated[str, AfterValidator(_desk)]
MailServer = Annotated[SecretStr, AfterValidator(_mail_server)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook)]
PrivateHosts = Annotated[tuple[str, ...], AfterValidator(_private)]


def check(settings: Settings) -> None:
    """Whether all that the hand-off of these settings needs is there."""
    missing = [name for name in _NEEDED.get(settings.handoff, ()) if not _given(getattr(settings, name))]
    if missing:
        raise ValueError(f'handoff = "{settings.handoff}" needs {", ".join(missing)} as well')
    if _given(settings.smtp_url) and not settings.mail_from:
        raise ValueError("smtp_url needs mail_from as well: the address our mail comes from")
    if settings.spike_url and not _given(settings.spike_secret):
        raise ValueError("spike_url needs spike_secret as well")
    guard = Guard(settings.outgoing_private_hosts)
    for name in ("handoff_url", "spike_url"):
        host = urlsplit(getattr(settings, name)).hostname
        if host and guard.refuses(host):
            raise ValueError(
                f"{name}: {host} lies in a private network; if that is meant, add it to outgoing_private_hosts"
            )
    if settings.handoff == "webhook":
        try:
            key_of(settings.handoff_secret.get_secret_value())
        except ValueError as error:
            raise ValueError(f"handoff_secret: {error}") from None
    if settings.handoff == "zendesk" and settings.handoff_group and not settings.handoff_group.isdigit():
        raise ValueError("handoff_group: write the number of the group, which Zendesk shows in its address")


def _given(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
