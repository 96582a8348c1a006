"""The search box while somebody types, by keyboard, and the conversation that follows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

TYPEAHEAD = "**/api/v1/typeahead?*"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_an_article_is_found_by_typing_and_opened_by_keyboard(phone: bool, open_page: OpenPage) -> None:
    page = open_page("/", phone=phone)
    box, options = page.get_by_role("combobox", name="How can we help?"), page.get_by_role("option")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("forgoten pas")
    expect(options.first).to_contain_text("Reset a forgotten password")
    assert options.first.locator("mark").all_inner_texts() == ["forgotten", "password"]
    expect(options.last).to_have_text("Search for “forgoten pas”")
    expect(page.locator("form.search [role=status]")).to_have_text(re.compile(r"^\d suggestions?$"))
    expect(box).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_value("forgoten pas")
    page.keyboard.press("Escape")
    expect(box).to_have_value("")

    page.keyboard.type("forgoten pas")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(box).not_to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "fl-q-list-0")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reset a forgotten password")

    page.keyboard.press("/")
    page.keyboard.type("reset/it")
    expect(page.get_by_role("combobox", name="Ask a question or search")).to_have_value("reset/it")
    page.keyboard.press("Tab")
    expect(options).to_have_count(0)


def test_a_late_reply_shows_nothing_and_keys_of_an_input_method_are_left_alone(open_page: OpenPage) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    def prepare(page: Page) -> None:
        page.route(TYPEAHEAD, hold_the_first)

    page = open_page("/", before=prepare)
    box, options = page.get_by_role("combobox", name="How can we help?"), page.get_by_role("option")
    with page.expect_request(TYPEAHEAD):
        box.press_sequentially("printer")
    box.press_sequentially(" badge")
    expect(options.first).to_contain_text("print with your badge")
    held[0].fulfill(json={"suggestions": []})
    expect(options.first).to_contain_text("print with your badge")

    box.press("ArrowDown")
    box.evaluate(
        "box => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    expect(box).to_be_focused()
    expect(options.first).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_follow_up_keeps_what_was_asked_before(phone: bool, open_page: OpenPage) -> None:
    page = open_page("/search?q=Jak połączyć się z VPN-em%3F", phone=phone)
    page.get_by_label("Ask a follow-up question").fill("a na Macu?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("We read this as a follow-up to “Jak połączyć się z VPN-em?”.")).to_be_visible()
    expect(page.get_by_role("region", name="What we found").get_by_role("heading").first).to_have_text(
        re.compile("Łączenie z VPN-em")
    )
    page.get_by_role("link", name="Ask it on its own").click()
    expect(page.get_by_text("We read this as a follow-up")).to_have_count(0)
