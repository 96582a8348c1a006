"""The panel beside a ticket, and what becomes of flags and solved tickets, as pictures are taken of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.browser.help_centre import AGENT_TOKEN, sign_in

_BEARER = {"Authorization": f"Bearer {AGENT_TOKEN}"}
_SUBJECT, _BODY = "Locked out after my holiday", "I forgot my password while I was away and now my account is locked."


def solved_ticket(page: Page, number: int = 0, article: str = "account-locked", text: str = "") -> str:
    """The id of a ticket that an agent solved; sent once, however often it is asked for."""
    key = {"Idempotency-Key": f"beside-scene-{number}"}
    sent = {"subject": "My account is locked after the weekend", "body": "Please open it.", "email": "kim@example.com"}
    ticket: str = page.request.post("/api/v1/tickets", data=sent, headers=key).json()["id"]
    told = {"article_id": article, "text": text or "Unlocked it by hand, and removed the old password from the phone."}
    page.request.post(f"/api/v1/tickets/{ticket}/resolution", data=told, headers=_BEARER)
    return ticket


def _panel(page: Page, subject: str = _SUBJECT, body: str = _BODY) -> None:
    sign_in(page, "agent")
    solved_ticket(page)
    page.request.post("/api/v1/articles/reset-password/flags", data={"kind": "outdated"}, headers=_BEARER)
    page.goto(f"/agent/panel?{urlencode({'subject': subject, 'body': body})}")
    expect(page.get_by_role("heading", name="Beside the ticket").last).to_be_visible()


def _panel_done(page: Page) -> None:
    _panel(page)
    page.get_by_role("button", name="This article solved it").first.click()
    expect(page.get_by_text("Learned:")).to_be_visible()


def _panel_flag(page: Page) -> None:
    _panel(page)
    page.get_by_text("Something is wrong with it").first.click()
    page.get_by_role("button", name="Tell those who keep it").first.click()
    expect(page.get_by_role("alert")).to_be_visible()


def _panel_internal(page: Page) -> None:
    _panel(page, "How do I check who is calling before I reset a password?", "")
    page.locator("li", has_text="Internal").get_by_role("button", name="Copy the steps").first.click()
    expect(page.get_by_role("button", name="Copy anyway").first).to_be_visible()


def _panel_look(page: Page) -> None:
    _panel(page)
    page.get_by_role("searchbox", name="Look for another article").fill("printer paper jam")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("listitem").filter(has_text="Clear a paper jam").first).to_be_visible()


def _panel_sign_in(page: Page) -> None:
    page.goto("/agent/panel?subject=printer")
    page.get_by_label("Your e-mail address").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _panel_empty(page: Page) -> None:
    sign_in(page, "agent")
    page.goto("/agent/panel")
    expect(page.get_by_role("heading", name="No ticket is open")).to_be_visible()


def _flags(page: Page) -> None:
    for article, kind, comment in (
        ("account-locked", "missing", "The step for shared phones is missing."),
        ("account-locked", "wrong", ""),
        ("vpn-connect", "outdated", "The client has a new name since May, its window looks different too."),
    ):
        sent = {"kind": kind, "comment": comment}
        page.request.post(f"/api/v1/articles/{article}/flags", data=sent, headers=_BEARER)
    sign_in(page, "author")
    page.goto("/authors/flags")
    expect(page.get_by_role("button", name="Done").first).to_be_visible()


def _draft(page: Page) -> None:
    sign_in(page, "agent")
    page.goto(f"/agent/tickets/{solved_ticket(page)}/draft")
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


BESIDE: Mapping[str, Callable[[Page], None]] = {
    "panel": _panel,
    "panel-done": _panel_done,
    "panel-flag": _panel_flag,
    "panel-internal": _panel_internal,
    "panel-look": _panel_look,
    "panel-sign-in": _panel_sign_in,
    "panel-empty": _panel_empty,
    "flags": _flags,
    "draft": _draft,
}
