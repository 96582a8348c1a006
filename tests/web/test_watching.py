"""A server looks for news again and again, and tells of a fault once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.errors import StoreUnavailable
from web import app


def test_a_database_that_is_away_is_one_line_of_the_log_and_the_looking_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "_LOOK_EVERY_S", 0.0)
    away = iter([True] * 6 + [False, False] + [True] * 2)

    def look() -> None:
        gone = next(away, None)
        if gone is None:
            raise asyncio.CancelledError
        if gone:
            raise StoreUnavailable("The database does not answer.")

    with caplog.at_level(logging.WARNING), pytest.raises(asyncio.CancelledError):
        asyncio.run(app._watch(look, look))
    said = [record.getMessage() for record in caplog.records]
    assert said == ["looking for news waits for the database: The database does not answer."] * 2
    assert not any(record.exc_info for record in caplog.records)


def test_an_unknown_fault_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "_LOOK_EVERY_S", 0.0)
    faults = iter([ValueError("a fault of ours"), asyncio.CancelledError()])

    def look() -> None:
        raise next(faults)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(app._watch(look))
    assert [record.exc_info is not None for record in caplog.records] == [True]
