"""Every page and every state of the widget: axe-core in light and dark, narrow and wide; and the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import violations
from tests.browser.conftest import DESKTOP, Watch
from tests.browser.help_centre import HelpCentre, help_centre
from tests.browser.host_site import HostSite, host_site
from tests.browser.publishing_scenes import publications_in
from tests.browser.report_scenes import spike_in
from tests.browser.scenes import PAGES, Scene, ask_before
from tests.browser.widget_scenes import WIDGET, on

pytestmark = pytest.mark.browser

NARROWEST = {"width": 320, "height": 568}
#: What the browser logs where a page, or the network, fails on purpose.
_TOLD: Mapping[str, str] = {
    "sign-in-wrong": "422",
    "not-found": "404",
    "ticket-errors": "422",
    "panel-flag": "422",
    "panel-sign-in": "403",
    "inbox-conflict": "409",
    "forbidden": "403",
    "widget-errors": "422",
    "widget-down": "ERR_FAILED",
    "widget-unreachable": "ERR_FAILED",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A help centre of its own, since scenes leave questions and tickets behind, and a site that shows its widget."""

    server: HelpCentre
    site: HostSite


@pytest.fixture(scope="module")
def shown(browser: Browser, own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("shown")
    with host_site() as site, help_centre(own_data, folder, site.base, site.handoff) as server:
        site.help_centre = server.base
        context = browser.new_context(base_url=server.base)
        ask_before(context.request)
        publications_in(server.database)
        spike_in(server.database)
        context.close()
        yield Shown(server, site)


@pytest.fixture
def scene(request: pytest.FixtureRequest, shown: Shown, watch: Watch) -> Scene:
    """The scene a test is parametrised with."""
    watch.origins |= {shown.server.base, shown.site.base}
    watch.expected.append(_TOLD.get(request.param, "^$"))
    return PAGES[request.param] if request.param in PAGES else on(shown.site.base, WIDGET[request.param])


@pytest.fixture(scope="module")
def tab(browser: Browser, shown: Shown) -> Iterator[Page]:
    """One page for all scenes: in a new one Chromium reads and compiles axe and our scripts again, a third of the time
    of a scene.
    """
    context = browser.new_context(base_url=shown.server.base, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page, shown: Shown, watch: Watch) -> Iterator[Page]:
    """The page of all scenes, which remembers nothing of the one before."""
    watch.begin(tab.context)
    yield tab
    watch.end(tab.context)
    tab.unroute_all()
    tab.evaluate("sessionStorage.clear()")  # of the site that shows the widget
    tab.goto("/healthz")  # what was typed is kept when a page is left, so that no page of ours may be open
    tab.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    tab.context.clear_cookies()
    assert watch.unexpected() == []


@pytest.mark.parametrize("scene", [*PAGES, *WIDGET], indirect=True)
def test_axe_finds_nothing_in_any_colours_and_no_page_is_wider_than_a_small_phone(
    scene: Scene, page: Page, shown: Shown
) -> None:
    page.set_viewport_size(NARROWEST)
    page.emulate_media(color_scheme="light")
    scene(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") == NARROWEST["width"]
    within = "firstline-widget" if page.url.startswith(shown.site.base) else None
    if page.locator(".menu details[open]").count():
        within = ".menu"  # what an open menu lies over can be pressed once it is closed
    found: list[str] = []
    for viewport in (NARROWEST, DESKTOP):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme="light")
        found += violations(page, within)
        page.emulate_media(color_scheme="dark")
        found += violations(page, within, only_colours=True)
    assert found == []


#: Notes what gets the focus, and whether people see it: a ring, on something that is in the window. A move within a
#: shadow tree is told there alone, one into it twice.
_NOTE = """() => {
    window.walked = []
    const note = (event) => {
        const element = event.composedPath()[0]
        const style = getComputedStyle(element), box = element.getBoundingClientRect()
        const ring = style.outlineStyle === "auto"  // that of the browser
            || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
        const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
            && box.right > 0 && box.left < innerWidth
        if (walked.at(-1)?.[0] !== element) walked.push([element, ring && inside])
    }
    addEventListener("focusin", note)
    for (const element of document.querySelectorAll("*")) element.shadowRoot?.addEventListener("focusin", note)
}"""
#: Everything that can be reached, in the order of the document; of a group of radio buttons one is.
_REACHABLE = """() => {
    const found = [], groups = new Set()
    const walk = (root) => {
        for (const element of root.querySelectorAll("*")) {
            const style = getComputedStyle(element)
            const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY)
                && (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight)
                && !element.querySelector("a[href], button, input, summary, [tabindex]")
            const group = element.type === "radio" && (element.form?.id ?? "") + element.name
            if ((element.tabIndex >= 0 || scrolls) && !element.disabled && element.tagName !== "DIALOG"
                && element.checkVisibility({visibilityProperty: true}) && !groups.has(group)) {
                found.push(element)
                if (group) groups.add(group)
            }
            if (element.shadowRoot) walk(element.shadowRoot)
        }
    }
    walk(document)
    return found
}"""
_COMPARED = f"""() => {{
    const name = (element) => element.tagName + " " + (element.innerText || element.name || element.id).slice(0, 40)
    const reachable = ({_REACHABLE})()
    return {{
        reachable: reachable.map(name),
        order: walked.slice(0, reachable.length).map(([element]) => reachable.indexOf(element)),
        unseen: walked.filter(([, seen]) => !seen).map(([element]) => name(element)),
    }}
}}"""


@pytest.mark.parametrize(
    "scene",
    [
        "home",
        "article",
        "search-suggestions",
        "ticket-errors",
        "authors",
        "inbox",
        "inbox-ticket",
        "widget-open",
        "widget-answer",
        "widget-ticket",
    ],
    indirect=True,
)
def test_tab_reaches_every_link_and_control_once_in_order_and_the_focus_is_seen(scene: Scene, page: Page) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    scene(page)
    count = len(page.evaluate(f"() => ({_REACHABLE})().map(() => 0)"))
    page.evaluate(_NOTE)
    for _ in range(count + 1):  # once around, with one step outside of the page
        page.keyboard.press("Tab")
    compared = page.evaluate(_COMPARED)
    first = compared["order"].index(0)  # it begins where the scene left the focus
    assert [*compared["order"][first:], *compared["order"][:first]] == list(range(count)), compared["reachable"]
    assert compared["unseen"] == []
