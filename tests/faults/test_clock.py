"""A clock that jumps: what it was wrong about is put right with it, and nothing waits for a time that was none."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.gaps.sql import SqlGapStore
from bot.outbox import LEASE, Letter, SqlOutbox
from bot.readership import Readership, SqlReadStore
from tests.bot.samples import NOON, after
from tests.people import accounts_over, somebody
from web.limits import Limits


def test_a_session_survives_a_clock_that_goes_back_and_comes_back_with_one_that_went_ahead(engine: sa.Engine) -> None:
    accounts = accounts_over(engine)
    accounts = replace(accounts, now=lambda: NOON)
    person = somebody(accounts, "agent")
    secret = accounts.start(person, "here")

    def known(**jump: float) -> bool:
        return replace(accounts, now=lambda: after(**jump)).of_session(secret) is not None

    assert known()
    assert known(days=-3)
    assert not known(days=3)
    assert known(minutes=1)


def test_a_lease_that_a_clock_ahead_gave_ends_when_the_clock_is_put_right(engine: sa.Engine) -> None:
    outbox = SqlOutbox(engine)
    letter = Letter("desk", "event", "key", "lane", "", {"text": "x"})
    outbox.post(letter, after(days=30))  # by a server whose clock is a month ahead, and which dies with it
    assert outbox.claim(["desk"], "dead", after(days=30)) is not None

    taken = outbox.claim(["desk"], "living", NOON)

    assert taken is not None
    assert outbox.claim(["desk"], "other", NOON) is None  # a lease of this clock counts
    outbox.deliver(taken, "living", "7", "", NOON)
    assert outbox.counts()["delivered"] == 1
    assert outbox.claim(["desk"], "other", NOON + LEASE) is None


def test_gaps_are_gathered_again_once_a_clock_that_was_ahead_is_put_right(engine: sa.Engine) -> None:
    gaps = SqlGapStore(engine)
    assert gaps.claim("dead", after(days=30))

    assert gaps.claim("living", NOON)
    assert not gaps.claim("other", NOON)


def test_reads_are_written_though_the_clock_was_put_back(engine: sa.Engine) -> None:
    clock = [after(days=30)]
    readership = Readership(SqlReadStore(engine), lambda: clock[0])
    readership.refresh()
    clock[0] = NOON
    readership.count("vpn")

    readership.refresh()

    assert SqlReadStore(engine).most_read((NOON - timedelta(days=1)).date(), 9) == [("vpn", 1)]


def test_a_visitor_is_not_kept_out_for_as_long_as_the_clock_was_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    real, jump = time.time, [86_400.0]
    monkeypatch.setattr("time.time", lambda: real() + jump[0])
    limits = Limits({"tickets": "1/hour"})
    assert limits.wait("tickets", "192.0.2.1", "visit") == 0
    assert limits.wait("tickets", "192.0.2.1", "visit") > 3_000

    jump[0] = 0.0

    assert limits.wait("tickets", "192.0.2.1", "visit") == 0
    assert 0 < limits.wait("tickets", "192.0.2.1", "visit") <= 3_600
