"""The widget on somebody else's page: ask, be helped, or send a ticket, and lose nothing on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage, Unsure, Watch
from tests.browser.help_centre import HelpCentre, help_centre
from tests.browser.host_site import PAGES, HostSite, host_site
from tests.browser.widget_page import UNKNOWN, Widget
from tests.web.site import build_site

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=alert(1)>"
CANNOT_BE_REACHED = "The help centre cannot be reached from this page right now."
KEPT = "Your words are still here."


def _json(route: Route, body: dict[str, object]) -> None:
    route.fulfill(json=body, headers={"Access-Control-Allow-Origin": "*"})


def _suggestion(title: str, snippet: str) -> dict[str, object]:
    return {
        "article_id": "a", "lang": "en", "title": title, "heading": "", "url": "/en/articles/a", "snippet": snippet,
    }  # fmt: skip


def _reply(title: str, snippet: str) -> dict[str, object]:
    suggestions = [_suggestion(title, snippet)]
    reply = {"id": "0" * 32, "decision": "suggest", "corrected": "", "answer": None, "suggestions": suggestions}
    return {**reply, "between": []}


def test_a_misspelt_question_is_answered_and_the_help_is_recorded(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(site.base)
    widget = Widget(page).open()
    with page.expect_response("**/api/v1/ask") as replied:
        widget.ask("I forgot my passwrod")
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()
    expect(widget.panel.get_by_text("Understood as: I forgot my password")).to_be_visible()
    expect(widget.panel.get_by_role("listitem").first).to_contain_text("https://password.example.com")
    source = widget.panel.get_by_role("link", name="Read the whole article: Reset a forgotten password")
    expect(source).to_have_attribute("href", f"{server.base}/en/articles/reset-password#reset-it-yourself")
    with page.expect_response("**/outcome") as told:
        widget.button("This solved it").click()
    expect(widget.panel.get_by_text("Good to hear that this solved it.")).to_be_focused()
    assert told.value.status == 204
    (question,) = server.rows("SELECT * FROM questions WHERE id = ?", replied.value.json()["id"])
    assert (question["text"], question["channel"]) == ("I forgot my passwrod", "widget")
    (outcome,) = server.rows("SELECT * FROM outcomes WHERE question_id = ?", question["id"])
    assert (outcome["outcome"], outcome["article_id"]) == ("solved", "reset-password")


def test_a_question_nobody_answered_becomes_a_ticket_with_a_number(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    asked = "How long do I cook risotto?"
    widget = Widget(open_page(site.base)).open()
    widget.ask(asked)
    expect(widget.panel.get_by_text(UNKNOWN).first).to_be_visible()
    expect(widget.announced).to_have_text(UNKNOWN)
    widget.button("Send a ticket").click()
    expect(widget.field("Your e-mail address")).to_be_focused()
    expect(widget.field("Subject")).to_have_value(asked)
    widget.fill_ticket(email="kim@example.com", body="For forty guests in the canteen.")
    widget.button("Send ticket").click()
    heading = widget.panel.get_by_role("heading", name=re.compile(r"Ticket \d+ is sent"))
    expect(heading).to_be_focused()
    expect(widget.panel.get_by_text("A person on the help desk reads it.")).to_be_visible()
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = ?", asked)
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", asked)
    assert heading.inner_text() == f"Ticket {ticket['number']} is sent"
    assert (ticket["body"], ticket["email"]) == ("For forty guests in the canteen.", "kim@example.com")
    assert (ticket["question_id"], ticket["session"]) == (question["id"], question["session"])
    gathered = server.gathered(asked)
    assert (gathered["ticket"], gathered["unanswered"], gathered["rejected"]) == (ticket["number"], 1, 0)


def test_articles_that_did_not_help_travel_with_the_ticket(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(site.base)
    widget = Widget(page).open()
    widget.ask("My account is locked")
    with page.expect_response("**/outcome"):
        widget.button("It did not help").click()
    expect(widget.panel.get_by_text("Sorry that this did not help.")).to_be_focused()
    widget.button("Send a ticket").click()
    widget.fill_ticket(email="kim@example.com", body="It says to call, but I am abroad.")
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = 'My account is locked'")
    declined, shown = json.loads(ticket["declined"]), json.loads(ticket["shown"])
    assert declined == ["account-locked"]
    assert shown[0] == "account-locked"
    (outcome,) = server.rows("SELECT * FROM outcomes WHERE question_id = ?", ticket["question_id"])
    assert (outcome["outcome"], outcome["article_id"]) == ("not_solved", "account-locked")


def test_up_to_three_suggestions_where_no_article_is_sure(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    widget = Widget(open_page(site.base)).open()
    widget.ask("account")
    expect(widget.panel.get_by_role("heading", name="We found three articles that may help")).to_be_visible()
    expect(widget.announced).to_have_text("We found three articles that may help")
    links = widget.panel.get_by_role("listitem").get_by_role("link")
    expect(links).to_have_count(3)
    for link in links.all():  # for a tab of its own; a plain click reads it here
        assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")
        assert (link.get_attribute("href") or "").startswith(f"{server.base}/en/articles/")


def test_a_list_that_solved_it_counts_although_no_article_of_it_was_opened(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(site.base)
    widget = Widget(page).open()
    with page.expect_response("**/api/v1/ask") as replied:
        widget.ask("account")
    with page.expect_response("**/outcome") as told:
        widget.button("This solved it").click()
    assert told.value.status == 204
    outcomes = server.rows("SELECT outcome, article_id FROM outcomes WHERE question_id = ?", replied.value.json()["id"])
    assert outcomes == [{"outcome": "solved", "article_id": ""}]


def _choices(widget: Widget) -> Locator:
    return widget.panel.get_by_role("listitem").get_by_role("link")


def test_of_two_close_articles_the_person_says_which_is_meant_and_later_that_it_solved_it(
    open_page: OpenPage, unsure: Unsure
) -> None:
    close, server = unsure.questions[0], unsure.server
    asked, title, article = close.question, close.titles[0], close.ids[0]
    page = open_page(unsure.site.base)
    widget = Widget(page).open()
    widget.ask(asked)
    expect(widget.panel.get_by_role("heading", name="Which of these do you mean?")).to_be_visible()
    expect(widget.announced).to_have_text("Which of these do you mean?")
    expect(_choices(widget)).to_have_count(2)
    expect(widget.button("This solved it")).to_be_hidden()
    with page.expect_response("**/outcome"):
        widget.panel.get_by_role("link", name=title).click()
    expect(widget.panel.get_by_role("heading", name=title)).to_be_visible()
    (question,) = server.rows("SELECT * FROM questions WHERE text = ?", asked)
    told = "SELECT outcome, article_id FROM outcomes WHERE question_id = ? ORDER BY id"
    assert server.rows(told, question["id"]) == [{"outcome": "opened", "article_id": article}]
    widget.button("Back").click()
    expect(widget.panel.get_by_role("link", name=title)).to_be_focused()
    with page.expect_response("**/outcome"):
        widget.button("This solved it").click()
    assert server.rows(told, question["id"])[1:] == [{"outcome": "solved", "article_id": article}]


def test_neither_of_the_two_shows_what_is_left_and_the_ticket_knows_both(open_page: OpenPage, unsure: Unsure) -> None:
    close, server = unsure.questions[1], unsure.server
    asked = close.question
    page = open_page(unsure.site.base, phone=True)
    widget = Widget(page).open()
    widget.ask(asked)
    with page.expect_response("**/outcome"):
        widget.button("Neither of these").click()
    expect(widget.panel.get_by_text("Sorry that neither of them fits.")).to_be_focused()
    expect(_choices(widget)).to_have_count(1)
    widget.button("Send a ticket").click()
    widget.fill_ticket(email="kim@example.com", body="It smells of smoke.")
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()
    (ticket,) = server.rows("SELECT * FROM tickets WHERE body = ?", "It smells of smoke.")
    assert (ticket["subject"], set(json.loads(ticket["declined"]))) == (asked, set(close.ids))


def test_the_keyboard_reaches_both_choices_and_neither(open_page: OpenPage, unsure: Unsure) -> None:
    page = open_page(unsure.site.base)
    widget = Widget(page).open()
    widget.ask(unsure.questions[1].question)
    expect(_choices(widget)).to_have_count(2)
    expect(widget.question).to_be_focused()
    for reached in (widget.button("Send"), *_choices(widget).all(), widget.button("Neither of these")):
        page.keyboard.press("Tab")
        expect(reached.first).to_be_focused()


def test_links_in_an_answer_lead_to_the_help_centre_and_its_pictures_come_from_there(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(site.base)
    widget = Widget(page).open()
    with page.expect_response(f"{server.base}/pictures/*") as picture:
        widget.ask("What do the OneDrive icons mean?")
    assert picture.value.status == 200
    expect(widget.panel.get_by_role("img")).to_be_visible()
    widget.ask("My laptop does not take my new password at home")
    link = widget.panel.get_by_role("article").get_by_role("link", name="Connect to the VPN")
    expect(link).to_have_attribute("href", re.compile(f"^{server.base}/en/articles/"))
    link.click()
    expect(widget.panel.get_by_role("heading", name="Connect to the VPN")).to_be_visible()


def test_what_a_person_typed_is_text_and_never_markup(open_page: OpenPage, server: HelpCentre, site: HostSite) -> None:
    widget = Widget(open_page(site.base)).open()
    widget.ask(MARKUP)
    expect(widget.announced).to_have_text(UNKNOWN)
    widget.button("Send a ticket").click()
    expect(widget.field("Subject")).to_have_value(MARKUP)
    widget.fill_ticket(email="kim@example.com", body=MARKUP)
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()
    assert widget.panel.locator("img").count() == 0
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = ?", MARKUP)
    assert ticket["body"] == MARKUP


def test_titles_and_snippets_are_text_and_never_markup(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(site.base)
    page.route("**/api/v1/ask", lambda route: _json(route, _reply(MARKUP, MARKUP)))
    widget = Widget(page).open()
    widget.ask("anything")
    expect(widget.panel.get_by_role("listitem")).to_contain_text([f"{MARKUP}{MARKUP}"])
    assert widget.panel.locator("img").count() == 0


def test_a_reply_to_an_older_question_is_dropped(open_page: OpenPage, site: HostSite) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            _json(route, _reply("Newer", "The reply to the second question."))
        else:
            held.append(route)

    def never_cancel(page: Page) -> None:
        # A request is also cancelled when a newer question is sent; here it is as if that came too late.
        page.add_init_script("AbortController.prototype.abort = () => {}")

    page = open_page(site.base, before=never_cancel)
    page.route("**/api/v1/ask", hold_the_first)
    widget = Widget(page).open()
    with page.expect_request("**/api/v1/ask"):
        widget.ask("first question")
    widget.ask("second question")
    expect(widget.panel.get_by_role("link", name="Newer")).to_be_visible()
    with page.expect_response("**/api/v1/ask") as late:
        _json(held[0], _reply("Older", "The reply to the first question."))
    assert late.value.finished() is None
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # what waited for that reply has run
    expect(widget.panel.get_by_role("link", name="Older")).to_have_count(0)
    expect(widget.panel.get_by_role("link", name="Newer")).to_be_visible()


def test_a_slow_help_centre_is_named_and_given_up_after_twenty_seconds(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    held: list[Route] = []
    page = open_page(site.base, before=lambda page: page.clock.install())
    page.route("**/api/v1/widget*", lambda route: held.append(route))
    page.route("**/api/v1/ask", lambda route: held.append(route))
    with page.expect_request("**/api/v1/widget*"):
        widget = Widget(page).open()
    page.clock.fast_forward(8_000)
    expect(widget.announced).to_have_text("This takes longer than usual.")
    expect(widget.panel.get_by_role("link", name="Open the ticket page")).to_be_visible()
    page.clock.fast_forward(12_000)
    expect(widget.announced).to_have_text("The help centre cannot be reached from this page right now.")
    page.unroute("**/api/v1/widget*")
    widget.button("Try again").click()
    expect(widget.question).to_be_focused()
    with page.expect_request("**/api/v1/ask"):
        widget.ask("I forgot my password")
    expect(widget.panel.get_by_text("Looking through the articles…").first).to_be_visible()
    page.clock.fast_forward(8_000)
    slow = widget.panel.get_by_text("This takes longer than usual.").first
    expect(slow.locator("..").get_by_role("link", name="Open the ticket page")).to_have_attribute(
        "href", f"{server.base}/ticket?subject=I+forgot+my+password&lang=en"
    )
    page.clock.fast_forward(12_000)
    expect(widget.panel.get_by_text("The help centre did not answer in time.").first).to_be_visible()
    expect(widget.question).to_have_value("I forgot my password")
    page.unroute("**/api/v1/ask")
    widget.button("Try again").click()
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()


def test_a_ticket_whose_receipt_got_lost_is_sent_again_as_the_same_ticket(
    open_page: OpenPage, server: HelpCentre, site: HostSite, watch: Watch
) -> None:
    watch.expected += ["net::ERR_FAILED", "409"]
    page = open_page(site.base)
    widget = Widget(page).open()
    widget.button("Send a ticket").click()
    widget.field("Subject").fill("Lost receipt")
    widget.fill_ticket(email="kim@example.com", body="Once.")

    def lose_the_receipt(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v1/tickets", lose_the_receipt, times=1)
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_text(CANNOT_BE_REACHED).first).to_be_visible()
    widget.field("Description").fill("Once, in other words.")
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_text("Your ticket arrived as you first wrote it.").first).to_be_visible()
    widget.field("Description").fill("Once.")
    assert len(server.rows("SELECT * FROM tickets WHERE subject = 'Lost receipt'")) == 1
    expect(widget.field("Subject")).to_have_value("Lost receipt")


def test_a_double_click_sends_one_ticket(open_page: OpenPage, server: HelpCentre, site: HostSite) -> None:
    widget = Widget(open_page(site.base)).open()
    widget.button("Send a ticket").click()
    widget.field("Subject").fill("Clicked twice in the widget")
    widget.fill_ticket(email="kim@example.com", body="Click, click.")
    widget.button("Send ticket").dblclick()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()
    assert len(server.rows("SELECT * FROM tickets WHERE subject = 'Clicked twice in the widget'")) == 1


def test_what_is_wrong_stands_at_the_field_and_every_word_stays(
    open_page: OpenPage, site: HostSite, watch: Watch
) -> None:
    watch.expected.append("422")
    widget = Widget(open_page(site.base)).open()
    widget.button("Send a ticket").click()
    widget.field("Subject").fill("A subject")
    widget.fill_ticket(email="nobody")
    widget.button("Send ticket").click()
    email, body = widget.field("Your e-mail address"), widget.field("Description")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description("Enter an e-mail address like name@example.com.")
    expect(body).to_have_accessible_description(re.compile("Describe what happened, so that we can help.$"))
    expect(widget.announced).to_have_text("2 things need a change")
    expect(email).to_have_value("nobody")
    expect(widget.field("Subject")).to_have_value("A subject")
    email.press_sequentially("@example.com")
    expect(email).not_to_have_attribute("aria-invalid", "true")


def test_a_question_that_is_too_long_is_kept_and_told_at_the_field(
    open_page: OpenPage, site: HostSite, watch: Watch
) -> None:
    watch.expected.append("422")
    widget = Widget(open_page(site.base)).open()
    text = "My computer is slow. " * 200
    widget.ask(text)
    expect(widget.question).to_have_accessible_description(re.compile("at most 2,000 are read. Shorten it.$"))
    expect(widget.question).to_have_value(text)
    widget.button("Send a ticket").click()
    expect(widget.field("Description")).to_have_value(text.strip())
    expect(widget.field("Subject")).to_have_value(re.compile("^My computer is slow.*…$"))


def test_an_empty_question_asks_nothing_of_the_server(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(site.base)
    widget = Widget(page).open()
    expect(widget.question).to_be_focused()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    widget.ask("  ")
    expect(widget.question).to_be_focused()
    expect(widget.question).to_have_accessible_description(re.compile("Type a question, in your own words.$"))
    assert not [address for address in asked if address.endswith("/ask")]


def test_a_site_the_help_centre_does_not_know_is_told_kindly_with_a_way_to_a_person(
    open_page: OpenPage, server: HelpCentre, stranger: HostSite, watch: Watch
) -> None:
    watch.expected += ["blocked by CORS policy", "net::ERR_FAILED"]
    page = open_page(stranger.base + "/polish")
    widget = Widget(page, "Pomoc").open()
    notice = widget.panel.locator(".notice")
    expect(notice).to_contain_text("Nie można teraz połączyć się z centrum pomocy z tej strony.")
    expect(widget.announced).to_contain_text("Nie można teraz połączyć się")
    expect(notice.get_by_role("link", name="Otwórz stronę zgłoszeń")).to_have_attribute(
        "href", f"{server.base}/ticket?lang=pl"
    )
    widget.button("Spróbuj ponownie").click()
    expect(widget.panel).to_be_focused()
    expect(widget.button("Spróbuj ponownie")).to_be_visible()
    page.keyboard.press("Escape")
    expect(widget.launcher).to_be_focused()


def test_a_help_centre_that_goes_down_is_told_kindly_and_no_word_is_lost(
    open_page: OpenPage, tmp_path: Path, watch: Watch
) -> None:
    watch.expected.append("net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)")
    data = build_site(tmp_path, {"en/vpn.md": "# Connect to the VPN\n\nOpen the VPN client and select Connect.\n"})
    with host_site({"/": PAGES["/"]}) as site, help_centre(data, tmp_path, site.base) as going_down:
        site.help_centre = going_down.base
        watch.origins |= {site.base, going_down.base}
        widget = Widget(open_page(site.base)).open()
        widget.button("Send a ticket").click()
        widget.field("Subject").fill("Half-way")
        widget.fill_ticket(email="kim@example.com", body="Typed with care.")
        going_down.stop()
        widget.button("Send ticket").click()
        _expect_excuse(widget, going_down.base, "Half-way")
        expect(widget.field("Description")).to_have_value("Typed with care.")
        widget.button("Back to your question").click()
        widget.ask("I forgot my password")
        _expect_excuse(widget, going_down.base, "I+forgot+my+password")
        widget.button("Close").click()
        widget.open()
        expect(widget.question).to_have_value("I forgot my password")
        widget.button("Send a ticket").click()
        expect(widget.field("Description")).to_have_value("Typed with care.")


def _expect_excuse(widget: Widget, base: str, subject: str) -> None:
    excuse = widget.panel.locator(".notice:visible")
    expect(excuse).to_contain_text(f"{CANNOT_BE_REACHED} {KEPT}")
    expect(excuse.get_by_role("link", name="Open the ticket page")).to_have_attribute(
        "href", f"{base}/ticket?subject={subject}&lang=en"
    )
    expect(widget.announced).to_contain_text(CANNOT_BE_REACHED)
