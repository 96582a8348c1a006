"""What the widget opens with: words, ways to a person, and what the form offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.site import ARTICLES, Site, open_site
from web.words import words

ORIGIN = "https://shop.example"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    given = {
        "widget_origins": (ORIGIN,),
        "support_email": "help@example.com",
        "support_phone": "+48 22 123 45 67",
        "chat_url": "https://chat.example.com/desk",
        "response_hours": 4,
        "departments": [{"en": "Sales", "pl": "Sprzedaż"}, "IT"],
    }
    with open_site(tmp_path_factory.mktemp("widget"), ARTICLES, **given) as opened:
        yield opened


def test_it_opens_with_words_of_a_language_and_the_ways_to_a_person(site: Site) -> None:
    reply = site.client.get("/api/v1/widget?lang=pl-PL", headers={"Origin": ORIGIN})
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    told = reply.json()
    assert (told["lang"], told["reader"]) == ("pl", "pl")
    assert told["words"]["solved"] == words("pl").gettext("This solved it")
    assert "{title}" in told["words"]["source"]
    assert [(channel["kind"], channel["address"]) for channel in told["channels"]] == [
        ("form", "/ticket"),
        ("email", "help@example.com"),
        ("phone", "+48 22 123 45 67"),
        ("chat", "https://chat.example.com/desk"),
    ]
    assert told["departments"] == [{"value": "Sales", "label": "Sprzedaż"}, {"value": "IT", "label": "IT"}]
    assert (told["topics"], told["hours"]) == (
        [],
        words("pl").ngettext("We usually answer within one hour.", "We usually answer within %(num)s hours.", 4),
    )
    assert "token" not in reply.text


@pytest.mark.parametrize(("asked", "reader"), [("cs", "cs"), ("xx", None), ("", None), ("<b>", None)])
def test_a_language_it_does_not_speak_gets_english_words(site: Site, asked: str, reader: str | None) -> None:
    told = site.client.get("/api/v1/widget", params={"lang": asked}).json()
    assert (told["lang"], told["reader"]) == ("en", reader)
    assert told["words"]["question"] == "What do you need help with?"


def test_a_browser_keeps_it_for_minutes_and_then_asks_whether_it_changed(site: Site) -> None:
    first = site.client.get("/api/v1/widget?lang=en")
    assert first.headers["cache-control"] == "public, max-age=300"
    again = site.client.get("/api/v1/widget?lang=en", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert site.client.get("/api/v1/widget?lang=pl").headers["etag"] != first.headers["etag"]
