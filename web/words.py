"""What the interface says, in the reader's language: gettext catalogs, plural rules, dates and numbers.

The source strings are English. `python -m web.locales` brings the catalogs up to date with them.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from bot.errors import Message
from kb import languages

LOCALES = Path(__file__).parent / "locales"
#: What the strings in the code are written in; it has no catalog.
SOURCE = "en"
#: The languages of the interface, in the order of their codes.
INTERFACE = ("de", "en", "es", "fr", "it", "nl", "pl", "ru")


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """The text as it is: marks a constant for the catalogs; `gettext` says it later."""
    return message


@dataclass(frozen=True, slots=True)
class Words:
    """One language of the interface. Every text is a template of named values, `%(name)s`; a percent sign is `%%`."""

    lang: str
    catalog: NullTranslations
    locale: Locale

    def gettext(self, message: str, /, **values: Any) -> str:
        return self.catalog.gettext(message) % values

    def ngettext(self, one: str, many: str, number: int, /, **values: Any) -> str:
        """The form for a number by the language's plural rule; `num` is that number as its people write it."""
        return self.catalog.ngettext(one, many, number) % {"num": self.number(number), **values}

    def say(self, message: Message) -> str:
        """What the bot has to say, its numbers as people of the language write them."""
        written = {
            name: self.number(value) if isinstance(value, int) else value for name, value in message.values.items()
        }
        return self.gettext(message.template, **written)

    def language(self, lang: str) -> str:
        """What people of this language call another one."""
        return str(self.locale.languages.get(lang, lang.upper()))

    def number(self, number: float) -> str:
        return format_decimal(number, locale=self.locale)

    def date(self, day: datetime.date) -> str:
        """`21 November 2026`, without the weekday."""
        return format_date(day, "long", self.locale)

    def day(self, at: datetime.date) -> str:
        """`Monday, 23 November 2026`."""
        return format_date(at, "full", self.locale)

    def time(self, at: datetime.datetime) -> str:
        """`15:30`, in the time zone that `at` has."""
        return format_time(at, "short", tzinfo=at.tzinfo, locale=self.locale)

    def moment(self, at: datetime.datetime, zone: datetime.tzinfo | None = None) -> str:
        """Date and time in a zone, or with "UTC" behind it where none is given."""
        at = at.astimezone(zone or datetime.UTC)
        pattern = str(get_datetime_format("medium", self.locale))
        shown = pattern.replace("{0}", self.time(at)).replace("{1}", format_date(at, "medium", self.locale))
        return shown if zone else f"{shown} UTC"

    def filesize(self, size: int) -> str:
        """Bytes as people say them: `120 kB`, `2.4 MB`."""
        if size < 100_000:
            return self.gettext("%(number)s kB", number=self.number(max(1, round(size / 1000))))
        return self.gettext("%(number)s MB", number=self.number(round(size / 1_000_000, 1)))

    def listed(self, things: Iterable[str]) -> str:
        """`a, b, and c`."""
        return format_list(list(things), locale=self.locale)


def words(lang: str) -> Words:
    """The interface in a language, or in English where it does not speak that one."""
    return _words(lang if lang in INTERFACE else SOURCE)


@lru_cache(maxsize=len(INTERFACE))
def _words(lang: str) -> Words:
    # English dates as most of the world's English writes them, the day first.
    locale = Locale.parse("en_GB" if lang == SOURCE else lang)
    return Words(lang, NullTranslations() if lang == SOURCE else _catalog(lang), locale)


def _catalog(lang: str) -> GNUTranslations:
    """Compiled when the language is first asked for, about 50 ms: so nobody has to build catalogs before a start."""
    compiled = io.BytesIO()
    with (LOCALES / f"{lang}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return GNUTranslations(compiled)


@lru_cache(maxsize=256)
def language_name(lang: str) -> str:
    """A language's name in itself, so that those who read it find it; its code where nobody wrote that down."""
    try:
        name = Locale.parse(lang).get_language_name()
    except (UnknownLocaleError, ValueError):
        name = None
    return name[:1].upper() + name[1:] if name else lang.upper()


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, section 12.5.4), the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, quality = part.partition(";")
        lang = languages.normalise(tag.strip())
        weight = re.fullmatch(r"q=([01](?:\.\d{0,3})?)", quality.strip())
        wanted = float(weight[1]) if weight else 1.0
        if lang and wanted > 0:
            found.append((wanted, lang))
    return [lang for _, lang in sorted(found, key=lambda pair: -pair[0])]
