"""All settings, from firstline.toml or environment variables (FIRSTLINE_…); docs/settings.md is made of them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.database import sqlite_url
from bot.decide import ANSWER_AT, SUGGEST_AT, Policy
from kb import languages
from kb.export import DEFAULT_MODEL

FILE_VARIABLE = "FIRSTLINE_SETTINGS"
DEFAULT_FILE = "firstline.toml"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


class SettingsError(Exception):
    """The settings cannot be used; the message names each key, the value found and what is allowed."""


class Settings(BaseSettings):
    """What an operator may set. Environment variables win over the file."""

    model_config = SettingsConfigDict(env_prefix="FIRSTLINE_", extra="forbid", frozen=True)

    site_name: str = Field("Help centre", min_length=1, max_length=80, description="The name on every page.")
    accent_color: str = Field(
        "#1f5fbf",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="The one colour of links and buttons, as #rrggbb. Choose one that is readable on white.",
    )
    articles: Path = Field(Path("articles"), description="The folder of Markdown files (or a .jsonl file) to index.")
    data: Path = Field(Path("data"), description="Where snapshots, the vector cache and the SQLite database live.")
    database_url: str = Field(
        "", description="A SQLAlchemy URL. Empty: the SQLite file `firstline.db` in the data folder."
    )
    model: str = Field(
        DEFAULT_MODEL, description="The encoder: a known name, or the path of a sentence-transformers folder."
    )
    default_lang: str = Field(
        "en", description="The language (ISO 639-1) of articles that neither say it nor lie in a language folder."
    )
    answer_at: float = Field(
        ANSWER_AT, ge=0, le=1, description="Confidence from which an article is given as the answer."
    )
    suggest_at: float = Field(SUGGEST_AT, ge=0, le=1, description="Confidence from which articles are suggested.")
    author_token: SecretStr = Field(
        SecretStr(""),
        description="Opens the authors' pages and the API's gaps, reports and learned questions. Empty: closed.",
    )
    agent_token: SecretStr = Field(
        SecretStr(""), description="Opens the agents' part of the API, internal articles included. Empty: closed."
    )
    widget_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Sites that may show the widget, as origins: `https://www.example.com`."
    )

    @field_validator("default_lang")
    @classmethod
    def _language(cls, value: str) -> str:
        lang = languages.normalise(value)
        if lang is None:
            raise ValueError("use a two-letter code of ISO 639-1 such as en or pl")
        return lang

    @field_validator("widget_origins", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("widget_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write scheme and host alone: https://www.example.com")
        return value

    @field_validator("suggest_at")
    @classmethod
    def _order(cls, value: float, info: Any) -> float:
        if "answer_at" in info.data and value > info.data["answer_at"]:
            raise ValueError("must not be above answer_at")
        return value

    @property
    def policy(self) -> Policy:
        return Policy(self.answer_at, self.suggest_at)

    @property
    def database(self) -> str:
        return self.database_url or sqlite_url(self.data / "firstline.db")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, toml_file=_settings_file())
        return init_settings, env_settings, file


def _settings_file() -> Path:
    return Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))


def load_settings(**given: Any) -> Settings:
    """The settings, those in `given` (not None) before environment and file.

    Raises SettingsError where the file is missing though named, cannot be parsed, or a value is not allowed.
    """
    file = _settings_file()
    if FILE_VARIABLE in os.environ and not file.is_file():
        raise SettingsError(f"{file} ({FILE_VARIABLE}) does not exist.")
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [_explain(entry) for entry in error.errors(include_url=False, include_context=False)]
        raise SettingsError(f"{file if file.is_file() else 'settings'}: " + " ".join(lines)) from None
    except (OSError, ValueError) as error:  # tomllib's error is a ValueError
        raise SettingsError(f"{file}: {error}.") from None


def _explain(entry: Any) -> str:
    name = ".".join(map(str, entry["loc"])) or "settings"
    if entry["type"] == "extra_forbidden":
        return f"{name}: no such setting. Known: {', '.join(Settings.model_fields)}."
    shown = "" if "token" in name else f" (found {entry['input']!r})"
    return f"{name}: {entry['msg'].removeprefix('Value error, ')}{shown}."
