"""Whole ways through the help centre that no single page tells: in another language, and with a server that goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, Watch
from tests.browser.help_centre import HelpCentre

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_somebody_asks_in_polish_asks_on_and_reads_the_article_in_polish(
    phone: bool, open_page: OpenPage, server: HelpCentre, watch: Watch
) -> None:
    watch.expected.append("422")
    page = open_page("/", phone=phone, locale="pl-PL")
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    expect(page.get_by_role("link", name="Konta i hasła", exact=True)).to_be_visible()
    box = page.get_by_role("combobox", name="W czym możemy pomóc?")
    box.press_sequentially("zapomniał")
    expect(page.get_by_role("option").first).to_contain_text("Resetowanie zapomnianego hasła")
    box.fill(f"zapomniałem hasła do {'telefonu' if phone else 'komputera'}")
    box.press("Enter")
    expect(page.get_by_role("heading", name="Resetowanie zapomnianego hasła")).to_be_visible()
    page.get_by_label("Dopytaj o szczegóły").fill("a jeśli konto jest zablokowane?")
    page.get_by_role("button", name="Zapytaj").click()
    expect(page.get_by_role("heading", name="Odblokowywanie zablokowanego konta")).to_be_visible()
    page.get_by_role("region", name="Co znaleźliśmy").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/pl/articles/account-locked"))
    page.get_by_role("link", name="Zgłoszenie" if phone else "Wyślij zgłoszenie", exact=True).first.click()
    page.get_by_role("button", name="Wyślij zgłoszenie").click()
    expect(page.get_by_role("alert")).to_contain_text("3 pola wymagają poprawki")
    asked = server.rows("SELECT lang, channel FROM questions WHERE text LIKE 'a jeśli konto%'")
    assert asked[0] == {"lang": "pl", "channel": "web"}


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_help_centre_that_goes_while_a_ticket_is_sent_costs_no_typed_word(
    phone: bool, open_page: OpenPage, server: HelpCentre, watch: Watch
) -> None:
    watch.expected.append("net::ERR_CONNECTION_REFUSED")
    subject = f"Order fourteen pumpkins by {'phone' if phone else 'desk'}"
    page = open_page("/ticket", phone=phone)
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill("For the garden party.")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Send ticket").click()
    expect(page).to_have_url("chrome-error://chromewebdata/")  # Chromium's own page
    page.unroute("**/*")
    page.goto("/ticket")  # somebody who types the address anew, not even the button of the browser
    expect(page.get_by_label("Subject")).to_have_value(subject)
    expect(page.get_by_label("Description")).to_have_value("For the garden party.")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    assert len(server.rows("SELECT id FROM tickets WHERE subject = ?", subject)) == 1
