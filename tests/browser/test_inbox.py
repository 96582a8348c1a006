"""The agents' inbox as it is used: by the keyboard alone, and by two agents at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Watch
from tests.browser.scenes import reply_as_another, send_ticket

pytestmark = pytest.mark.browser


def _focused(page: Page) -> str:
    focused: str = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return focused


def test_an_agent_answers_and_solves_a_ticket_by_the_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    number = send_ticket(page, subject="No sound in room Ottawa")
    page.goto("/inbox?sort=changed&text=Ottawa")
    press = page.keyboard.press

    press("j")
    expect(page.get_by_role("link", name="No sound in room Ottawa")).to_be_focused()
    press("x")
    expect(page.get_by_text("1 ticket selected")).to_be_visible()
    press("x")
    press("Enter")
    expect(page).to_have_url(re.compile(rf"/inbox/{number}\?text=Ottawa&sort=changed$"))
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    press("a")
    expect(page.get_by_text("Agent took this ticket.").first).to_be_visible()
    assert _focused(page) == "fl-done"
    press("e")
    page.keyboard.type("Needs the room's key.")
    press("Tab")
    press("Enter")
    expect(page.locator("#fl-done")).to_contain_text("moved this ticket from tier 1 to tier 2")

    press("r")
    page.keyboard.type("Press mute again, s and u are only letters here.")
    page.reload()
    expect(page.get_by_label("Reply to kim@example.com")).to_have_value(re.compile("only letters here"))
    press("r")
    press("Control+Enter")
    expect(page.locator("#fl-done")).to_have_text("Your reply is sent.")
    expect(page.get_by_label("Reply to kim@example.com")).to_have_value("")
    press("s")
    expect(page.locator("#fl-done")).to_contain_text("solved this ticket")
    assert _focused(page) == "fl-done"
    press("u")
    expect(page.get_by_role("heading", name="No ticket fits")).to_be_visible()
    press("g")
    press("s")
    expect(page.get_by_role("link", name="No sound in room Ottawa")).to_be_visible()
    press("/")
    assert _focused(page) == "fl-text"
    press("j")
    assert _focused(page) == "fl-text"


def test_two_agents_at_one_ticket_are_told_of_each_other_and_lose_no_word(open_page: OpenPage, watch: Watch) -> None:
    watch.expected.append("409")
    page = open_page("about:blank")
    page.goto(f"/inbox/{send_ticket(page)}")
    page.keyboard.press("r")
    page.keyboard.type("Somebody will come.")
    reply_as_another(page, "I am on my way.")
    # The news of one's own changes is none, and both are the agent of one token here: only sending tells.
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("changed this ticket while you had it open")
    expect(page.get_by_text("I am on my way.")).to_be_visible()
    assert _focused(page) == "fl-summary"
    page.keyboard.press("r")
    expect(page.get_by_label("Reply to")).to_have_value("Somebody will come.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#fl-done")).to_have_text("Your reply is sent.")


def test_a_list_tells_of_new_tickets_when_one_comes_back_to_it(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    send_ticket(page, subject="Blinds in Quito")
    page.goto("/inbox?text=Quito")
    send_ticket(page, subject="Heating in Quito")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_role("link", name="1 new ticket").click()
    expect(page.get_by_role("link", name="Heating in Quito")).to_be_visible()


def test_a_key_pressed_twice_asks_once_and_what_follows_is_not_taken_for_more_keys(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.goto(f"/inbox/{send_ticket(page)}")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    # All in one go, before the browser can leave the page.
    page.evaluate(
        """() => { for (const key of "aase") document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true })) }"""
    )
    expect(page.locator("#fl-done")).to_contain_text("took this ticket")
    assert len(posted) == 1
    expect(page.locator("#fl-state")).to_contain_text("To answer")
    expect(page.get_by_label("Why")).not_to_be_visible()
    page.get_by_role("button", name="Solve", exact=True).dblclick()
    expect(page.locator("#fl-done")).to_contain_text("solved this ticket")
    assert len(posted) == 2


def test_g_and_a_letter_that_means_no_list_goes_nowhere(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.goto(f"/inbox/{send_ticket(page)}")
    before = page.url
    page.keyboard.press("g")
    page.keyboard.press("z")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert page.url == before


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    send_ticket(page)
    page.goto("/inbox")
    summary, account = page.locator(".person summary"), page.get_by_role("link", name="Account")
    summary.click()
    expect(account).to_be_visible()
    page.keyboard.press("Escape")
    expect(account).not_to_be_visible()
    expect(summary).to_be_focused()
    summary.click()
    page.get_by_role("heading", level=1).click()
    expect(account).not_to_be_visible()


@pytest.mark.parametrize("width", [1000, 1280])
def test_the_answer_stands_beside_the_ticket_in_the_first_window(open_page: OpenPage, width: int) -> None:
    page = open_page("about:blank", viewport={"width": width, "height": 800})
    page.goto(f"/inbox/{send_ticket(page)}")
    panel, talk = page.locator(".case-panel").bounding_box(), page.locator(".talk").bounding_box()
    assert panel is not None
    assert talk is not None
    assert panel["y"] == talk["y"] < 500
    assert panel["x"] >= talk["x"] + talk["width"]
