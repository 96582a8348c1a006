"""Publications, as pictures are taken of them: what a server finds in its database, and the pages about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from bot.database import open_engine, sqlite_url
from bot.errors import Message
from bot.publishing.publication import Finding, Publication
from bot.publishing.store import SqlPublicationStore
from tests.bot.samples import NOON
from tests.browser.help_centre import sign_in

_FOUND = (
    Finding(
        "en/hardware/printer-paper-jam.md",
        2,
        "front-matter",
        "error",
        "not valid YAML (mapping values are not allowed in this context); found `title: Clear a jam: tray 2`.",
        'Put quotes around a value that contains `: `: `title: "a: b"`.',
    ),
    Finding(
        "en/accounts/account-locked.md",
        7,
        "stolen-question",
        "error",
        "“my account is locked” found this article, and finds en/accounts/unlock.md now, which is new.",
        "If en/accounts/unlock.md answers it better, move the question there. If not, reword what is new in it.",
    ),
    Finding("en/network/old-wifi.md", 0, "deleted-article", "warning", "The article “old-wifi” is gone.", ""),
    Finding("ops/runbook.md", 3, "secret", "error", "A key was pasted in.", "", ("ops",)),
)


def publications_in(database: Path) -> None:
    """Writes a history of publications whose last one went well, for a server started later."""
    engine = open_engine(sqlite_url(database))
    store = SqlPublicationStore(engine)
    told = (
        Publication(0, "webhook", NOON, state="published", commit="a1" * 20, subject="Say how to clear a paper jam"),
        Publication(
            0,
            "page",
            NOON + timedelta(hours=1),
            "Author",
            state="refused",
            commit="b2" * 20,
            subject="Unlock accounts without a call, and what to do where the second device is lost",
            reason=Message("Something in the articles has to be mended first."),
            findings=_FOUND,
            found=len(_FOUND),
        ),
        Publication(0, "pull", NOON + timedelta(hours=2), state="published", commit="c3" * 20, subject="Mend it"),
    )
    counts = {"articles": 97, "skipped": 2, "passages": 911, "embedded": 12, "seconds": 4.1}
    for row in told:
        store.keep(_ended(row, counts if row.state == "published" else {}))
    engine.dispose()


def _ended(row: Publication, counts: Mapping[str, float]) -> Publication:
    return replace(
        row, branch="main", ended=row.asked + timedelta(minutes=1), counts=counts, snapshot="0123456789abcdef"
    )


def _publishing(page: Page) -> None:
    sign_in(page, "author")
    page.goto("/authors/publishing")
    expect(page.get_by_role("heading", name="What readers see")).to_be_visible()


def _publication(page: Page) -> None:
    _publishing(page)
    page.get_by_role("row", name="Unlock accounts").get_by_role("link").click()
    expect(page.get_by_text("1 more is about an article that you may not read.")).to_be_visible()


PUBLISHING: Mapping[str, Callable[[Page], None]] = {"publishing": _publishing, "publication": _publication}
