"""What every ReadStore does, and the counting above it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from bot.errors import StoreUnavailable
from bot.readership import MemoryReadStore, Readership, ReadStore, SqlReadStore
from tests.bot.samples import NOON
from tests.databases import STORES, engine_of

TODAY = NOON.date()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> ReadStore:
    return MemoryReadStore() if request.param == "memory" else SqlReadStore(engine_of(request))


def test_reads_add_up_over_days_and_writes(store: ReadStore) -> None:
    store.add({("a", TODAY): 2, ("b", TODAY): 1})
    store.add({("a", TODAY): 3, ("a", TODAY - timedelta(days=1)): 1, ("c", TODAY): 1})
    store.add({})

    assert list(store.most_read(TODAY, 9)) == [("a", 5), ("b", 1), ("c", 1)]
    assert list(store.most_read(TODAY - timedelta(days=1), 2)) == [("a", 6), ("b", 1)]
    assert list(store.most_read(TODAY + timedelta(days=1), 9)) == []


def test_reads_are_written_in_passing_and_shown_once_enough_articles_are_read(store: ReadStore) -> None:
    at = [NOON]
    readership = Readership(store, lambda: at[0])
    for article, reads in {"a": 5, "b": 7, "c": 4}.items():
        for _ in range(reads):
            readership.count(article)
    assert list(store.most_read(TODAY, 9)) == []  # no page view writes

    readership.refresh()
    assert list(store.most_read(TODAY, 9)) == [("b", 7), ("a", 5), ("c", 4)]
    assert readership.most_read == ()  # two articles were read five times or more, it takes three

    readership.count("c")
    at[0] += timedelta(seconds=61)
    readership.refresh()
    assert readership.most_read == ("b", "a", "c")

    at[0] += timedelta(days=31)
    readership.refresh()
    assert readership.most_read == ()


def test_while_the_store_is_down_nothing_that_was_counted_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MemoryReadStore):
        down = True

        def add(self, reads: Mapping[tuple[str, date], int]) -> None:
            if self.down:
                raise StoreUnavailable("The reads could not be stored: database is locked.")
            super().add(reads)

    store = Failing()
    readership = Readership(store, lambda: NOON)
    readership.count("a")
    with caplog.at_level(logging.ERROR):
        readership.flush()
        readership.flush()
    readership.count("a")
    store.down = False
    readership.flush()

    assert list(store.most_read(TODAY, 9)) == [("a", 2)]
    assert [record.getMessage() for record in caplog.records] == [
        "reads wait to be written: The reads could not be stored: database is locked."
    ]
