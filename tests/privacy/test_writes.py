"""Wherever something is written: as typed only where docs/data.md says so, which is a person's own ticket."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bot.stored import tables
from bot.tables import metadata
from tests.privacy.test_erase import visit
from tests.web.site import AGENT, ARTICLES, AUTHOR, open_site

#: One of each kind, in words that somebody may type anywhere.
SECRETS = (
    "leak.me@person.example",
    "+48 601 234 567",
    "Hunter#2024",
    "482913",
    "DE89370400440532013000",
    "81.143.22.107",
)
SAID = (
    f"write to {SECRETS[0]} or {SECRETS[1]}, my password is {SECRETS[2]}, the verification code {SECRETS[3]}, "
    f"account {SECRETS[4]} from {SECRETS[5]}"
)


def test_personal_data_is_stored_as_typed_only_where_the_documentation_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "desk@help.example"}
    with open_site(tmp_path, ARTICLES, **given) as site:
        ticket = visit(site, "anna@example.com", "anna", SAID)
        agent, author = ({"Authorization": f"Bearer {token}"} for token in (AGENT, AUTHOR))
        client = site.client
        flag = {"kind": "wrong", "comment": SAID}
        assert client.post("/api/v1/articles/vpn/flags", json=flag, headers=agent).status_code < 300
        assert client.get("/api/v1/typeahead", params={"q": SAID[:90]}).status_code == 200
        assert client.get("/search", params={"q": SAID}).status_code == 200
        assert client.get(f"/api/v1/tickets/{ticket}/suggestions", headers=agent).status_code == 200
        site.app.state.gaps.refresh(None)
        (gap, *_) = client.get("/api/v1/gaps", headers=author).json()["gaps"]
        closed = client.post(f"/api/v1/gaps/{gap['id']}/wont-do", json={"reason": SAID}, headers=author)
        assert closed.status_code == 200
        site.app.state.reports.rollup.refresh(60)
        raw: dict[tuple[str, str], list[str]] = {}
        seen = 0
        with site.app.state.engine.connect() as connection:
            for name, table in metadata.tables.items():
                for row in connection.execute(table.select()):
                    for column, value in row._mapping.items():
                        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                        seen += "[password]" in text
                        if found := [secret for secret in SECRETS if secret in text]:
                            raw[name, str(column)] = found
    allowed = {
        (table.name, field.name) for table in tables().values() for field in table.fields if field.personal == "words"
    }
    assert set(raw) - allowed == set()
    assert set(raw) == {("tickets", "subject"), ("tickets", "body"), ("ticket_messages", "text"), ("outbox", "payload")}
    assert seen >= 10
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]  # the client's
    assert [line for line in logged if any(one in line for one in SECRETS)] == []
    beside = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and "firstline.db" not in path.name]
    assert [path for path in beside if any(one.encode() in path.read_bytes() for one in SECRETS)] == []
