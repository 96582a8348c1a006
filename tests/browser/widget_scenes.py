"""States of the widget, on somebody else's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playwright.sync_api import Page, expect

from tests.browser.scenes import ANSWERED, CLOSE, SUGGESTED, UNKNOWN, Scene
from tests.browser.widget_page import Widget


def on(base: str, scene: Callable[[Widget], None]) -> Scene:
    """A scene of the widget on somebody else's page."""

    def show(page: Page) -> None:
        page.goto(base)
        scene(Widget(page))

    return show


def _asked(question: str) -> Callable[[Widget], None]:
    def show(widget: Widget) -> None:
        widget.open().ask(question)
        expect(widget.panel.locator(".choice")).to_be_visible()

    return show


def _w_loading(widget: Widget) -> None:
    expect(widget.open().question).to_be_visible()
    widget.page.evaluate("() => { window.fetch = () => new Promise(() => {}); }")
    widget.ask(ANSWERED)
    expect(widget.panel.locator(".bars")).to_be_visible()


def _w_did_not_help(widget: Widget) -> None:
    _asked("I cannot connect a second screen")(widget)
    widget.button("It did not help").click()


def _w_solved(widget: Widget) -> None:
    _asked(ANSWERED)(widget)
    widget.button("This solved it").click()


def _w_ticket(widget: Widget) -> None:
    _asked(UNKNOWN)(widget)
    widget.button("Send a ticket").click()


def _w_errors(widget: Widget) -> None:
    _w_ticket(widget)
    widget.fill_ticket(email="nobody")
    widget.button("Send ticket").click()
    expect(widget.panel.locator(".error:visible").first).to_be_visible()


def _w_sent(widget: Widget) -> None:
    _w_ticket(widget)
    widget.fill_ticket(email="kim@example.com", body="For the whole team.")
    widget.button("Send ticket").click()
    expect(widget.panel.get_by_role("heading", name="is sent")).to_be_visible()


def _w_opening(widget: Widget) -> None:
    widget.page.evaluate("() => { window.fetch = () => new Promise(() => {}); }")
    expect(widget.open().panel.locator(".bars")).to_be_visible()


def _w_unreachable(widget: Widget) -> None:
    widget.page.route("**/api/v1/widget*", lambda route: route.abort())
    expect(widget.open().panel.locator(".notice")).to_be_visible()


def _w_article(widget: Widget) -> None:
    _asked(ANSWERED)(widget)
    widget.panel.get_by_role("link", name="Read the whole article").click()
    expect(widget.panel.get_by_role("link", name="Open this article")).to_be_visible()


def _w_rated(widget: Widget) -> None:
    widget.page.route("**/feedback", lambda route: route.fulfill(status=204))
    widget.page.evaluate("() => firstline.open({ article: 'reset-password' })")
    widget.button("No").click()
    expect(widget.button("Send comment")).to_be_visible()


def _w_follow_up(widget: Widget) -> None:
    _asked(SUGGESTED)(widget)
    widget.ask(ANSWERED)
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()


def _w_inline(widget: Widget) -> None:
    widget.page.goto(f"{widget.page.url}inline")
    expect(widget.page.get_by_role("region", name="Ask here").get_by_role("listitem").first).to_be_visible()


def _w_down(widget: Widget) -> None:
    widget.page.route("**/api/v1/ask", lambda route: route.abort())
    widget.open().ask(ANSWERED)
    expect(widget.panel.locator(".notice")).to_be_visible()


WIDGET: Mapping[str, Callable[[Widget], None]] = {
    "widget-closed": lambda widget: expect(widget.launcher).to_be_visible(),
    "widget-open": lambda widget: expect(widget.open().panel.get_by_role("listitem").first).to_be_visible(),
    "widget-loading": _w_loading,
    "widget-answer": _asked(ANSWERED),
    "widget-picture": _asked("What do the OneDrive icons mean?"),
    "widget-suggestions": _asked(SUGGESTED),
    "widget-close": _asked(CLOSE),
    "widget-unknown": _asked(UNKNOWN),
    "widget-did-not-help": _w_did_not_help,
    "widget-solved": _w_solved,
    "widget-ticket": _w_ticket,
    "widget-errors": _w_errors,
    "widget-sent": _w_sent,
    "widget-down": _w_down,
    "widget-opening": _w_opening,
    "widget-unreachable": _w_unreachable,
    "widget-article": _w_article,
    "widget-rated": _w_rated,
    "widget-follow-up": _w_follow_up,
    "widget-inline": _w_inline,
}
