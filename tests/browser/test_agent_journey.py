"""The whole way of a ticket: declined suggestions, an agent who answers by keyboard, and a desk that has learned."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.help_centre import AGENT_TOKEN, HelpCentre
from tests.people import PASSWORD

pytestmark = pytest.mark.browser

QUESTION = "My old mailbox of the shop team is gone"
ANOTHER_WORDING = "The mailbox of the shop team has vanished"
RIGHT, TITLE = "shared-mailbox", "Open a shared mailbox and send from it"
#: A page has fewer places that Tab stops at.
_MOST_STOPS = 120


def _ranks(page: Page, question: str) -> tuple[str, list[str]]:
    """What the help centre says to a question, and the articles in the order of the page."""
    asked = page.request.post("/api/v1/ask", data={"question": question, "lang": "en", "channel": "api"})
    reply = asked.json()
    answer = [reply["answer"]["article_id"]] if reply["answer"] else []
    return reply["decision"], [*answer, *(each["article_id"] for each in reply["suggestions"])]


def _tab_to(page: Page, name: str) -> None:
    """Presses Tab until what is called so has the focus."""
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        words: str = page.evaluate("document.activeElement.textContent.replace(/\\s+/g, ' ').trim()")
        if words == name:
            return
    raise AssertionError(f"Tab does not reach {name!r}.")


def _solved_before(page: Page) -> None:
    """A ticket like it was solved weeks ago, by a person's words alone: nothing was learned from it."""
    headers = {"Authorization": f"Bearer {AGENT_TOKEN}", "Idempotency-Key": "the-shop-team-before"}
    sent = {"subject": ANOTHER_WORDING, "body": "It is not in Outlook any more.", "email": "lee@example.com"}
    ticket = page.request.post("/api/v1/tickets", data=sent, headers=headers).json()["id"]
    told = {"text": "Opened it by hand once: File, Open, the mailbox of another person."}
    assert page.request.post(f"/api/v1/tickets/{ticket}/resolution", data=told, headers=headers).status == 204


def test_a_declined_question_becomes_a_ticket_that_an_agent_solves_by_keyboard_and_is_answered_from_then_on(
    open_page: OpenPage, server: HelpCentre
) -> None:
    page = open_page(f"/search?q={QUESTION}")
    _solved_before(page)
    before, another = _ranks(page, QUESTION), _ranks(page, ANOTHER_WORDING)
    assert before[0] == another[0] == "suggest"
    assert before[1].index(RIGHT) > 0
    assert another[1][0] != RIGHT

    page.get_by_role("button", name="None of these helped").click()
    page.get_by_role("main").get_by_role("link", name="Send a ticket").click()
    expect(page.get_by_label("Subject")).to_have_value(QUESTION)
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_label("Description").fill("It was in Outlook until I came back from leave on Monday.")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    followed = page.url.partition("?")[0]

    agent = open_page("/sign-in?next=/inbox")
    press, write = agent.keyboard.press, agent.keyboard.type
    agent.get_by_label("Your e-mail address").focus()
    write("agent@example.com")
    press("Tab")
    write(PASSWORD)
    press("Enter")
    expect(agent).to_have_url(re.compile("/inbox$"))
    agent.wait_for_load_state()  # the keys are there once the script ran
    press("/")
    write("shop team")
    press("Enter")
    expect(agent).to_have_url(re.compile(r"text=shop\+team"))
    press("j")
    expect(agent.get_by_role("link", name=QUESTION)).to_be_focused()
    press("Enter")
    beside = agent.get_by_role("region", name="Beside the ticket")
    expect(beside.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(beside.get_by_text("The requester saw this and it did not help.").first).to_be_visible()
    similar = beside.get_by_role("region", name="Solved tickets like this one")
    expect(similar.get_by_role("link", name=ANOTHER_WORDING)).to_be_visible()
    expect(similar).to_contain_text("Opened it by hand once")

    _tab_to(agent, f"Insert the steps: {TITLE}")
    press("Enter")
    reply = agent.get_by_label("Reply to kim@example.com")
    expect(reply).to_have_value(re.compile(f"{server.base}/en/articles/{RIGHT}"))
    press("Escape")
    press("r")
    expect(reply).to_be_focused()
    press("Control+Enter")
    expect(agent.get_by_text("Your reply is sent.")).to_be_visible()
    _tab_to(agent, f"This article solved it: {TITLE}")
    press("Enter")
    expect(agent.get_by_role("status").filter(has_text="Learned:")).to_be_focused()

    page.goto(followed)
    expect(page.get_by_role("main")).to_contain_text(f"/en/articles/{RIGHT}")
    assert _ranks(page, QUESTION) == ("answer", [RIGHT])
    assert _ranks(page, ANOTHER_WORDING)[1][0] == RIGHT
    page.goto(f"/search?q={QUESTION}")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(page.get_by_role("button", name="This solved it")).to_be_visible()
