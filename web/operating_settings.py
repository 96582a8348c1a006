"""What the settings of running a server may be, and which of all settings are secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, SecretStr

if TYPE_CHECKING:
    from web.settings import Settings

LogFormat = Literal["plain", "json"]
_SHORTEST_TOKEN = 16


def _token(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and len(value.get_secret_value()) < _SHORTEST_TOKEN:
        raise ValueError(f"use {_SHORTEST_TOKEN} characters or more, such as those of `openssl rand -hex 24`")
    return value


MetricsToken = Annotated[SecretStr, AfterValidator(_token)]


def secrets(settings: Settings) -> tuple[str, ...]:
    """Every text of the settings that must stand in no log: secrets, and the passwords in addresses."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    given = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    addresses = [*given, settings.database_url]
    passwords = [password for address in addresses if (password := _password(address))]
    return tuple({*filter(None, given), *passwords, *map(unquote, passwords)})


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
