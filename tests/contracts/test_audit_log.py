"""What every audit log does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.audit import AuditEntry, AuditLog, MemoryAuditLog, SqlAuditLog
from tests.bot.samples import NOON
from tests.databases import STORES, engine_of

IN = AuditEntry(NOON, "signed_in", "Łukasz@example.com", "Łukasz@example.com", "", "192.0.2.0/24")
MADE = AuditEntry(NOON + timedelta(minutes=1), "token_made", "anna@example.com", "zapier 100%", "tickets, 30 days")


@pytest.fixture(params=STORES)
def log(request: pytest.FixtureRequest) -> AuditLog:
    made: AuditLog
    made = MemoryAuditLog() if request.param == "memory" else SqlAuditLog(engine_of(request))
    made.write(IN)
    made.write(MADE)
    return made


def test_entries_come_back_as_they_were_written_the_newest_first(log: AuditLog) -> None:
    found = log.find()
    assert (found.total, found.rows) == (2, (MADE, IN))


def test_entries_are_found_by_what_was_done_and_by_whom(log: AuditLog) -> None:
    assert log.find(action="signed_in").rows == (IN,)
    assert log.find(text="łukasz").rows == (IN,)
    assert log.find(text="ZAPIER 100%").rows == (MADE,)
    assert log.find(text="10_%").rows == ()
    assert log.find(action="signed_in", text="anna").total == 0


def test_a_page_of_the_log_says_how_many_there_are(log: AuditLog) -> None:
    found = log.find(limit=1, offset=1)
    assert (found.total, found.rows) == (2, (IN,))
