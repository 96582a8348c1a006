"""The interface in eight languages: plurals, dates, and what may stand in a template."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.errors import Message
from web.words import INTERFACE, accepted, language_name, words

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_language_the_interface_does_not_speak_gets_english() -> None:
    assert words("sv").lang == "en"


@pytest.mark.parametrize("lang", INTERFACE)
def test_every_language_has_a_catalog_that_opens(lang: str) -> None:
    assert words(lang).lang == lang
    assert words(lang).gettext("Send a ticket")


def test_english_dates_have_the_day_first() -> None:
    assert words("en").date(date(2026, 11, 21)) == "21 November 2026"
    assert words("en").moment(NOON) == "21 Nov 2026, 12:00 UTC"


def test_dates_and_numbers_are_those_of_the_language() -> None:
    polish = words("pl")
    assert polish.date(date(2026, 11, 21)) == "21 listopada 2026"
    assert polish.day(date(2026, 11, 23)) == "poniedziałek, 23 listopada 2026"
    assert words("de").number(200_000) == "200.000"
    assert words("fr").listed(["PNG", "PDF", "ZIP"]) == "PNG, PDF et ZIP"


def test_a_moment_in_a_zone_names_no_other() -> None:
    assert words("de").moment(NOON, ZoneInfo("Europe/Warsaw")) == "21.11.2026, 13:00"


def test_what_the_bot_says_has_the_numbers_of_the_language() -> None:
    message = Message("At most %(limit)s are read.", limit=200_000)
    assert words("en").say(message) == str(message) == "At most 200,000 are read."
    assert words("es").say(message) == "At most 200.000 are read."


@pytest.mark.parametrize(
    ("lang", "name"), [("pl", "Polski"), ("en", "English"), ("ru", "Русский"), ("xx", "XX"), ("zh", "中文")]
)
def test_a_language_is_called_as_its_readers_call_it(lang: str, name: str) -> None:
    assert language_name(lang) == name


def test_the_languages_of_a_browser_come_in_the_order_of_their_weights() -> None:
    assert accepted("en;q=0.5, pl-PL, de;q=0.8, fr;q=0") == ["pl", "de", "en"]
