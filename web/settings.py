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
from bot.decide import COST_MISSED, COST_WRONG, Policy
from kb import languages
from kb.routing import AUTO

_PREFIX = "FIRSTLINE_"
FILE_VARIABLE = f"{_PREFIX}SETTINGS"
DEFAULT_FILE = "firstline.toml"
#: Far above any ratio that makes sense, and no sum of two overflows.
Cost = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
#: A picture of these kinds is shown by every browser.
LOGO_TYPES = (".svg", ".png", ".jpg", ".jpeg", ".webp")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


#: Settings of earlier versions, and what to write instead.
_REPLACED = {
    "answer_at": (
        "is now two costs. Write cost_wrong and cost_missed instead; an article is the answer from a confidence of "
        "cost_wrong / (cost_wrong + cost_missed), so answer_at = 0.7 is cost_wrong = 7 and cost_missed = 3"
    ),
    "suggest_at": (
        "is now two costs. Remove it; cost_wrong and cost_missed say when articles are suggested too, with 7 and 3 "
        "from a confidence of 0.25"
    ),
}


class SettingsError(Exception):
    """The settings cannot be used; the message names each key, the value found and what is allowed."""


class Settings(BaseSettings):
    """What an operator may set. Environment variables win over the file."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    site_name: str = Field(
        "",
        max_length=80,
        description='The name on every page. Empty: "Help centre" in the reader\'s language.',
    )
    accent_color: str = Field(
        "#1f5fbf",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="The one colour of links and buttons, as #rrggbb. Choose one that is readable on white.",
    )
    logo: str = Field(
        "",
        description="A picture (`.svg`, `.png`, `.jpg`, `.webp`) that stands for the name at the top of every page. "
        "Empty: the name in letters.",
    )
    base_url: str = Field(
        "",
        description="The address of this site, `https://help.example.com`, for search engines and links in mail. "
        "Empty: the one that the browser asked for.",
    )
    notice: str = Field(
        "",
        description="The Markdown file of the notice above the pages; `notice.pl.md` beside it is for those who read "
        "Polish. Empty: `notice.md` in the data folder.",
    )
    articles: Path = Field(Path("articles"), description="The folder of Markdown files (or a .jsonl file) to index.")
    data: Path = Field(Path("data"), description="Where snapshots, the vector cache and the SQLite database live.")
    database_url: str = Field(
        "", description="A SQLAlchemy URL. Empty: the SQLite file `firstline.db` in the data folder."
    )
    model: str = Field(
        AUTO,
        description="The encoder: `auto` (by the languages of the articles), a known name (`all-MiniLM-L6-v2`, "
        "`multilingual-e5-small`), or the path of a sentence-transformers folder.",
    )
    default_lang: str = Field(
        "en", description="The language (ISO 639-1) of articles that neither say it nor lie in a language folder."
    )
    cost_wrong: Cost = Field(
        COST_WRONG,
        description="What a wrong answer costs you, in any unit. Only its ratio to `cost_missed` counts: with 7 to 3 "
        "an article is the answer from a confidence of 0.7, with 9 to 1 from 0.9.",
    )
    cost_missed: Cost = Field(
        COST_MISSED, description="What it costs you, in the same unit, not to show an article that would have answered."
    )
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

    @field_validator("base_url")
    @classmethod
    def _base(cls, value: str) -> str:
        address = value.rstrip("/")
        if address and not _ORIGIN.fullmatch(address):
            raise ValueError("write scheme and host alone: https://help.example.com")
        return address

    @field_validator("logo")
    @classmethod
    def _picture(cls, value: str) -> str:
        if value and Path(value).suffix.lower() not in LOGO_TYPES:
            raise ValueError(f"use a picture that ends in {', '.join(LOGO_TYPES)}")
        if value and not Path(value).is_file():
            raise ValueError("there is no such file; give its path from the folder that Firstline is started in")
        return value

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

    @property
    def notice_file(self) -> Path:
        return Path(self.notice) if self.notice else self.data / "notice.md"

    @property
    def policy(self) -> Policy:
        return Policy(self.cost_wrong, self.cost_missed)

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
    for name, words in _REPLACED.items():
        if (variable := f"{_PREFIX}{name.upper()}") in os.environ:
            raise SettingsError(f"{variable}: {words} (found {os.environ[variable]!r}).")
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [_explain(entry) for entry in error.errors(include_url=False, include_context=False)]
        raise SettingsError(f"{file if file.is_file() else 'settings'}: " + " ".join(lines)) from None
    except (OSError, ValueError) as error:  # tomllib's error is a ValueError
        raise SettingsError(f"{file}: {error}.") from None


def _explain(entry: Any) -> str:
    name = ".".join(map(str, entry["loc"])) or "settings"
    if name in _REPLACED:
        return f"{name}: {_REPLACED[name]} (found {entry['input']!r})."
    if entry["type"] == "extra_forbidden":
        return f"{name}: no such setting. Known: {', '.join(Settings.model_fields)}."
    shown = "" if "token" in name else f" (found {entry['input']!r})"
    return f"{name}: {entry['msg'].removeprefix('Value error, ')}{shown}."
