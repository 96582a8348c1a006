"""The report of an evaluation in a browser, opened as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import DESKTOP, PHONE
from tests.web.test_evaluation_report import ABOUT, HOSTILE, evaluation, outcome
from web.evaluation_report import render

LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 6


@pytest.mark.browser
@pytest.mark.parametrize(
    "viewport", [PHONE, DESKTOP, {"width": 320, "height": 640}], ids=["phone", "desktop", "narrow"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_its_window_and_stays_quiet(
    browser: Browser, tmp_path: Path, viewport: dict[str, int], scheme: str
) -> None:
    file = tmp_path / "report.html"
    outcomes = [outcome(str(n), f"{LONG} {HOSTILE}", {LONG}, "a" * 200, confidence=n / 40) for n in range(40)]
    file.write_text(render(evaluation(*outcomes), ABOUT), encoding="utf-8")
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen.append(request.url))
    page.goto(file.as_uri())
    assert page.evaluate("document.scrollingElement.scrollWidth") == viewport["width"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 27)"
    )
    assert seen == [file.as_uri()]
    context.close()
