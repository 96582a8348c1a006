"""The main numbers of the desk: each with its denominator, its range, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from bot.reports.before import Change, Comparison, Number, Share
from bot.reports.deflection import Deflection, Rate
from bot.reports.desk import Volume
from bot.reports.intervals import wilson
from web.pages.report_tables import RATES, percent
from web.words import N_, Words

#: What the list of gaps offers, in days.
_GAP_PERIODS = (7, 30, 90)
_CHANGES: dict[Change, str] = {
    "higher": N_("Higher than before, and that is more than chance."),
    "lower": N_("Lower than before, and that is more than chance."),
    "": N_("The difference may still be chance."),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`before` says what it was before and what to think of the difference; `link` leads to what is behind it."""

    name: str
    value: str
    detail: str
    meaning: str
    before: str = ""
    link: str = ""


def rates(said: Words, counted: Deflection, beside: Comparison | None) -> list[Figure]:
    """Confirmed, assumed and returned."""
    found = []
    for key, name, meaning in RATES:
        share = beside.shares[key] if beside else None
        found.append(_share(said, said.gettext(name), counted.rates[key], said.gettext(meaning), share))
    if beside and found[-1].before and not beside.shares["returned"].change:
        late = said.gettext("Of the last 7 days, more may still come back.")
        found[-1] = replace(found[-1], before=_before(said, beside.shares["returned"], late))
    return found


def came_in(said: Words, rows: Sequence[Volume], beside: Comparison | None, *, days: int, lang: str) -> list[Figure]:
    """Questions, those that no article answered, and tickets."""
    questions, unanswered, tickets = (
        sum(getattr(row, name) for row in rows) for name in ("questions", "unanswered", "tickets")
    )
    failed = Rate(unanswered / questions if questions else None, questions, unanswered, wilson(unanswered, questions))
    share = beside.shares["unanswered"] if beside else None
    none_found = said.gettext("No article found")
    return [
        _number(said, said.gettext("Questions"), questions, beside.numbers["questions"] if beside else None),
        _share(said, none_found, failed, said.gettext("of all questions; the gaps say what they were about"), share,
               gaps_address(days, lang)),
        _number(said, said.gettext("Tickets"), tickets, beside.numbers["tickets"] if beside else None),
    ]  # fmt: skip


def gaps_address(days: int, lang: str) -> str:
    """The gaps behind the questions that no article answered."""
    given = {"kind": "unanswered", "days": str(days if days in _GAP_PERIODS else 0), "in": lang}
    return f"/authors?{urlencode({name: value for name, value in given.items() if value})}"


def _number(said: Words, name: str, value: int, beside: Number | None) -> Figure:
    before = ""
    if beside:
        told = said.gettext("Before: %(number)s.", number=said.number(beside.before))
        before = f"{told} {said.gettext(_CHANGES[beside.change])}"
    return Figure(name, said.number(value), "", "", before)


def _share(said: Words, name: str, rate: Rate, meaning: str, beside: Share | None, link: str = "") -> Figure:
    value = percent(said, rate.share) if rate.share is not None else "–"
    detail = said.gettext("%(count)s of %(all)s", count=said.number(rate.count), all=said.number(rate.of))
    if rate.interval:
        low, high = (percent(said, end) for end in rate.interval)
        between = said.gettext("between %(low)s and %(high)s", low=low, high=high)
        detail = f"{detail} · {between}"
    before = _before(said, beside, said.gettext(_CHANGES[beside.change])) if beside else ""
    return Figure(name, value, detail, meaning, before, link)


def _before(said: Words, beside: Share, verdict: str) -> str:
    """Nothing where one of the two has no denominator."""
    then = beside.before
    if then.share is None or beside.now.share is None:
        return ""
    told = said.gettext(
        "Before: %(share)s, %(count)s of %(all)s.",
        share=percent(said, then.share),
        count=said.number(then.count),
        all=said.number(then.of),
    )
    return f"{told} {verdict}"
