"""How fast the reports of a busy desk are, and whether their numbers are those of a slow recount.

    python -m bench.reports [EVENTS]

Makes a year of events (a million) in a SQLite file of its own, counts them, times every view and compares every number
with plain SQL over the events (`bench.report_recount`).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from bench.report_events import made, topic_of
from bench.report_recount import Recount
from bot.database import migrate, open_engine, sqlite_url
from bot.reports import changes
from bot.reports.articles import NUMBERS
from bot.reports.before import compared, number_change
from bot.reports.desk import DIMENSIONS, UNITS, Volume, Wanted
from bot.reports.hold_out import HoldOut
from bot.reports.reports import Reports
from bot.reports.spikes import WEEKS, is_spike

ZONE = "Europe/Warsaw"
SEED = 20261122
#: Events a question brings with it, itself included.
_PER_QUESTION = 1.94
_PARTS = 20
_RUNS = 5


def main() -> None:
    number = int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000
    start, days = datetime(2025, 11, 22, tzinfo=ZoneInfo(ZONE)), 365
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_url(Path(folder) / "firstline.db"))
        migrate(engine)
        written = 0
        for part in range(_PARTS):  # all at once would not fit into the memory of a small machine
            events = made(SEED + part, int(number / _PER_QUESTION / _PARTS), start, days, reads=part == 0)
            written += len(events)
            with engine.begin() as connection:
                events.insert(connection)
        print(f"{written:,} events of {days} days")
        reports = Reports(engine, ZoneInfo(ZONE), HoldOut(engine, 0.1, b"key"), topic_of)
        seconds, counted = _timed(lambda: reports.rollup.refresh(1e9))
        print(f"Counted for the first time: {counted} days in {seconds:.1f} s")
        now = datetime(2026, 11, 21, 15, 20, 7, tzinfo=UTC)
        _count_again(reports, engine, now)
        _views(reports, now)
        with engine.connect() as connection:
            seconds, recount = _timed(lambda: Recount(connection, ZONE))
            print(f"Slow recount prepared in {seconds:.0f} s")
            compared, wrong = compare(reports, recount, now)
            print(f"{compared:,} numbers compared with the slow recount, {len(wrong)} differ")
            for line in wrong[:20]:
                print(f"  {line}")
        _chance()
        engine.dispose()
    sys.exit(bool(wrong))


def _count_again(reports: Reports, engine: sa.Engine, now: datetime) -> None:
    """After one more question a day is counted anew."""
    with engine.begin() as connection:
        changes.asked(connection, now - timedelta(days=1))
    before = time.process_time()
    seconds, _ = _timed(lambda: reports.rollup.refresh(1e9))
    processor = (time.process_time() - before) * 1000
    print(f"One day counted again: {seconds * 1000:.0f} ms, {processor:.0f} ms of a processor")


def _views(reports: Reports, now: datetime) -> None:
    """Each view at its slowest: a whole year and all time, alone and with a filter."""
    today = reports.days.of(now)
    year = today - timedelta(days=364)
    since = reports.days.starts(year)
    desk = reports.desk
    views: dict[str, Callable[[], Any]] = {"rates": lambda: desk.deflection(now, since)}
    views["rates, one language and channel"] = lambda: desk.deflection(
        now, since, wanted=Wanted(lang="en", channel="web")
    )
    for unit in UNITS:
        views[f"volume by {unit}"] = lambda unit=unit: desk.volume(unit, Wanted(year, today), today)  # type: ignore[misc]
    for of in DIMENSIONS:
        views[f"split by {of}"] = lambda of=of: desk.split(of, Wanted(year, today), topic_of)  # type: ignore[misc]
        views[f"split by {of}, one language"] = lambda of=of: desk.split(of, Wanted(None, today, "en"), topic_of)  # type: ignore[misc]
    views["articles"] = lambda: reports.articles.counts(year, today)
    views["articles, all time"] = lambda: reports.articles.counts(None, today)
    views["one article"] = lambda: (
        reports.articles.counts(year, today, "article-0"),
        reports.articles.by_day("article-0", year, today),
    )
    month = Wanted(today - timedelta(days=29), today)
    views["beside the days before, 30 days"] = lambda: compared(desk, reports.days, now, month)
    views["beside the days before, a year"] = lambda: compared(desk, reports.days, now, Wanted(year, today))
    views["questions an article did not help with"] = lambda: reports.behind.rejected("article-0", year, today, 10)
    views["hold-out"] = reports.hold_out.effect
    views["spikes (listed)"] = lambda: reports.spikes.since(year)
    views["spikes (looked for)"] = lambda: reports.spikes.look(now)
    views["days to count"] = reports.rollup.waiting
    print("\n| view | median of 5, ms | slowest, ms | processor, ms |\n|---|---|---|---|")
    for name, look in views.items():
        before = time.process_time()
        took = sorted(_timed(look)[0] * 1000 for _ in range(_RUNS))
        processor = (time.process_time() - before) * 1000 / _RUNS
        print(f"| {name} | {took[_RUNS // 2]:.0f} | {took[-1]:.0f} | {processor:.0f} |")
    print()


def compare(
    reports: Reports,
    recount: Recount,
    now: datetime,
    spans: Sequence[int] = (7, 30, 365),
    filters: Sequence[tuple[str, str]] = (("", ""), ("pl", ""), ("", "ticket_form"), ("en", "web"), ("", "agent")),
) -> tuple[int, list[str]]:
    """How many numbers were compared, and a line for each that differs from the recount.

    Of the last so many days each, with these (language, channel).
    """
    compared, wrong = 0, []
    for name, ours, theirs in _pairs(reports, recount, now, spans, filters):
        keys = {*ours, *theirs}
        for key in sorted(keys):
            compared += 1
            one, two = ours.get(key), theirs.get(key)
            if one != two and (any(_numbers(one)) or any(_numbers(two))):
                wrong.append(f"{name}, {key}: {one}, recounted {two}")
    return compared, wrong


def _numbers(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _pairs(
    reports: Reports, recount: Recount, now: datetime, spans: Sequence[int], filters: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(view, our numbers by key, the recounted ones)."""
    days, desk, today = reports.days, reports.desk, reports.days.of(now)
    for span in spans:
        first = today - timedelta(days=span - 1)
        for lang, channel in filters:
            wanted = Wanted(first, today, lang, channel)
            said = f"{span} days {lang} {channel}"
            for since in (days.starts(first), days.starts(first) + timedelta(hours=5, minutes=17)):
                found = desk.deflection(now, since, wanted=wanted)
                ours = (found.shown, found.answered_a_day_ago, found.confirmed, found.assumed, found.returned)
                yield f"rates, {said}", {"all": ours}, {"all": recount.deflection(now, since, lang, channel)}
            for unit in UNITS:
                ours_of = _by_key(desk.volume(unit, wanted, today))
                yield f"{unit}, {said}", ours_of, recount.volume(unit, first, today, lang, channel)
            for of in DIMENSIONS:
                theirs = recount.split(of, first, today, lang, channel)
                found_of = _by_key(desk.split(of, wanted, lambda article: article))
                if of == "topic":  # how many of these went unanswered is no part of the view
                    theirs = {key: (number, 0, 0) for key, (number, _, _) in theirs.items()}
                yield f"{of}, {said}", found_of, theirs
        counted = reports.articles.counts(first, today)
        articles = recount.articles(first, today, days.starts(first), days.starts(today + timedelta(days=1)))
        for name in NUMBERS:
            ours_by = {article: getattr(counts, name) for article, counts in counted.items()}
            yield f"{name}, {span} days", ours_by, {article: row.get(name, 0) for article, row in articles.items()}
    effect = reports.hold_out.effect()
    groups = {True: effect.held_out, False: effect.others}
    ours_held = {str(held): (group.sessions, group.sent) for held, group in groups.items() if group.sessions}
    yield "hold-out", ours_held, {str(held): row for held, row in recount.hold_out().items()}


def _by_key(rows: list[Volume]) -> dict[str, tuple[int, int, int]]:
    return {str(row.key): (row.questions, row.unanswered, row.tickets) for row in rows}


def _chance() -> None:
    """How often the rule of spikes calls out what is chance alone: days of a steady desk, each looked at once."""
    chance = np.random.default_rng(SEED)
    print("\n| usual number | spikes in 100,000 steady days |\n|---|---|")
    for usual in (0.5, 2, 5, 10, 20, 50, 100):
        today, weeks = chance.poisson(usual, 100_000), np.median(chance.poisson(usual, (100_000, WEEKS)), axis=1)
        print(f"| {usual:g} | {sum(map(is_spike, today.tolist(), weeks.tolist()))} |")
    print("\n| a day | days | called a change, of 10,000 where nothing changed | where a fifth more came |")
    print("|---|---|---|---|")
    for usual in (5, 50, 500):
        for days in (7, 30, 90):
            print(f"| {usual} | {days} | {_called(chance, usual, 1.0, days)} | {_called(chance, usual, 1.2, days)} |")


def _called(chance: np.random.Generator, usual: float, factor: float, days: int) -> int:
    """Of 10,000 desks, how many are told of a change: quiet weekends, and days that vary by a fifth beside chance."""
    week = np.resize([1.0, 1.1, 1.1, 1.0, 0.9, 0.2, 0.2], days - 1)  # today is no whole day

    def desk(mean: float) -> Any:
        return chance.poisson(mean * week * chance.gamma(25, 1 / 25, (10_000, days - 1)))

    pairs = zip(desk(usual * factor).tolist(), desk(usual).tolist(), strict=True)
    return sum(bool(number_change(list(zip(now, before, strict=True)))) for now, before in pairs)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


if __name__ == "__main__":
    main()
