"""Reading an article: where the reader is, what can be copied, and saying that it did not help."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.help_centre import HelpCentre

pytestmark = pytest.mark.browser

ARTICLE = "frozen-computer"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_an_article_shows_where_the_reader_is_gives_addresses_and_code_and_hears_a_no(
    open_page: OpenPage, server: HelpCentre, phone: bool
) -> None:
    session = {"name": "firstline_session", "value": f"reader-of-an-article-{phone}", "url": server.base}
    page = open_page(f"/en/articles/{ARTICLE}", phone=phone, before=lambda page: page.context.add_cookies([session]))
    contents = page.get_by_role("navigation", name="On this page")
    contents.get_by_role("link").nth(2).click()
    expect(contents.locator("[aria-current=true]")).to_have_text(contents.get_by_role("link").nth(2).inner_text())

    heading = page.get_by_role("article").get_by_role("heading").nth(2)
    copied = page.locator("#fl-copied")
    page.get_by_role("link", name=f"Copy the link to “{heading.inner_text()}”").press("Enter")
    expect(copied).to_have_text("Copied")
    assert page.url.endswith(f"#{heading.get_attribute('id')}")
    expect(copied).to_have_text("")
    page.get_by_role("button", name="Copy this code").first.click()
    expect(copied).to_have_text("Copied")

    helpful = page.get_by_role("region", name="Was this article helpful?")
    helpful.get_by_role("button", name="No").click()
    sorry = page.get_by_role("region", name="Sorry that this did not help")
    expect(sorry).to_be_focused()
    expect(sorry).to_be_in_viewport()
    sorry.get_by_label("A step is missing or wrong").check()
    sorry.get_by_label("What should we change?").fill("Step 2 is gone.")
    sorry.get_by_role("button", name="Send to the authors").click()
    page.get_by_role("region", name="Thank you").get_by_role("link", name="Send a ticket").click()
    assert f"declined={ARTICLE}" in page.url
    kept = server.rows("SELECT helpful, reason, comment FROM article_feedback WHERE session = ?", session["value"])
    assert kept == [{"helpful": 0, "reason": "wrong", "comment": "Step 2 is gone."}]


def test_that_a_link_was_copied_is_told_within_the_smallest_phone(open_page: OpenPage) -> None:
    narrow = {"width": 320, "height": 568}
    page = open_page("/en/articles/vpn-connect", viewport=narrow)
    anchors = page.get_by_role("article").get_by_role("link", name="Copy the link to")
    for anchor in anchors.all():
        anchor.click()
        expect(anchor).to_have_attribute("data-said", "Copied")
        assert page.evaluate("document.scrollingElement.scrollWidth") == narrow["width"]
