"""The widget and the page it stands on leave each other alone, whatever the page does."""

from __future__ import annotations

import gzip

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.help_centre import HelpCentre
from tests.browser.host_site import HostSite
from tests.browser.widget_page import Widget
from web.pages.widget import SCRIPTS, compact

pytestmark = pytest.mark.browser

LARGEST_DOWNLOAD_BYTES = 20_000
SMALLEST_TARGET_PX = 44
NARROWEST = {"width": 320, "height": 568}


def _colours(page: Page) -> list[str]:
    launcher = page.locator("firstline-widget .launcher")
    return list(launcher.evaluate("(node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]"))


@pytest.mark.parametrize("path", ["/hostile", "/nonce", "/trusted-types", "/isolated"])
def test_it_works_on_a_page_with(path: str, open_page: OpenPage, site: HostSite) -> None:
    widget = Widget(open_page(site.base + path))
    expect(widget.launcher).to_be_in_viewport(ratio=1)
    widget.open()
    expect(widget.panel).to_be_in_viewport(ratio=1)
    widget.ask("What do the OneDrive icons mean?")
    expect(widget.panel.get_by_role("heading", name="Get OneDrive to sync again")).to_be_visible()
    expect(widget.panel.get_by_role("table")).to_be_visible()
    picture = widget.panel.get_by_role("img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    box = widget.button("This solved it").bounding_box()
    assert box is not None
    assert box["height"] >= SMALLEST_TARGET_PX


def test_hostile_styles_change_nothing_of_its_looks(open_page: OpenPage, site: HostSite) -> None:
    quiet, hostile = Widget(open_page(site.base)), Widget(open_page(f"{site.base}/hostile"))
    looks = """(node) => ["fontSize", "fontFamily", "direction", "opacity", "backgroundColor"]
        .map((name) => getComputedStyle(node)[name])"""
    assert hostile.launcher.evaluate(looks) == quiet.launcher.evaluate(looks)
    assert hostile.launcher.bounding_box() == quiet.launcher.bounding_box()


def test_two_tags_make_one_widget(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(f"{site.base}/twice")
    expect(page.get_by_role("button", name="Help")).to_have_count(1)


def test_nothing_is_fetched_before_somebody_opens_it_and_then_it_suggests_for_the_page(
    open_page: OpenPage, server: HelpCentre, site: HostSite
) -> None:
    asked: list[str] = []
    page = open_page(site.base, before=lambda page: page.on("request", lambda request: asked.append(request.url)))
    widget = Widget(page)
    expect(widget.launcher).to_be_visible()
    assert asked == [f"{site.base}/", f"{server.base}/widget.js"]
    page.evaluate("() => (document.title = 'Connect to the VPN')")
    widget.open()
    expect(widget.question).to_be_focused()
    expect(widget.panel.get_by_role("heading", name="Articles for this page")).to_be_visible()
    expect(widget.panel.get_by_role("listitem").get_by_text("Connect to the VPN")).to_be_visible()
    page.evaluate("() => (history.pushState({}, '', '?printers'), (document.title = 'Printer jams'))")
    expect(widget.panel.get_by_role("listitem").get_by_text("printer").first).to_be_visible()
    page.evaluate("() => { document.querySelector('firstline-widget').remove(); history.pushState({}, '', '?next'); }")
    expect(widget.launcher).to_be_visible()  # a framework that builds the page anew does not lose it
    assert {address.partition("?")[0] for address in asked[2:]} == {
        f"{server.base}/widget-panel.js", f"{server.base}/api/v1/widget", f"{server.base}/api/v1/suggest"
    }  # fmt: skip
    assert server.rows("SELECT * FROM questions WHERE text LIKE '%Printer jams%'") == []


def test_the_keyboard_alone_is_enough(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(site.base)
    widget = Widget(page)
    expect(widget.launcher).to_have_attribute("aria-expanded", "false")
    widget.launcher.focus()
    page.keyboard.press("Enter")
    expect(widget.panel).to_be_visible()
    expect(widget.launcher).to_have_attribute("aria-expanded", "true")
    expect(widget.question).to_be_focused()
    page.keyboard.type("I forgot my password")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and it is Monday")
    expect(widget.question).to_have_value("I forgot my password\nand it is Monday")
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()
    expect(widget.launcher).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(widget.question).to_be_focused()
    expect(widget.question).to_have_value("I forgot my password\nand it is Monday")
    page.keyboard.press("Enter")
    expect(widget.announced).to_have_text("This article may help: Reset a forgotten password")
    expect(widget.question).to_be_focused()


def test_the_shortcuts_of_the_page_do_not_hear_what_is_typed_in_it(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(site.base)
    page.evaluate("""() => document.addEventListener("keydown", (event) => {
        if (event.key === "/") { event.preventDefault(); document.getElementById("acme").focus(); }
    })""")
    widget = Widget(page).open()
    expect(widget.question).to_be_focused()
    page.keyboard.type("and/or")
    expect(widget.question).to_have_value("and/or")
    expect(widget.question).to_be_focused()


def test_on_a_phone_it_covers_the_page_and_gives_it_back(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(site.base, phone=True)
    widget = Widget(page)
    widget.launcher.tap()
    assert widget.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(page.get_by_label("Search Acme")).not_to_be_focused()
    widget.ask("I forgot my password")
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_in_viewport()
    expect(widget.question).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()


def test_at_320_pixels_nothing_is_cut_off_and_everything_can_be_hit(open_page: OpenPage, site: HostSite) -> None:
    widget = Widget(open_page(site.base, phone=True, viewport=NARROWEST)).open()
    for question in ("printer", "What do the OneDrive icons mean?", "How long do I boil an egg?"):
        widget.ask(question)
        expect(widget.panel.locator(".choice")).to_be_visible()
        assert widget.panel.locator(".scroll").evaluate("(node) => node.scrollWidth - node.clientWidth") == 0
        for button in widget.panel.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= SMALLEST_TARGET_PX
            assert box["x"] + box["width"] <= NARROWEST["width"]


def test_the_colour_of_the_site_gets_a_text_colour_that_can_be_read_on_it(open_page: OpenPage, site: HostSite) -> None:
    assert _colours(open_page(f"{site.base}/orange")) == ["rgb(255, 136, 0)", "rgb(0, 0, 0)"]


def test_a_colour_that_is_none_is_not_used(open_page: OpenPage, site: HostSite) -> None:
    page = open_page(f"{site.base}/bad-colour")
    assert _colours(page) == _colours(open_page(site.base))


def test_without_storage_and_in_a_language_that_is_none_it_works_all_the_same(
    open_page: OpenPage, site: HostSite
) -> None:
    def forbid(page: Page) -> None:
        page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no'); } })")

    widget = Widget(open_page(f"{site.base}/unknown-language", before=forbid)).open()
    widget.ask("I forgot my password")
    expect(widget.panel.get_by_role("heading", name="Reset a forgotten password")).to_be_visible()


def test_questions_of_one_visit_share_a_session(open_page: OpenPage, server: HelpCentre, site: HostSite) -> None:
    page = open_page(site.base)
    for question in ("Which visit is this?", "Is it the same visit?"):
        widget = Widget(page).open()
        with page.expect_response("**/api/v1/ask"):
            widget.ask(question)
        page.reload()
    rows = server.rows(
        "SELECT DISTINCT session FROM questions WHERE text IN ('Which visit is this?', 'Is it the same visit?')"
    )
    assert [len(row["session"]) for row in rows] == [32]


def test_it_is_a_small_download() -> None:
    packed = [gzip.compress(compact(name).encode(), 6) for name in SCRIPTS]  # as the server sends them
    assert sum(map(len, packed)) <= LARGEST_DOWNLOAD_BYTES
