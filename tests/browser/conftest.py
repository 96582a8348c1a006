"""A real server, somebody else's site, and a browser that watches every request and every console message."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    WebError,
    expect,
    sync_playwright,
)

from bot.decide import SUGGESTIONS, Policy, Suggest, decide
from kb.models import PUBLIC
from kb.search import Query, Searcher
from kb.snapshot import open_current
from tests.browser.help_centre import HelpCentre, help_centre
from tests.browser.host_site import HostSite, host_site
from web.pages.ticket import SUGGEST_FROM

#: Without windows where it is installed: a page then costs a quarter of the time, and is laid out and run the same.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

#: As many as look their question up in the database.
_CLOSE_QUESTIONS = 3

#: Opens a page in a context of its own: `open_page("/ticket", phone=True, java_script_enabled=False)`.
OpenPage = Callable[..., Page]

expect.set_options(timeout=10_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Without it these tests are skipped, but never in CI."""
    if not Path(CHROMIUM).exists():
        reason = f"No Chromium at {CHROMIUM}; on Debian: apt-get install chromium-headless-shell"
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
    framing = {"FIRSTLINE_PANEL_ORIGINS": elsewhere(site)}
    with help_centre(own_data, tmp_path_factory.mktemp("server"), site.base, framing) as running:
        site.help_centre = stranger.help_centre = running.base
        yield running


def elsewhere(site: HostSite) -> str:
    """The origin of a site under another name: a browser takes it for another site, not for another port of ours."""
    return site.base.replace("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Close:
    """A question for which two articles are so close that the person is asked; a third may help as well.

    `titles` and `ids` are those of the two, the likelier one first.
    """

    question: str
    titles: tuple[str, str]
    ids: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unsure:
    """A help centre where mistakes cost so much that it asks which of two articles is meant, a site it knows, and what
    to ask: which questions those are changes with every weight of the ranking.
    """

    server: HelpCentre
    site: HostSite
    questions: list[Close]


@pytest.fixture(scope="package")
def unsure_server(browser: Browser, own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unsure]:
    policy, questions = max(_close_questions(own_data), key=lambda pair: len(pair[1]))
    assert len(questions) >= _CLOSE_QUESTIONS
    costs = {"FIRSTLINE_COST_WRONG": str(policy.cost_wrong), "FIRSTLINE_COST_MISSED": str(policy.cost_missed)}
    with (
        host_site() as known,
        help_centre(own_data, tmp_path_factory.mktemp("unsure"), known.base, costs) as running,
    ):
        known.help_centre = running.base
        yield Unsure(running, known, questions)


@pytest.fixture
def unsure(unsure_server: Unsure, watch: Watch) -> Unsure:
    watch.origins |= {unsure_server.server.base, unsure_server.site.base}
    return unsure_server


def _close_questions(data: Path) -> Iterator[tuple[Policy, list[Close]]]:
    """For policies of all kinds, the pairs of words in titles and keywords that two articles answer."""
    searcher = Searcher(open_current(data))
    articles = [entry.article for entry in searcher.snapshot.entries if entry.article.lang == "en"]
    lines = [line.lower().split() for a in articles if a.audience == PUBLIC for line in (a.title, *a.keywords)]
    pairs = dict.fromkeys(" ".join(pair) for line in lines for pair in pairwise(line))
    rankings = {pair: searcher.rank(Query(pair, lang="en")) for pair in pairs if len(pair) >= SUGGEST_FROM}
    for share in range(20, 95, 5):
        policy = Policy(share, 100 - share)
        found: list[Close] = []
        for text, ranking in rankings.items():
            decision = decide(ranking, policy)
            if isinstance(decision, Suggest) and decision.between and len(decision.hits) == SUGGESTIONS:
                first, second = (searcher.entry(hit.article).article for hit in decision.between)
                found.append(Close(text, (first.title, second.title), (first.id, second.id)))
        yield policy, found


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

    def error(self, found: WebError) -> None:
        self.seen.append(f"uncaught error: {found.error}")

    def dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def begin(self, context: BrowserContext) -> None:
        for event, note in self._notes.items():
            context.on(event, note)

    def end(self, context: BrowserContext) -> None:
        for event, note in self._notes.items():
            context.remove_listener(event, note)

    @property
    def _notes(self) -> dict[Any, Callable[[Any], None]]:
        return {"request": self.request, "console": self.console, "weberror": self.error, "dialog": self.dialog}

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
        watch.begin(context)
        page = context.new_page()
        if before:
            before(page)
        page.goto(address)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert watch.unexpected() == []
