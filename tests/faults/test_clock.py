"""A clock that jumps: what it was wrong about is put right with it, and nothing waits for a time that was none."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.clock import SharedClock
from bot.gaps.sql import SqlGapStore
from bot.outbox import LEASE, Letter, SqlOutbox
from bot.readership import Readership, SqlReadStore
from bot.shared.snapshots import SqlPlace
from kb import published
from kb.place import FolderPlace
from tests.bot.samples import NOON, after
from tests.contracts.test_place import make_snapshot
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


def _wrong(engine: sa.Engine, **by: float) -> SharedClock:
    """What a server takes for the time whose own clock is wrong by so much, once it has asked the database."""
    clock = SharedClock(engine, lambda: datetime.now(UTC) + timedelta(**by))
    clock.refresh()
    return clock


def test_a_server_whose_clock_is_wrong_neither_takes_over_what_another_one_is_at_nor_keeps_it(
    postgres_engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    outbox, gaps = SqlOutbox(postgres_engine), SqlGapStore(postgres_engine)
    right, ahead, behind = (_wrong(postgres_engine, minutes=by) for by in (0, 8, -8))
    outbox.post(Letter("desk", "event", "key", "lane", "", {"text": "x"}), right())
    assert outbox.claim(["desk"], "right", right())
    assert gaps.claim("right", right())

    assert outbox.claim(["desk"], "ahead", ahead()) is None
    assert not gaps.claim("ahead", ahead())
    assert abs(behind() - right()) < timedelta(seconds=5)
    said = [record.getMessage() for record in caplog.records if "machine's clock" in record.getMessage()]
    assert said == [
        "this machine's clock is 480 s ahead of the database's, which counts",
        "this machine's clock is 480 s behind the database's, which counts",
    ]


def test_a_clock_goes_on_evenly_from_the_databases_time_and_asks_again_later(postgres_engine: sa.Engine) -> None:
    here, seconds = [NOON], [100.0]
    clock = SharedClock(postgres_engine, lambda: here[0], lambda: seconds[0])
    assert clock() == NOON  # nobody has been asked yet
    clock.refresh()
    began = clock()
    assert abs(began - datetime.now(UTC)) < timedelta(minutes=5)

    here[0] = after(days=30)
    seconds[0] += 9
    clock.refresh()
    assert clock() == began + timedelta(seconds=9)
    seconds[0] += 3_600  # as many as did not pass: this machine counts wrongly
    clock.refresh()
    assert abs(clock() - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_mark_of_a_server_whose_clock_is_behind_keeps_its_snapshot(
    postgres_engine: sa.Engine, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    builder = SqlPlace(postgres_engine, data, _wrong(postgres_engine))
    make_snapshot(data, "a")
    builder.publish("a")
    SqlPlace(postgres_engine, tmp_path / "there", _wrong(postgres_engine, hours=-1), "there").uses("a")
    for name in "bcde":
        make_snapshot(data, name)
        builder.publish(name)

    assert "a" in builder.kept()


def test_marks_in_a_shared_folder_are_compared_with_the_time_of_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = FolderPlace(tmp_path, "server")
    make_snapshot(tmp_path, "a")
    place.publish("a")
    place.uses("a")
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + 86_400)  # of the machine that builds

    assert published.marked(tmp_path) == {"a"}
    assert sorted(path.name for path in (tmp_path / "servers").iterdir()) == ["server"]


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
