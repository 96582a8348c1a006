"""The application over a small knowledge base with the fake encoder, and a real SQLite database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import Index, Write
from tests.people import accounts_over, database_with
from web.app import create_app
from web.desk import open_desk
from web.settings import Settings

AUTHOR = "fl_author-token-for-tests"
AGENT = "fl_agent-token-for-tests"

ARTICLES = {
    "en/accounts/reset-password.md": """---
id: reset-password
title: Reset a forgotten password
questions: [I forgot my password, how do i reset my password]
redirect_from: [old-reset]
---
Reset it yourself in five minutes.

## Reset it yourself

1. Open the password page.
2. Choose a new password.
""",
    "pl/accounts/reset-password.md": """---
id: reset-password
title: Resetowanie zapomnianego hasła
questions: [zapomniałem hasła]
---
Hasło zresetujesz samodzielnie.
""",
    "en/network/vpn.md": """---
id: vpn
title: Connect to the VPN
questions: [how do I connect to the vpn]
---
Open the VPN client and select Connect.
""",
    "en/internal/verify.md": """---
id: verify-caller
title: Verify who is calling
audience: internal
questions: [how do I verify a caller]
---
Ask for the zanzibar word before you unlock anything.
""",
}


@pytest.fixture
def app_settings(write: Write, index: Index, data: Path) -> Settings:
    """Settings of an indexed small desk, in whose database an author and an agent have the tokens AUTHOR and AGENT."""
    index(write(ARTICLES))
    database_with(data / "firstline.db", {AUTHOR: "author", AGENT: "agent"})
    return Settings(data=data, widget_origins=("https://shop.example",))


@pytest.fixture
def client(app_settings: Settings) -> Iterator[TestClient]:
    desk, engine = open_desk(app_settings)
    with TestClient(create_app(app_settings, desk, engine, accounts_over(engine)), follow_redirects=False) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ticket(**given: Any) -> dict[str, Any]:
    return {"subject": "Printer", "body": "It is on fire.", "email": "ann@example.com", **given}
