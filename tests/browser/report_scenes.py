"""A spike, as pictures are taken of it: what a server finds in its database, and the page about it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from bot.database import open_engine, sqlite_url
from bot.reports.spikes import Spike
from bot.tables import report_spikes
from tests.browser.help_centre import sign_in


def spike_in(database: Path) -> None:
    """Writes a spike of today that somebody has seen to, so that it stands above no other page."""
    now = datetime.now(UTC)
    spike = Spike(now.date(), "questions", "", 40, 12.5, 8, now, now + timedelta(hours=1), "Robin Smith", now)
    engine = open_engine(sqlite_url(database))
    with engine.begin() as connection:
        connection.execute(report_spikes.insert().values(asdict(spike)))
    engine.dispose()


def spike(page: Page) -> None:
    sign_in(page, "author")
    page.goto("/authors/reports")
    page.locator(".spikes a").first.click()
    expect(page.get_by_role("heading", name="What people asked")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
