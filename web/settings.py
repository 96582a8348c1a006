"""All settings, from firstline.toml or environment variables (FIRSTLINE_…); docs/settings.md is made of them."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.attachments import Allowed
from bot.database import sqlite_url
from bot.decide import COST_MISSED, COST_WRONG, Policy
from bot.hours import Hours
from bot.publishing.publication import GATES, Gate
from bot.response_times import ResponseTimes
from kb.routing import AUTO
from web import choices, handoff_settings, operating_settings, publishing_settings, sharing_settings
from web.choices import Choice
from web.handoff_settings import DeskAddress, Handoff, MailServer, PrivateHosts, WebhookSecret
from web.operating_settings import OperatingSettings
from web.publishing_settings import PushSecret
from web.retention_settings import KeepSettings
from web.setting_types import (
    Address,
    Cost,
    Email,
    Extensions,
    Language,
    Logo,
    OpeningHours,
    Origins,
    Phone,
    Proxies,
    Rate,
    SiteAddress,
    TierHours,
    TimeZone,
)
from web.sharing_settings import Snapshots, Vectors

_PREFIX = "FIRSTLINE_"
FILE_VARIABLE = f"{_PREFIX}SETTINGS"
DEFAULT_FILE = "firstline.toml"
_ATTACHMENT_TYPES = tuple("png jpg jpeg gif webp pdf txt log csv docx xlsx pptx odt zip eml msg".split())

_TO_PEOPLE = (
    "is no setting any more. Remove it: people sign in, and a program has an API token of its own. Make one on the "
    "page /account, or with `firstline token create`; docs/access.md has more"
)
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
    "author_token": _TO_PEOPLE,
    "agent_token": _TO_PEOPLE,
}


class SettingsError(Exception):
    """The settings cannot be used; the message names each key, the value found and what is allowed."""


class Settings(KeepSettings, OperatingSettings):
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
    logo: Logo = Field(
        "",
        description="A picture (`.svg`, `.png`, `.jpg`, `.webp`) that stands for the name at the top of every page. "
        "Empty: the name in letters.",
    )
    base_url: SiteAddress = Field(
        "",
        description="The address of this site, `https://help.example.com`, for search engines and for links that "
        "people keep. Empty: the one that the browser asked for.",
    )
    notice: str = Field(
        "",
        description="The Markdown file of the notice above the pages; `notice.pl.md` beside it is for those who read "
        "Polish. Empty: `notice.md` in the data folder.",
    )
    articles: Path = Field(Path("articles"), description="The folder of Markdown files (or a .jsonl file) to index.")
    articles_remote: SecretStr = Field(
        SecretStr(""),
        description="The repository that `firstline pull` publishes from: `https://…`, `git@…:…` or a path. Empty: the "
        "one that the checkout `articles` lies in follows ([publishing](publishing.md)).",
    )
    articles_branch: str = Field("", description="The branch of it. Empty: the one that it calls its main one.")
    articles_path: str = Field("", description="The folder of it that holds the articles. Empty: all of it.")
    publish_requires: Annotated[tuple[Gate, ...], NoDecode] = Field(
        GATES,
        description="What has to pass before `firstline pull` publishes: `check`, `test`, both or none. What does not "
        "pass and is not required is told all the same.",
    )
    pull_seconds: float = Field(
        600, gt=0, le=86_400, description="How long fetching from the repository may take, in seconds."
    )
    push_secret: PushSecret = Field(
        SecretStr(""), description="The secret of the webhook that tells us of a push. Empty: closed."
    )
    publish_mail: Email = Field(
        "", description="A mailbox that is told when a change to the articles is not published. Needs `smtp_url`."
    )
    data: Path = Field(Path("data"), description="Where snapshots, the vector cache and the SQLite database live.")
    database_url: str = Field(
        "", description="A SQLAlchemy URL. Empty: the SQLite file `firstline.db` in the data folder."
    )
    snapshots: Snapshots = Field(
        "folder",
        description="Where published snapshots are: `folder`, the data folder, which servers may share; or `database`, "
        "for servers without a common disk ([several servers](shared-index.md)).",
    )
    vectors: Vectors = Field(
        "faiss",
        description="What searches vectors: `faiss` in the memory of each server, or `pgvector` in PostgreSQL for all.",
    )
    model: str = Field(
        AUTO,
        description="The encoder: `auto` (by the languages of the articles), a known name (`all-MiniLM-L6-v2`, "
        "`multilingual-e5-small`), or the path of a sentence-transformers folder.",
    )
    default_lang: Language = Field(
        "en", description="The language (ISO 639-1) of articles that neither say it nor lie in a language folder."
    )
    check_off: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Rules that `firstline check` leaves out ([the rules](check.md)), such as `second-title`."
    )
    test_k: int = Field(
        1,
        ge=1,
        le=10,
        description="`firstline test`: a question of an article passes where the article is among the first so many.",
    )
    cost_wrong: Cost = Field(
        COST_WRONG,
        description="What a wrong answer costs you, in any unit. Only its ratio to `cost_missed` counts: with 7 to 3 "
        "an article is the answer from a confidence of 0.7, with 9 to 1 from 0.9.",
    )
    cost_missed: Cost = Field(
        COST_MISSED, description="What it costs you, in the same unit, not to show an article that would have answered."
    )
    handoff: Handoff = Field(
        "",
        description="Where tickets are handed on to: `smtp`, `webhook`, `zammad` or `zendesk` "
        "([hand-off](handoff.md)). Empty: they stay here.",
    )
    handoff_url: DeskAddress = Field("", description="The address of Zammad, of Zendesk or of the webhook's receiver.")
    handoff_secret: SecretStr = Field(
        SecretStr(""), description="The API token for Zammad or Zendesk, or the webhook's secret (`whsec_…`)."
    )
    handoff_user: Email = Field("", description="The e-mail address the Zendesk token belongs to.")
    handoff_group: str = Field("", description="The group tickets go to: Zammad's name of it, or Zendesk's number.")
    handoff_to: Email = Field("", description="The mailbox that gets tickets where `handoff` is `smtp`.")
    smtp_url: MailServer = Field(
        SecretStr(""),
        description="The mail server: `smtp://user:password@mail.example.com:587`, or `smtps://…` for TLS from the "
        "start. Requesters then get a confirmation and agents' answers by e-mail. Empty: no mail is sent.",
    )
    mail_from: Email = Field("", description="The address our mail comes from.")
    outgoing_private_hosts: Annotated[PrivateHosts, NoDecode] = Field(
        (),
        description="What of your own network `handoff_url` and `spike_url` may lead to: names, addresses or networks, "
        "such as `desk.internal`, `127.0.0.1` or `10.0.0.0/8` ([security](security.md)). All else there is refused.",
    )
    webhook_secret: WebhookSecret = Field(
        SecretStr(""), description="The secret (`whsec_…`) of webhooks that another desk sends us. Empty: closed."
    )
    spike_url: DeskAddress = Field(
        "", description="Where a signed webhook goes when much more comes in than usual ([reports](reports.md))."
    )
    spike_secret: WebhookSecret = Field(SecretStr(""), description="The secret (`whsec_…`) of that webhook.")
    hold_out: float = Field(
        0,
        ge=0,
        le=0.5,
        description="The share of ticket-form sessions that see no suggestions, so that their effect can be measured "
        "([reports](reports.md)): `0.1` is one in ten. 0: everybody sees them.",
    )
    widget_origins: Annotated[Origins, NoDecode] = Field(
        (), description="Sites that may show the widget, as origins: `https://www.example.com`."
    )
    panel_origins: Annotated[Origins, NoDecode] = Field(
        (),
        description="Ticket systems that may show the agents' panel in a frame, as origins: `https://desk.example.com`.",
    )
    support_email: Email = Field(
        "", description="An address people may write to instead of sending a ticket. Empty: not offered."
    )
    support_phone: Phone = Field("", description="A number people may call, such as `+48 22 123 45 67`.")
    chat_url: Address = Field("", description="Where people chat with the desk, as `https://…`.")
    ticket_topics: Annotated[tuple[Choice, ...], NoDecode] = Field(
        (),
        description="What a ticket may be about, a list the form offers. An entry is a name, or a table of languages "
        'and names: `{ en = "Hardware", pl = "Sprzęt" }`; the first name is stored.',
    )
    departments: Annotated[tuple[Choice, ...], NoDecode] = Field(
        (), description="Departments people choose theirs from, written like `ticket_topics`."
    )
    response_hours: int = Field(
        0, ge=0, le=1_000, description="Within how many opening hours you usually answer. 0: no time is named."
    )
    tier_hours: Annotated[TierHours, NoDecode] = Field(
        (8, 16, 40),
        description="Within how many opening hours agents of tier 1, 2 and 3 answer a ticket of normal priority. "
        "Urgent ones get a quarter of it, high ones half, low ones double. Only the inbox tells what is due.",
    )
    opening_hours: Annotated[OpeningHours, NoDecode] = Field(
        (),
        description='When somebody reads tickets: `["Mon-Fri 09:00-17:00", "Sat 10:00-13:00"]`. Empty: always.',
    )
    holidays: Annotated[tuple[date, ...], NoDecode] = Field((), description="Days the desk is closed, as `2026-12-25`.")
    time_zone: TimeZone = Field("UTC", description="The desk's time zone by its IANA name, such as `Europe/Warsaw`.")
    attachment_max_mb: int = Field(10, ge=1, le=100, description="The largest attachment, in megabytes.")
    attachments_max: int = Field(5, ge=0, le=20, description="How many files a ticket may bring. 0: none.")
    attachment_types: Annotated[Extensions, NoDecode] = Field(
        _ATTACHMENT_TYPES, description="Which files may be attached, by the end of their names."
    )
    form_min_seconds: float = Field(
        3, ge=0, le=60, description="Who sends the ticket form sooner after opening it is asked to send it again."
    )
    rate_tickets: Rate = Field(
        "20/hour",
        description="How many tickets one visitor may send: a number per second, minute, hour or day. One address, "
        "which may be a whole office, may send ten times as many. Empty: no limit.",
    )
    rate_questions: Rate = Field("120/minute", description="The same for questions and searches.")
    rate_typing: Rate = Field("300/minute", description="The same for suggestions while typing.")
    rate_feedback: Rate = Field("60/minute", description="The same for what people say about answers.")
    rate_sign_in: Rate = Field(
        "10/hour",
        description="How often one address may fail to sign in as one person; in all, and with API tokens that do not "
        "work, ten times as often. Nobody else is kept out, and who signs in starts anew.",
    )
    metrics_from: Annotated[Proxies, NoDecode] = Field(
        (), description="Addresses or networks that may read `/metrics` ([operating](operating.md)). Empty: none."
    )
    trusted_proxies: Annotated[Proxies, NoDecode] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and "
        "`X-Request-ID` are believed.",
    )

    @field_validator("ticket_topics", "departments", mode="before")
    @classmethod
    def _choices(cls, value: object) -> object:
        # Stands above `_list` because pydantic runs the last one first.
        return choices.parse_list(value)

    @field_validator(
        "widget_origins",
        "panel_origins",
        "ticket_topics",
        "departments",
        "tier_hours",
        "opening_hours",
        "holidays",
        "attachment_types",
        "trusted_proxies",
        "outgoing_private_hosts",
        "metrics_from",
        "check_off",
        "publish_requires",
        mode="before",
    )
    @classmethod
    def _list(cls, value: object) -> object:
        """An environment variable holds a list as JSON or, where no entry has a comma, with commas between."""
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return json.loads(value)
            except ValueError as error:
                raise ValueError(f"is no list in JSON: {error}") from None
        return [part.strip() for part in value.split(",") if part.strip()]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        handoff_settings.check(self)
        publishing_settings.check(self)
        sharing_settings.check(self)
        return self

    @property
    def allowed_files(self) -> Allowed:
        return Allowed(self.attachments_max, self.attachment_max_mb, self.attachment_types)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must stand in no log."""
        return operating_settings.secrets(self)

    @property
    def notice_file(self) -> Path:
        return Path(self.notice) if self.notice else self.data / "notice.md"

    @property
    def policy(self) -> Policy:
        return Policy(self.cost_wrong, self.cost_missed)

    @property
    def hours(self) -> Hours:
        return Hours.of(self.opening_hours, self.holidays, ZoneInfo(self.time_zone))

    @property
    def response_times(self) -> ResponseTimes:
        return ResponseTimes(self.tier_hours, self.hours)

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
        file = TomlConfigSettingsSource(settings_cls, toml_file=settings_file())
        return init_settings, env_settings, file


def names() -> list[str]:
    """The settings in the order they stand above; those of other modules come last."""
    return sorted(Settings.model_fields, key=lambda name: name not in Settings.__annotations__)


def settings_file() -> Path:
    """The file that settings are read from, where it exists."""
    return Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))


def load_settings(**given: Any) -> Settings:
    """The settings, those in `given` (not None) before environment and file.

    Raises SettingsError where the file is missing though named, cannot be parsed, or a value is not allowed.
    """
    file = settings_file()
    if FILE_VARIABLE in os.environ and not file.is_file():
        raise SettingsError(f"{file} ({FILE_VARIABLE}) does not exist.")
    for name, words in _REPLACED.items():
        if (variable := f"{_PREFIX}{name.upper()}") in os.environ:
            raise SettingsError(f"{variable}: {words}{_found(name, os.environ[variable])}.")
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
        return f"{name}: {_REPLACED[name]}{_found(name, entry['input'])}."
    if entry["type"] == "extra_forbidden":
        return f"{name}: no such setting. Known: {', '.join(names())}."
    return f"{name}: {entry['msg'].removeprefix('Value error, ')}{_found(name, entry['input'])}."


def _found(name: str, value: object) -> str:
    """What was found, unless it may be a secret."""
    kept = Settings.model_fields.get(name)
    secret = name == "settings" or "token" in name or (kept and kept.annotation is SecretStr)
    with_password = re.search(r"://.*@", str(value)) is not None
    return "" if secret or with_password else f" (found {value!r})"
