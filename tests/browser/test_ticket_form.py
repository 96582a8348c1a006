"""The ticket form in a browser: solutions first, but a ticket goes through with all that was typed."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import OpenPage, Unsure, Watch
from tests.browser.help_centre import HelpCentre

pytestmark = pytest.mark.browser

UNANSWERABLE = "Order twelve pumpkins for the garden party"
BODY = "Please bring them to the canteen on Friday.\n\nThank you\nKim"


def _fill(page: Page, subject: str, body: str = BODY) -> None:
    page.get_by_label("Your e-mail address").fill("kim@example.com")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill(body)


def _send(page: Page) -> None:
    page.get_by_role("button", name="Send ticket").click()


def _tickets(server: HelpCentre, subject: str) -> list[dict[str, object]]:
    return server.rows("SELECT * FROM tickets WHERE subject = ?", subject)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_articles_show_while_one_types_and_the_focus_stays_in_the_field(phone: bool, open_page: OpenPage) -> None:
    page = open_page("/ticket", phone=phone)
    subject = page.get_by_label("Subject")
    subject.press_sequentially("I forgot my password")
    beside = page.get_by_role("region", name="These may help")
    expect(beside.get_by_role("link").first).to_have_accessible_name(re.compile("^Reset a forgotten password"))
    expect(page.locator("#fl-beside-status")).to_have_text(re.compile(r"^(1 article|[23] articles) found$"))
    expect(subject).to_be_focused()
    expect(subject).to_have_value("I forgot my password")
    expect(subject).to_be_in_viewport()


def test_the_focus_is_not_lost_where_a_late_reply_changes_the_list(open_page: OpenPage) -> None:
    page = open_page("/ticket")
    page.get_by_label("Subject").fill("I forgot my password")
    links = page.get_by_role("region", name="These may help").get_by_role("link")
    expect(links.first).to_have_accessible_name(re.compile("^Reset a forgotten password"))
    page.get_by_label("Description").fill("I cannot sign in.")
    links.first.focus()
    with page.expect_response("**/api/v1/suggest*"):
        pass
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # what waited for that reply has run
    assert page.evaluate("document.activeElement.localName") in ("a", "textarea")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_which_of_two_is_meant_is_asked_beside_the_form_and_neither_goes_on_with_it(
    phone: bool, open_page: OpenPage, unsure: Unsure
) -> None:
    close, server = unsure.questions[1], unsure.server
    subject, body = close.question, f"Since this morning, on the {'phone' if phone else 'desktop'}."
    page = open_page(f"{server.base}/ticket", phone=phone)
    page.get_by_label("Subject").press_sequentially(subject)
    beside = page.get_by_role("region", name="Which of these do you mean?")
    expect(beside.get_by_role("listitem")).to_have_count(2)
    expect(page.locator("#fl-beside-status")).to_have_text("2 articles found. Which of these do you mean?")
    page.get_by_role("link", name="Neither of these").click()
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    expect(page.get_by_role("region", name="These may help").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("link", name="Neither of these")).to_be_hidden()
    _fill(page, subject, body)
    _send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    (ticket,) = server.rows("SELECT * FROM tickets WHERE body = ?", body)
    assert set(json.loads(str(ticket["declined"]))) == set(close.ids)


def test_short_input_asks_nothing_of_the_server(open_page: OpenPage) -> None:
    asked: list[str] = []
    page = open_page("/ticket", before=lambda page: page.clock.install())
    page.route("**/api/**", lambda route: asked.append(route.request.url))
    page.get_by_label("Subject").press_sequentially("VPN")
    page.clock.run_for(5_000)
    assert asked == []


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_sure_answer_is_shown_first_and_may_save_the_ticket(
    phone: bool, open_page: OpenPage, server: HelpCentre
) -> None:
    subject = f"I forgot my {'password again' if phone else 'own password'}"
    page = open_page("/ticket", phone=phone)
    _fill(page, subject, "I cannot sign in since this morning.")
    _send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Does this answer it?")
    expect(page.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_text("Your ticket was not sent, since you no longer need it.")).to_be_visible()
    assert _tickets(server, subject) == []
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", subject)
    outcomes = server.rows("SELECT outcome, article_id FROM outcomes WHERE question_id = ?", question["id"])
    assert outcomes == [{"outcome": "solved", "article_id": "reset-password"}]


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_declined_answer_travels_with_the_ticket(phone: bool, open_page: OpenPage, server: HelpCentre) -> None:
    subject = f"I forgot my password, {'once more' if phone else 'again'}"
    body = "I cannot sign in.\n\nThe page says: <b>not registered</b> & “no”."
    page = open_page("/ticket", phone=phone)
    _fill(page, subject, body)
    _send(page)
    page.get_by_role("button", name="No, send my ticket").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    (ticket,) = _tickets(server, subject)
    expect(page.get_by_role("main")).to_contain_text(f"Your ticket number is {ticket['number']}")
    assert str(ticket["body"]).replace("\r\n", "\n") == body
    assert (ticket["email"], json.loads(str(ticket["declined"]))) == ("kim@example.com", ["reset-password"])
    assert json.loads(str(ticket["shown"]))[0] == "reset-password"


def test_a_double_click_sends_one_ticket(open_page: OpenPage, server: HelpCentre) -> None:
    page = open_page("/ticket")
    _fill(page, UNANSWERABLE)
    page.get_by_role("button", name="Send ticket").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    (ticket,) = _tickets(server, UNANSWERABLE)
    assert str(ticket["body"]).replace("\r\n", "\n") == BODY


def test_the_button_of_the_browser_leads_back_to_every_typed_word(open_page: OpenPage) -> None:
    page = open_page("/ticket")
    _fill(page, "I forgot my password", "I cannot sign in.")
    _send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Does this answer it?")
    page.go_back()
    typed = [page.get_by_label(label).input_value() for label in ("Your e-mail address", "Subject", "Description")]
    assert typed == ["kim@example.com", "I forgot my password", "I cannot sign in."]


def test_what_is_wrong_is_told_above_and_at_the_field_and_every_word_stays(open_page: OpenPage, watch: Watch) -> None:
    watch.expected.append("422")
    page = open_page("/ticket")
    page.get_by_label("Your e-mail address").fill("nobody")
    page.get_by_label("Subject").fill(UNANSWERABLE)
    _send(page)
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_text(
        ["Enter an e-mail address like name@example.com.", "Describe what happened, so that we can help."]
    )
    email = page.get_by_label("Your e-mail address")
    expect(email).to_have_value("nobody")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Subject")).to_have_value(UNANSWERABLE)
    summary.get_by_role("link").first.click()
    expect(email).to_be_focused()


# --- a half-written ticket ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_half_written_ticket_survives_a_reload_takes_files_and_is_followed_to_its_end(
    phone: bool, open_page: OpenPage, server: HelpCentre
) -> None:
    subject = f"Order thirteen pumpkins by {'phone' if phone else 'desk'}"
    page = open_page("/ticket", phone=phone)
    _fill(page, subject, "שלום 🎃\n\nThank you")
    page.reload()
    expect(page.get_by_role("button", name="Start over")).to_be_visible()
    expect(page.locator("#fl-beside-status")).to_have_text("We kept what you typed.")
    typed = [page.get_by_label(label).input_value() for label in ("Your e-mail address", "Subject", "Description")]
    assert typed == ["kim@example.com", subject, "שלום 🎃\n\nThank you"]
    files = page.get_by_label("Files (optional)")
    files.set_input_files(
        [_file("run.exe", b"MZ"), _file("list.txt", b"13 pumpkins"), _file("big.zip", bytes(10_000_001))]
    )
    told = page.locator("#fl-attachments-error")
    expect(told).to_contain_text("“run.exe” is of a kind we do not take.")
    expect(told).to_contain_text("“big.zip” is larger than 10 MB.")
    page.get_by_label("Subject").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")
    expect(page.get_by_role("link", name="list.txt")).to_be_visible()
    ticket_id = page.url.rpartition("/")[2].partition("?")[0]
    page.wait_for_load_state()  # the script that forgets the draft is deferred: it has run by then
    assert page.evaluate("localStorage.length") == 0
    server.answer(ticket_id, "They are on their way.")
    page.goto(f"/ticket/{ticket_id}")
    page.get_by_label("If not: what is still missing?").fill("They are orange. I wanted white ones.")
    page.get_by_role("button", name="I still need help").click()
    expect(page.locator("#fl-state")).to_have_text("Received")
    server.answer(ticket_id, "White ones, then.")
    page.reload()
    page.get_by_role("button", name="This solved it").click()
    expect(page.locator("#fl-state")).to_have_text("Solved")
    verdicts = server.rows("SELECT verdict FROM ticket_messages WHERE ticket_id = ? AND author = 'agent'", ticket_id)
    assert [row["verdict"] for row in verdicts] == ["refused", "accepted"]


def test_two_tabs_never_write_over_each_other_and_a_closed_one_is_taken_up_again(open_page: OpenPage) -> None:
    first = open_page("/ticket")
    first.get_by_label("Description").fill("words of the first tab")
    first.reload()  # kept now
    second = first.context.new_page()
    second.goto("/ticket")
    expect(second.get_by_label("Description")).to_have_value("")
    second.get_by_label("Description").fill("words of the second tab")
    second.reload()
    first.reload()
    expect(second.get_by_label("Description")).to_have_value("words of the second tab")
    expect(first.get_by_label("Description")).to_have_value("words of the first tab")
    first.close()
    third = second.context.new_page()
    third.goto("/ticket")
    expect(third.get_by_label("Description")).to_have_value("words of the first tab")
    third.goto("/ticket?subject=Another+matter+altogether")
    expect(third.get_by_label("Description")).to_have_value("")
    third.get_by_label("Description").fill("something new")
    third.goto("/ticket")
    expect(third.get_by_label("Description")).to_have_value("something new")
    third.get_by_role("button", name="Start over").click()
    third.reload()
    expect(third.get_by_label("Description")).to_have_value("")


def _file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}
