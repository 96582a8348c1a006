"""The widget as part of a page: asked on, read in, called by the page, in its language, beside others of its kind."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import OpenPage, Watch
from tests.browser.help_centre import HelpCentre
from tests.browser.host_site import HostSite
from tests.browser.widget_page import Widget
from web.script_words import widget_words
from web.words import words

pytestmark = pytest.mark.browser

#: What the page may hear; kept by every page from its start.
_EVENTS = ["open", "close", "ask", "answer", "solved", "not-solved", "ticket", "article", "error"]
_LISTEN = f"""window.heard = [];
for (const type of {json.dumps(_EVENTS)})
    window.addEventListener(`firstline:${{type}}`, (event) => window.heard.push([type, event.detail]));"""


def _listen(page: Page) -> None:
    page.add_init_script(_LISTEN)


def _heard(page: Page) -> list[Any]:
    return list(page.evaluate("() => window.heard"))


def _told(requests: list[Request], path: str) -> list[Any]:
    return [request.post_data_json for request in requests if request.url.endswith(path)]


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_conversation_goes_on_and_its_articles_are_read_inside(
    phone: bool, open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    asked: list[Request] = []
    page = open_page(site.base, phone=phone, before=_listen)
    page.on("request", lambda request: asked.append(request))
    widget = Widget(page).open()
    widget.ask("I forgot my password")
    source = widget.panel.get_by_role("link", name="Read the whole article: Reset a forgotten password")
    source.click()
    heading = widget.panel.get_by_role("heading", name="Reset it yourself")
    expect(heading).to_be_focused()  # the part that answers; the page of its own is a link away
    full = widget.panel.get_by_role("link", name="Open this article in the help centre")
    expect(full).to_have_attribute("href", f"{server.base}/en/articles/reset-password")
    widget.button("Back").click()
    expect(source).to_be_focused()
    widget.button("Ask a follow-up question").click()
    more = widget.field("What else do you want to know?")
    expect(more).to_be_focused()
    expect(more).to_have_value("")
    more.fill("Which wine goes with pizza?")
    more.press("Enter")
    expect(widget.announced).to_contain_text("I don’t know this one yet")
    earlier = widget.panel.get_by_role("list", name="Earlier in this conversation").get_by_role("listitem")
    expect(earlier).to_have_text(["I forgot my passwordReset a forgotten password"])
    earlier.get_by_role("link", name="Reset a forgotten password").click()
    widget.button("Back").click()
    widget.button("Send a ticket").click()
    expect(widget.field("Subject")).to_have_value("Which wine goes with pizza?")
    first, then = _told(asked, "/ask")
    assert "after" not in first
    (question,) = server.rows("SELECT id FROM questions WHERE session = ? AND text LIKE '%password'", first["session"])
    assert (then["after"], then["session"]) == (question["id"], first["session"])
    kinds = [kind for kind, _ in _heard(page)]
    assert kinds == ["open", "ask", "answer", "article", "ask", "article"]
    assert "password" not in json.dumps([told for kind, told in _heard(page) if kind == "ask"])


def test_an_article_opened_by_itself_is_rated_and_what_is_wrong_with_it_told(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(f"{site.base}/?#help/reset-password", before=_listen)
    widget = Widget(page)
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_focused()
    helpful = widget.panel.get_by_role("group", name="Was this article helpful?")
    with page.expect_response("**/feedback"):
        helpful.get_by_role("button", name="No").click()
    expect(widget.panel.get_by_text("Thank you for telling us.")).to_be_focused()
    widget.panel.get_by_label("A step is missing or wrong").check()
    widget.field("What should be better?").fill("The picture is old.")
    with page.expect_response("**/feedback") as told:
        widget.button("Send comment").click()
    assert told.value.status == 204
    expect(widget.panel.get_by_text("Thank you for telling us.")).to_be_focused()
    expect(widget.button("Send comment")).to_be_hidden()
    (said,) = server.rows("SELECT * FROM article_feedback WHERE comment = 'The picture is old.'")
    assert (said["article_id"], said["lang"], said["helpful"]) == ("reset-password", "en", 0)
    assert (said["reason"], len(said["session"])) == ("wrong", 32)
    assert ["not-solved", {"articles": ["reset-password"]}] in _heard(page)


def test_a_comment_that_does_not_arrive_stays_and_is_told_so(
    open_page: OpenPage, server: HelpCentre, site: HostSite, watch: Watch
) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page(f"{site.base}/?#help/vpn-connect")
    widget = Widget(page)
    widget.panel.get_by_role("group", name="Was this article helpful?").get_by_role("button", name="No").click()
    comment = widget.field("What should be better?")
    comment.fill("The address is an old one.")
    page.route("**/feedback", lambda route: route.abort(), times=1)
    widget.button("Send comment").click()
    expect(widget.panel.locator(".notice")).to_contain_text("Your words are still here.")
    expect(widget.announced).to_contain_text("Your words are still here.")
    expect(comment).to_have_value("The address is an old one.")
    widget.button("Send comment").click()
    expect(widget.panel.get_by_text("Thank you for telling us.")).to_be_focused()
    assert len(server.rows("SELECT * FROM article_feedback WHERE comment = 'The address is an old one.'")) == 1


def test_what_is_typed_while_another_language_is_on_its_way_stays_and_the_last_language_wins(
    open_page: OpenPage, site: HostSite
) -> None:
    held: list[Route] = []
    page = open_page(site.base)
    widget = Widget(page).open()
    widget.question.fill("and")
    page.route("**/api/v1/widget*", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/v1/widget*"):
        page.evaluate("() => firstline.update({ lang: 'pl' })")
    widget.question.fill("and on my phone?")
    page.evaluate("() => firstline.update({ lang: 'de' })")
    held[0].continue_()
    question = widget.field(str(widget_words(words("de"), by_mail=False)["question"]))
    expect(question).to_be_focused()
    expect(question).to_have_value("and on my phone?")


def test_the_page_says_who_asks_and_about_what_and_only_the_agent_and_the_form_see_it(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    asked: list[Request] = []
    page = open_page(f"{site.base}/context", before=_listen)
    page.on("request", lambda request: asked.append(request))
    page.evaluate("""() => firstline.update({ product: "Ledger 5" })""")
    page.evaluate("""() => firstline.open({ subject: "Invoice", body: "It is wrong." })""")
    widget = Widget(page)
    expect(widget.panel.get_by_role("heading", name="Send a ticket")).to_be_focused()
    expect(widget.field("Your e-mail address")).to_have_value("kim@example.com")
    expect(widget.panel.get_by_text("Sent with your ticket:")).to_contain_text("Product: Ledger 5")
    assert not [request.url for request in asked if "kim" in request.url]
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_focused()
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = 'Invoice'")
    assert ticket["body"] == "It is wrong.\n\nProduct: Ledger 5\nDepartment: Accounts"
    assert ["ticket", {"number": ticket["number"]}] in _heard(page)
    assert "kim" not in json.dumps(_heard(page))


def test_it_speaks_the_page_s_language_and_changes_it_with_the_page(open_page: OpenPage, site: HostSite) -> None:
    said = widget_words(words("pl"), by_mail=False)
    page = open_page(f"{site.base}/polish")
    widget = Widget(page, "Pomoc").open()
    question = widget.field(str(said["question"]))
    expect(question).to_be_focused()
    question.fill("Zapomniałem hasła")
    question.press("Enter")
    expect(widget.panel.get_by_role("heading", name="Resetowanie zapomnianego hasła")).to_be_visible()
    question.fill("a na telefonie?")
    page.evaluate("() => firstline.update({ lang: 'en' })")
    widget = Widget(page)
    expect(widget.question).to_have_value("a na telefonie?")
    expect(widget.panel.get_by_role("heading", name="Resetowanie zapomnianego hasła")).to_be_visible()
    expect(widget.button("This solved it")).to_be_visible()


def test_button_and_panels_in_the_page_stand_side_by_side_and_links_lead_into_them(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    page = open_page(f"{site.base}/inline")
    first, second = (page.get_by_role("region", name=name) for name in ("Ask here", "Or here"))
    expect(page.locator("firstline-widget")).to_have_count(3)
    question = first.get_by_label("What do you need help with?")
    expect(question).to_be_visible()
    expect(question).not_to_be_focused()  # nobody asked for it
    for panel in (first, second):
        box = panel.bounding_box()
        assert box is not None
        assert box["height"] == 480
    before = page.locator("#below").bounding_box()
    question.fill("I forgot my password")
    question.press("Enter")
    expect(first.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()
    assert page.locator("#below").bounding_box() == before
    expect(second.get_by_role("heading", name="Reset a forgotten password")).to_have_count(0)

    widget = Widget(page)
    page.get_by_role("link", name="Account", exact=True).click()
    expect(widget.panel.get_by_role("heading", name="We found three articles that may help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_focused()
    page.get_by_role("link", name="Read about the VPN").click()
    expect(widget.panel.get_by_role("heading", name="Connect to the VPN")).to_be_focused()
    assert page.url == f"{site.base}/inline"

    page.evaluate("() => firstline.open({ subject: 'Queued', body: 'Told by the page.' })")
    widget.field("Your e-mail address").fill("kim@example.com")
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()
    (ticket,) = server.rows("SELECT * FROM tickets WHERE subject = 'Queued'")
    assert page.evaluate("() => window.number") == ticket["number"]


def test_the_script_is_cut_off_half_way_and_the_next_try_goes_well(
    open_page: OpenPage, server: HelpCentre, site: HostSite, watch: Watch
) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page(site.base, before=_listen)
    page.route(re.compile("widget-panel.js"), lambda route: route.abort(), times=1)
    widget = Widget(page).open()
    notice = widget.panel.locator(".notice")
    expect(notice).to_contain_text("The help centre cannot be reached from this page right now.")
    expect(notice.get_by_role("link", name="Open the ticket page")).to_have_attribute(
        "href", f"{server.base}/ticket?lang=en"
    )
    widget.button("Try again").click()
    expect(widget.question).to_be_focused()
    assert _heard(page)[1:] == [["error", {"reason": "unreachable"}]]
