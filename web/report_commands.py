"""The command `firstline reports`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.terminal import Data, Json, print_json, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.reports.reports import Reports

#: Of a split and of articles, as a terminal shows them.
_LINES = 10
#: Counts everything, however long that takes: who types a command waits.
_WHOLE = 1e9


def reports(
    data: Data = None,
    days: Annotated[int, typer.Option(help="The last so many days, today included; 0 for all time.", min=0)] = 30,
    lang: Annotated[str, typer.Option(help="Only this language (ISO 639-1).")] = "",
    channel: Annotated[str, typer.Option(help="Only this channel, such as web, widget or agent.")] = "",
    as_json: Json = False,
) -> None:
    """Say what came in, how many tickets were spared, what articles did, and what spiked. Counts what changed first."""
    from datetime import UTC, datetime

    from web.desk import open_desk, open_reports

    settings = read_settings(data=data)
    desk, engine = open_desk(settings)
    found = open_reports(settings, engine, desk.library)
    found.rollup.refresh(_WHOLE)
    figures = _figures(found, datetime.now(UTC), days, lang, channel)
    engine.dispose()
    if as_json:
        print_json(figures)
        return
    for line in _lines(figures, days):
        typer.echo(line)


def _figures(reports: Reports, now: datetime, days: int, lang: str, channel: str) -> dict[str, Any]:
    from datetime import date

    from bot.reports.articles import NUMBERS
    from bot.reports.desk import DIMENSIONS, UNITS, Wanted, period
    from web import report_schemas as out

    today = reports.days.of(now)
    first = period(days, today)
    wanted = Wanted(first, today, lang, channel)
    since = reports.days.starts(first) if first else None
    desk = reports.desk

    def topic_of(article_id: str) -> str | None:
        topic = reports.topic_of(article_id)
        return "_" if topic == "" else topic  # "" is what was shown no article

    rows: dict[str, Any] = {unit: desk.volume(unit, wanted, today) for unit in UNITS}
    rows.update({of: desk.split(of, wanted, topic_of) for of in DIMENSIONS})
    articles = sorted(reports.articles.counts(first, today).items(), key=lambda row: (-row[1].shown, row[0]))
    return {
        "since": first and first.isoformat(),
        "deflection": out.DeflectionOut.of(desk.deflection(now, since, wanted=wanted)).model_dump(mode="json"),
        **{name: [out.VolumeRowOut.of(row).model_dump(mode="json") for row in found] for name, found in rows.items()},
        "articles": [
            {"article_id": article, **{name: getattr(counts, name) for name in NUMBERS}} for article, counts in articles
        ],
        "spikes": [out.SpikeOut.of(spike).model_dump(mode="json") for spike in reports.spikes.since(first or date.min)],
        "holdout": out.HoldOutOut.of(reports.hold_out.effect()).model_dump(mode="json"),
    }


def _lines(figures: Mapping[str, Any], days: int) -> list[str]:
    """What a person reads of it."""
    questions, tickets = (sum(row[name] for row in figures["day"]) for name in ("questions", "tickets"))
    lines = [f"{f'Last {days} days' if days else 'All time'}: questions {questions:,}, tickets {tickets:,}"]
    for name in ("confirmed", "assumed", "returned"):
        rate = figures["deflection"][name]
        if rate["rate"] is None:
            lines.append(f"  {name:10}  nothing to count yet")
            continue
        low, high = rate["interval"]
        count, of = rate["count"], rate["denominator"]
        lines.append(f"  {name:10}  {rate['rate']:.1%} ({count:,} of {of:,}; 95 % interval {low:.1%} to {high:.1%})")
    for title, name, number in (
        ("Topics", "topic", "questions"),
        ("Channels", "channel", "questions"),
        ("Departments", "department", "tickets"),
    ):
        rows = [row for row in figures[name] if row["key"] and row[number]][:_LINES]
        if rows:
            lines += [f"{title}:", *(f"  {row[number]:>8,}  {row['key']}" for row in rows)]
    if figures["articles"]:
        lines.append("Articles shown most (shown, solved, rejected, ticket anyway):")
        lines += [
            f"  {row['shown']:>6,} {row['solved']:>6,} {row['rejected']:>6,} {row['ticketed']:>6,}  {row['article_id']}"
            for row in figures["articles"][:_LINES]
        ]
    for spike in figures["spikes"]:
        what = f"{spike['kind']} {spike['name']}".strip()
        lines.append(f"Spike on {spike['day']}: {what}: {spike['count']:,}, usual {spike['usual']:g}")
    if figures["holdout"]["difference"] is not None:
        low, high = figures["holdout"]["interval"]
        said = f"Suggestions at the ticket form spare {figures['holdout']['difference']:+.1%} of a ticket a session"
        lines.append(f"{said} (95 % interval {low:+.1%} to {high:+.1%})")
    return lines
