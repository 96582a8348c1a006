"""The panel in the frame of another desk, on another site: signed in on its own, and what it tells that desk."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, Watch, elsewhere
from tests.browser.help_centre import HelpCentre
from tests.browser.host_site import HostSite
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


def test_an_agent_of_another_desk_copies_an_answer_and_says_what_solved_it(
    open_page: OpenPage, server: HelpCentre, site: HostSite, watch: Watch
) -> None:
    desk = elsewhere(site)
    watch.origins.add(desk)
    page = open_page(f"{desk}/desk")
    panel = page.frame_locator("iframe")
    panel.get_by_label("Your e-mail address").fill("agent@example.com")
    panel.get_by_label("Password").fill(PASSWORD)
    panel.get_by_label("Password").press("Enter")

    panel.get_by_role("button", name="Copy the link").first.click()
    expect(panel.get_by_role("status").filter(has_text="Copied. Paste it into your reply.")).to_be_visible()
    panel.get_by_role("button", name="This article solved it").first.click()
    expect(panel.get_by_role("status").filter(has_text="Learned:")).to_be_focused()
    panel.get_by_role("button", name="Undo").click()
    expect(panel.get_by_role("status").filter(has_text="Taken back.")).to_be_focused()

    name, article = "The VPN does not connect or drops", "vpn-fails"
    link = f"{server.base}/en/articles/{article}"
    copied = {"kind": "link", "text": f"{name}: {link}", "url": link, "article": article, "lang": "en"}
    assert page.evaluate("window.told") == [
        {"source": "firstline", **told}
        for told in (
            {"type": "ready"},
            {"type": "insert", **copied},
            {"type": "solved", "article": article},
            {"type": "undo", "article": ""},
        )
    ]
    assert server.rows("SELECT id FROM learned WHERE text LIKE '%pangolin%'") == []
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "__Secure-firstline_panel"]
    assert (cookie["path"], cookie["sameSite"], cookie["httpOnly"], cookie["secure"]) == (
        "/agent/panel",
        "None",
        True,
        True,
    )
