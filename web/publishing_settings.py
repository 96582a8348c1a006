"""What the settings of publishing have to be. Each check raises ValueError that names settings and shows no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, SecretStr

from bot.publishing.remote import Remote

if TYPE_CHECKING:
    from web.settings import Settings

#: Characters of a secret that nobody guesses, however many deliveries they send.
_SHORTEST_SECRET = 16


def _push_secret(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if secret and (len(secret) < _SHORTEST_SECRET or not secret.isascii() or " " in secret):
        raise ValueError(
            f"write {_SHORTEST_SECRET} or more letters and digits without spaces; make one with: openssl rand -hex 32"
        )
    return value


PushSecret = Annotated[SecretStr, AfterValidator(_push_secret)]


def check(settings: Settings) -> None:
    """Whether the settings name a remote that can be fetched from, and can tell authors what they are to tell them."""
    address = settings.articles_remote.get_secret_value()
    if address:
        Remote.of(address, settings.articles_branch, settings.articles_path)
    elif given := [name for name in ("articles_branch", "articles_path") if getattr(settings, name)]:
        raise ValueError(f"{' and '.join(given)} needs articles_remote as well: the address of the repository")
    if settings.publish_mail and not settings.smtp_url.get_secret_value():
        raise ValueError("publish_mail needs smtp_url as well: the mail server")
