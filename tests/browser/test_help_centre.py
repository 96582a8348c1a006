"""The help centre in a browser: find an answer, read it where it stands, ask a person where there is none."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Watch
from tests.browser.help_centre import HelpCentre
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


def _search(page: Page, question: str) -> None:
    box = page.get_by_role("combobox", name="How can we help?")
    box.fill(question)
    box.press("Enter")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_an_answer_found_from_home_leads_to_its_heading_in_the_article(phone: bool, open_page: OpenPage) -> None:
    page = open_page("/", phone=phone)
    _search(page, "I forgot my passwrod")
    found = page.get_by_role("region", name="What we found")
    expect(found.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()
    expect(page.get_by_text("Showing results for I forgot my password")).to_be_visible()
    found.get_by_role("link", name="Reset it yourself").click()
    expect(page).to_have_url(re.compile(r"/en/articles/reset-password#reset-it-yourself$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Reset a forgotten password")
    expect(page.get_by_role("heading", name="Reset it yourself")).to_be_in_viewport()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_that_an_answer_solved_it_is_recorded(phone: bool, open_page: OpenPage, server: HelpCentre) -> None:
    asked = f"How do I connect to the VPN from {'my phone' if phone else 'home'}?"
    page = open_page("/", phone=phone)
    _search(page, asked)
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear")
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", asked)
    outcomes = server.rows("SELECT outcome FROM outcomes WHERE question_id = ?", question["id"])
    assert outcomes == [{"outcome": "solved"}]


def test_a_question_nobody_can_answer_is_told_so_and_goes_to_the_authors(open_page: OpenPage) -> None:
    asked = "Which wine goes with risotto?"
    page = open_page("/")
    _search(page, asked)
    expect(page.get_by_role("heading", name="I don’t know this one yet")).to_be_visible()
    page.get_by_role("region", name="What we found").get_by_role("link", name="Send a ticket").click()
    expect(page.get_by_label("Subject")).to_have_value(asked)

    page.goto("/authors")
    page.get_by_label("Your e-mail address").fill("author@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("row", name=asked)).to_be_visible()


def test_what_a_person_asked_is_text_and_never_markup(open_page: OpenPage) -> None:
    markup = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    page = open_page("/")
    _search(page, markup)
    expect(page.get_by_role("combobox", name="Ask a question")).to_have_value(markup)
    assert page.locator("main img, main script").count() == 0


def test_the_keyboard_reaches_the_content_and_the_answer(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="How can we help?")).to_be_focused()
    page.keyboard.type("I forgot my password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="What we found").get_by_role("heading").first).to_be_visible()


def test_the_widget_answers_on_its_own_page(open_page: OpenPage) -> None:
    page = open_page("/widget")
    page.locator("firstline-widget .launcher").click()
    question = page.get_by_role("dialog").get_by_label("What do you need help with?")
    question.fill("I forgot my password")
    question.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Reset a forgotten password")).to_be_visible()


def test_a_wrong_address_is_told_kindly(open_page: OpenPage, watch: Watch) -> None:
    watch.expected.append("404")
    page = open_page("/en/articles/no-such-article")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Send a ticket").first).to_be_visible()
