"""Everything but live suggestions works in a browser that runs no script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, Unsure
from tests.browser.help_centre import HelpCentre

pytestmark = pytest.mark.browser


def test_ask_and_say_that_it_did_not_help(open_page: OpenPage, server: HelpCentre) -> None:
    asked = "My account is locked and I have no script"
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("searchbox", name="How can we help?").fill(asked)
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("button", name="helped").or_(page.get_by_role("button", name="It did not help")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sorry that this did not help")
    page.get_by_role("main").get_by_role("link", name="Send a ticket").click()
    expect(page.get_by_label("Subject")).to_have_value(asked)
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", asked)
    outcomes = server.rows("SELECT outcome FROM outcomes WHERE question_id = ?", question["id"])
    assert outcomes == [{"outcome": "not_solved"}]


def test_say_which_of_two_is_meant(open_page: OpenPage, unsure: Unsure) -> None:
    asked, title, server = unsure.questions[2].question, unsure.questions[2].titles[1], unsure.server
    page = open_page(f"{server.base}/search?q={asked}", java_script_enabled=False)
    expect(page.get_by_role("heading", name="Which of these do you mean?")).to_be_visible()
    page.get_by_role("link", name=title).click()
    found = page.get_by_role("region", name="What we found")
    expect(found.get_by_role("heading", name=title)).to_be_visible()
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear")
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", asked)
    outcomes = server.rows("SELECT outcome FROM outcomes WHERE question_id = ? ORDER BY id", question["id"])
    assert outcomes == [{"outcome": "opened"}, {"outcome": "solved"}]


def test_send_a_ticket_although_an_answer_is_offered(open_page: OpenPage, server: HelpCentre) -> None:
    subject = "I forgot my password and run no script"
    page = open_page("/ticket", java_script_enabled=False)
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill("I cannot sign in.")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Does this answer it?")
    page.get_by_role("button", name="No, send my ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = ?", subject)
    expect(page.get_by_role("main")).to_contain_text(f"Your ticket number is {ticket['number']}")
