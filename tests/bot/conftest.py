"""Help desks for tests: a small one of the fake encoder, and our own articles on the real one."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.decide import Policy
from bot.events import EventStore, MemoryEventStore, SqlEventStore
from bot.inbox import Inbox, SqlInbox
from bot.learning import LearningStore, MemoryLearningStore, SqlLearningStore
from bot.library import Library
from bot.memory_inbox import MemoryInbox
from bot.service import HelpDesk
from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from tests.bot.samples import NOON
from tests.conftest import CREATED

RESET_PASSWORD = """---
title: Reset a forgotten password
questions: [I forgot my password]
keywords: [login]
---
Reset it yourself in five minutes.

## Reset it yourself

1. Open the password page.
2. Type your address and select **Next**.

## If the page does not let you through

Call the help desk.
"""
ARTICLES = {
    "en/reset-password.md": RESET_PASSWORD,
    "pl/reset-password.md": "# Resetowanie zapomnianego hasła\n\nZresetuj hasło samodzielnie.\n",
    "en/paper-jam.md": "# Clear a paper jam\n\nOpen the printer and pull the paper out.\n",
    "en/slow-wifi.md": "# Slow Wi-Fi\n\nMove nearer to the access point.\n",
    "en/unlock-runbook.md": (
        "---\naudience: internal\nkeywords: [zephyrus]\nquestions: [who unlocks an account for a caller]\n---\n"
        "# Unlock runbook\n\nVerify the caller, then unlock the account in the zephyrus console.\n"
    ),
    "en/byod.md": "# BYOD\n\nAsk for travel approval first.\n",
    "pl/byod.md": "---\naudience: internal\n---\n# BYOD\n\nPoproś o zgodę na podróż.\n",
}


def make_desk(
    data: Path,
    events: EventStore | None = None,
    inbox: Inbox | None = None,
    learning: LearningStore | None = None,
    policy: Policy | None = None,
) -> HelpDesk:
    """A help desk at noon whose questions are called q1, q2 and so on."""
    numbers = count(1)
    forgetful = MemoryInbox()
    learning = learning or MemoryLearningStore()
    return HelpDesk(
        library=Library(data, learning),
        events=events or MemoryEventStore(forgetful.sent),
        inbox=inbox or forgetful,
        learning=learning,
        now=lambda: NOON,
        new_id=lambda: f"q{next(numbers)}",
        policy=policy or Policy(),
    )


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with ARTICLES, indexed by the fake encoder; read only."""
    folder = tmp_path_factory.mktemp("small")
    for name, text in ARTICLES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return folder / "data"


@pytest.fixture(scope="session")
def small_desk(small_data: Path) -> HelpDesk:
    """As `desk`, for tests that ask many questions and do not look at what is kept."""
    return make_desk(small_data)


@pytest.fixture
def desk(small_data: Path) -> HelpDesk:
    """Over ARTICLES, with events and tickets in memory."""
    return make_desk(small_data)


@pytest.fixture
def sql_desk(small_data: Path, engine: sa.Engine) -> HelpDesk:
    """Over ARTICLES, with events and tickets in a SQLite file."""
    ids = (f"ticket-{n}" for n in count(1))
    return make_desk(small_data, SqlEventStore(engine), SqlInbox(engine, ids.__next__), SqlLearningStore(engine))


@pytest.fixture(scope="session")
def own_desk(own_data: Path) -> HelpDesk:
    """Over our own articles, on the real encoder."""
    return make_desk(own_data)
