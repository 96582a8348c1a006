"""The settings of running a server, and which of all settings are secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from web.settings import Settings

LogFormat = Literal["plain", "json"]
_SHORTEST_TOKEN = 16


def _token(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and len(value.get_secret_value()) < _SHORTEST_TOKEN:
        raise ValueError(f"use {_SHORTEST_TOKEN} characters or more, such as those of `openssl rand -hex 24`")
    return value


MetricsToken = Annotated[SecretStr, AfterValidator(_token)]


class OperatingSettings(BaseSettings):
    """How much a server takes, how it ends, and what it tells of itself."""

    drain_seconds: float = Field(
        1,
        ge=0,
        le=60,
        description="How long a server that is ended (SIGTERM) says on `/readyz` that it goes before it takes no more "
        "connections: longer than a load balancer takes to notice.",
    )
    busy_at: int = Field(
        64,
        ge=4,
        le=10_000,
        description="How many requests one server process has under way at most ([load](load.md)). At a quarter of it "
        "what is being typed is refused, at half questions, at three quarters pages, then tickets too.",
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="How many server processes `firstline serve` starts behind its port; more than one where questions "
        "keep one core busy ([load](load.md#more-than-one-process)).",
    )
    metrics_token: MetricsToken = Field(
        SecretStr(""),
        description="Who sends this as `Authorization: Bearer …` may read `/metrics` from anywhere. Empty: nobody may.",
    )
    log_format: LogFormat = Field(
        "plain", description="The log, on stderr: `plain` lines for people, or `json`, one object a line."
    )


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
