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
_RATES = ("confirmed", "assumed", "returned")
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
    from bot.reports.before import compared
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
    beside = compared(desk, reports.days, now, wanted)
    articles = sorted(reports.articles.counts(first, today).items(), key=lambda row: (-row[1].shown, row[0]))
    return {
        "since": first and first.isoformat(),
        "deflection": out.DeflectionOut.of(desk.deflection(now, since, wanted=wanted)).model_dump(mode="json"),
        "comparison": beside and out.ComparisonOut.of(beside).model_dump(mode="json"),
        **{name: [out.VolumeRowOut.of(row).model_dump(mode="json") for row in found] for name, found in rows.items()},
        "articles": [
            {"article_id": article, **{name: getattr(counts, name) for name in NUMBERS}} for article, counts in articles
        ],
        "spikes": [out.SpikeOut.of(spike).model_dump(mode="json") for spike in reports.spikes.since(first or date.min)],
        "holdout": out.HoldOutOut.of(reports.hold_out.effect()).model_dump(mode="json"),
    }


def _lines(figures: Mapping[str, Any], days: int) -> list[str]:
    """What a person reads of it, at most 80 columns wide where names are not long."""
    lines = [*_main_numbers(figures, days)]
    for title, name, number in (
        ("Questions by topic of the article shown first", "topic", "questions"),
        ("Questions by channel (those of agents are in no other number)", "channel", "questions"),
        ("Tickets by department", "department", "tickets"),
    ):
        rows = [row for row in figures[name] if row["key"] and row[number]][:_LINES]
        if rows:
            lines += ["", title, *(f"{row[number]:>10,}  {row['key']}" for row in rows)]
    if figures["articles"]:
        lines += ["", "     shown    solved  rejected    ticket  Articles shown most"]
        lines += [
            "".join(f"{row[name]:>10,}" for name in ("shown", "solved", "rejected", "ticketed"))
            + f"  {row['article_id']}"
            for row in figures["articles"][:_LINES]
        ]
    if figures["spikes"]:
        lines += ["", "Spikes"]
    for spike in figures["spikes"]:
        what = f"{spike['kind']} {spike['name']}".strip()
        seen = f"; seen to by {spike['seen_by']}" if spike["seen_at"] else ""
        lines.append(f"  {spike['day']}  {what}: {spike['count']:,}, usual {spike['usual']:g}{seen}")
    return [*lines, *_effect(figures["holdout"])]


def _main_numbers(figures: Mapping[str, Any], days: int) -> list[str]:
    beside = figures["comparison"]
    lines = [f"Last {days} days, from {figures['since']} until now" if days else "All time"]
    if beside:
        lines.append(f"Before: {beside['first']} to {beside['last']}, the same weekdays, up to the same time")
    lines += ["", f"{'':18}{'now':>9}{'95 % range':>19}{'of':>10}{'before':>10}"]
    for name in ("questions", "tickets"):
        now = sum(row[name] for row in figures["day"])
        before = f"{beside[name]['before']:,}" if beside else ""
        lines.append(f"{name:18}{now:>9,}{before:>39}{_change(beside, name)}".rstrip())
    questions, unanswered = (sum(row[name] for row in figures["day"]) for name in ("questions", "unanswered"))
    rates = {"no article found": _rate(unanswered, questions), **figures["deflection"]}
    for name, key in (("no article found", "unanswered"), *((name, name) for name in _RATES)):
        rate, then = rates[name], beside[key]["before"]["rate"] if beside else None
        if rate["rate"] is None:
            lines.append(f"{name:18}{'-':>9}{'':19}{0:>10}")
            continue
        low, high = rate["interval"]
        line = f"{name:18}{rate['rate']:>9.1%}{f'{low:.1%} to {high:.1%}':>19}{rate['denominator']:>10,}"
        lines.append(line + (f"{then:>10.1%}" if then is not None else "") + _change(beside, key))
    if beside:
        lines.append("(higher, lower: by more than chance; without a word it may be chance)")
    return lines


def _rate(count: int, of: int) -> Mapping[str, Any]:
    from bot.reports.intervals import wilson

    return {"rate": count / of if of else None, "interval": wilson(count, of), "denominator": of}


def _change(beside: Mapping[str, Any] | None, name: str) -> str:
    return f"  {beside[name]['change']}".rstrip() if beside else ""


def _effect(effect: Mapping[str, Any]) -> list[str]:
    """What suggestions at the ticket form do, where that was measured."""
    if effect["difference"] is None:
        return []
    held, others = effect["held_out"]["share"], effect["others"]["share"]
    low, high = effect["interval"]
    verdict = "more than chance" if low > 0 or high < 0 else "may be chance"
    return [
        "",
        f"Of the sessions at the ticket form {held:.1%} sent a ticket without suggestions,",
        f"{others:.1%} with them: a difference of {effect['difference']:+.1%} ({low:+.1%} to {high:+.1%}; {verdict})",
    ]
