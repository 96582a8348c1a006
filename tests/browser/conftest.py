"""A real server, somebody else's site, and a browser that watches every request and every console message."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

from tests.browser.help_centre import HelpCentre, help_centre
from tests.browser.host_site import HostSite, host_site

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

#: Opens a page in a context of its own: `open_page("/ticket", phone=True, java_script_enabled=False)`.
OpenPage = Callable[..., Page]

expect.set_options(timeout=10_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Without it these tests are skipped, but never in CI."""
    if not Path(CHROMIUM).exists():
        reason = f"No Chromium at {CHROMIUM}; on Debian: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def site() -> Iterator[HostSite]:
    """A site that the help centre knows."""
    with host_site() as running:
        yield running


@pytest.fixture(scope="package")
def stranger() -> Iterator[HostSite]:
    """A site that the help centre does not know."""
    with host_site() as running:
        yield running


@pytest.fixture(scope="package")
def server(
    browser: Browser, own_data: Path, tmp_path_factory: pytest.TempPathFactory, site: HostSite, stranger: HostSite
) -> Iterator[HelpCentre]:
    """The help centre. `browser` comes first, so that nothing is started where there is none."""
    with help_centre(own_data, tmp_path_factory.mktemp("server"), site.base) as running:
        site.help_centre = stranger.help_centre = running.base
        yield running


@dataclass
class Watch:
    """What the browser saw that no page of ours may do. A test that means to see an error says so in `expected`."""

    origins: set[str]
    expected: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.seen.append(f"request to a foreign host: {request.url}")

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"console error: {message.text}")

    def error(self, error: object) -> None:
        self.seen.append(f"uncaught error: {error}")

    def dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def unexpected(self) -> list[str]:
        return [line for line in self.seen if not any(re.search(pattern, line) for pattern in self.expected)]


@pytest.fixture
def watch(server: HelpCentre, site: HostSite, stranger: HostSite) -> Watch:
    return Watch({server.base, site.base, stranger.base})


@pytest.fixture
def open_page(browser: Browser, server: HelpCentre, watch: Watch) -> Iterator[OpenPage]:
    """At the end no page may have asked a foreign host, logged an error, thrown, or opened a dialog."""
    contexts: list[BrowserContext] = []

    def _open(address: str, *, phone: bool = False, before: Callable[[Page], None] | None = None, **given: Any) -> Page:
        options: dict[str, Any] = {"viewport": PHONE if phone else DESKTOP, "has_touch": phone, "is_mobile": phone}
        context = browser.new_context(**{"base_url": server.base, "reduced_motion": "reduce", **options, **given})
        contexts.append(context)
        context.on("request", watch.request)
        context.on("console", watch.console)
        context.on("weberror", lambda found: watch.error(found.error))
        context.on("dialog", watch.dialog)
        page = context.new_page()
        if before:
            before(page)
        page.goto(address)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert watch.unexpected() == []
