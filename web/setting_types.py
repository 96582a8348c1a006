"""What single settings may be. Each check raises ValueError that says what to write."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from bot.hours import Hours
from kb import languages
from web.handoff_settings import ADDRESS

#: Far above any ratio that makes sense, and no sum of two overflows.
Cost = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
#: A picture of these kinds is shown by every browser.
LOGO_TYPES = (".svg", ".png", ".jpg", ".jpeg", ".webp")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"(?=.*\d.*\d)\+?[\d ()./-]{3,40}")
_RATE = re.compile(r"[1-9]\d{0,6}/(second|minute|hour|day)")
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")


def _language(value: str) -> str:
    lang = languages.normalise(value)
    if lang is None:
        raise ValueError("use a two-letter code of ISO 639-1 such as en or pl")
    return lang


def _base(value: str) -> str:
    address = value.rstrip("/")
    if address and not _ORIGIN.fullmatch(address):
        raise ValueError("write scheme and host alone: https://help.example.com")
    return address


def _picture(value: str) -> str:
    if value and Path(value).suffix.lower() not in LOGO_TYPES:
        raise ValueError(f"use a picture that ends in {', '.join(LOGO_TYPES)}")
    if value and not Path(value).is_file():
        raise ValueError("there is no such file; give its path from the folder that Firstline is started in")
    return value


def _email(value: str) -> str:
    if value and not _EMAIL.fullmatch(value):
        raise ValueError("write an e-mail address such as help@example.com")
    return value


def _phone(value: str) -> str:
    if value and not _PHONE.fullmatch(value):
        raise ValueError("write a telephone number in digits, such as +48 22 123 45 67")
    return value


def _chat(value: str) -> str:
    if value and not ADDRESS.fullmatch(value):
        raise ValueError("write a whole address such as https://chat.example.com/support")
    return value


def _hours(value: tuple[str, ...]) -> tuple[str, ...]:
    Hours.of(value)
    return value


def _tiers(value: tuple[int, int, int]) -> tuple[int, int, int]:
    wrong = next((hours for hours in value if not 1 <= hours <= 1_000), None)
    if wrong is not None:
        raise ValueError(f"{wrong} is no number of hours from 1 to 1000")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError, a folder's name an OSError
        raise ValueError("is no time zone; use an IANA name such as Europe/Warsaw or UTC") from None
    return value


def _types(value: tuple[str, ...]) -> tuple[str, ...]:
    extensions = tuple(dict.fromkeys(entry.strip().lower().removeprefix(".") for entry in value))
    if wrong := next((entry for entry in extensions if not _EXTENSION.fullmatch(entry)), None):
        raise ValueError(f"{wrong!r} is no end of a file's name; write png or pdf")
    return extensions


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin; write scheme and host alone: https://www.example.com")
    return value


def _rate(value: str) -> str:
    if value and not _RATE.fullmatch(value):
        raise ValueError("write a number per second, minute, hour or day, such as 20/hour")
    return value


def _proxies(value: tuple[str, ...]) -> tuple[str, ...]:
    for proxy in value:
        try:
            ip_network(proxy)
        except ValueError:
            raise ValueError(f"{proxy!r} is no address; write 10.0.0.7 or a network such as 10.0.0.0/8") from None
    return value


Language = Annotated[str, AfterValidator(_language)]
SiteAddress = Annotated[str, AfterValidator(_base)]
Logo = Annotated[str, AfterValidator(_picture)]
Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]
Address = Annotated[str, AfterValidator(_chat)]
OpeningHours = Annotated[tuple[str, ...], AfterValidator(_hours)]
TierHours = Annotated[tuple[int, int, int], AfterValidator(_tiers)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Extensions = Annotated[tuple[str, ...], AfterValidator(_types)]
Origins = Annotated[tuple[str, ...], AfterValidator(_origins)]
Rate = Annotated[str, AfterValidator(_rate)]
Proxies = Annotated[tuple[str, ...], AfterValidator(_proxies)]
