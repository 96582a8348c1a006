"""An author writes: the open page follows the file, with its answers and its mistakes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, ViewportSize, expect

from tests.browser.axe import violations
from tests.browser.conftest import DESKTOP, Watch
from tests.web.preview.desk import served, settings
from tests.web.site import ARTICLES

pytestmark = pytest.mark.browser

_NARROWEST = {"width": 320, "height": 568}
_VPN = "en/network/vpn.md"
#: So many times in a row news may come while a page is looked into.
_LOADED_ANEW = 5
_TALL = "\n\n".join(f"Paragraph {number} of a long article." for number in range(40))


def test_the_open_page_follows_the_file_its_answers_and_its_mistakes(browser: Browser, tmp_path: Path) -> None:
    made = settings(tmp_path, {**ARTICLES, _VPN: f"{ARTICLES[_VPN]}\n{_TALL}\n"})
    file, text = made.articles / _VPN, (made.articles / _VPN).read_text()
    with closing(browser.new_context(viewport=DESKTOP, reduced_motion="reduce")) as context, served(made) as base:
        watch = Watch({base})
        context.on("request", watch.request)
        context.on("console", watch.console)
        context.on("weberror", lambda found: watch.error(found.error))
        page = context.new_page()
        page.goto(f"{base}/en/articles/vpn")
        bar = page.get_by_role("region", name="Preview", exact=True)
        expect(bar.get_by_text("answered as before")).to_be_visible()

        page.get_by_text("Paragraph 29 of a long article").scroll_into_view_if_needed()
        file.write_text(text.replace("Paragraph 9 ", "Quokka 9 "))
        expect(page.get_by_text("Quokka 9 of a long article")).to_be_visible()
        expect(page.get_by_text("Paragraph 29 of a long article")).to_be_in_viewport()  # what is read stays in view

        file.write_text(text.replace("questions: [", "questions: [where is the quokka, "))
        bar.get_by_text("1 of its questions is answered in another way").wait_for()
        expect(bar.get_by_role("row", name="where is the quokka").get_by_text("changed")).to_be_visible()

        file.write_text(f"{text}\n\n## The end\n\nA quokka says goodbye.\n")
        expect(page.get_by_text("A quokka says goodbye.")).to_be_in_viewport()

        file.write_text(text.replace("title:", "title: ["))
        expect(bar.get_by_role("alert")).to_contain_text(f"{_VPN}:4")
        _look_into(page)
        bar.get_by_role("link", name="found").click()
        expect(page.get_by_role("main")).to_contain_text(f"{_VPN}:4")
        page.get_by_label("Question", exact=True).fill("where is the quokka")
        page.get_by_role("button", name="Watch").click()
        expect(page.get_by_role("row", name="where is the quokka")).to_be_visible()
        _look_into(page)
        file.write_text(text)
        expect(page.get_by_role("main")).not_to_contain_text(f"{_VPN}:4")

        bar.get_by_role("button", name="An agent").click()
        expect(page.get_by_role("button", name="An agent", pressed=True)).to_be_visible()
        assert watch.unexpected() == []


def _look_into(page: Page) -> None:
    """With axe, in any colours, on a small phone and on a desktop.

    Where something new comes meanwhile the page is loaded anew, and looked into once more.
    """
    for viewport in (_NARROWEST, DESKTOP):
        for attempt in range(_LOADED_ANEW):
            try:
                _look_once(page, viewport)
                break
            except Error as error:
                if "navigation" not in error.message or attempt == _LOADED_ANEW - 1:
                    raise
                page.wait_for_load_state()


def _look_once(page: Page, viewport: ViewportSize) -> None:
    page.set_viewport_size(viewport)
    assert page.evaluate("document.scrollingElement.scrollWidth") == viewport["width"]
    page.emulate_media(color_scheme="light")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, only_colours=True) == []
