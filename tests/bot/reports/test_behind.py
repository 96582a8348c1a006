from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.events import SqlEventStore
from bot.gaps.models import Centre, Failure, Step
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.models import Outcome
from bot.reports.articles import ArticleReports
from bot.reports.behind import Behind, Group, typical
from bot.reports.days import Days
from bot.reports.rollup import Rollup
from bot.reports.spikes import Spike, SpikeKind
from tests.bot.samples import NOON, after, asked, draft, unanswered

UTC_DAYS = Days(ZoneInfo("UTC"))
DAY = NOON.date()


def _topic_of(article: str) -> str | None:
    return {"vpn": "network", "printer": "printing"}.get(article)


def _gap(engine: sa.Engine, *keys: str) -> None:
    """A gap called "vpn drops" that these questions and tickets lie in."""
    homes = tuple((Failure(key, NOON, "vpn drops", unanswered=True), "gap") for key in keys)
    SqlGapStore(engine).save(Step((Centre("gap", "encoder", np.ones(2, np.float32), 1),), homes=homes), 0)


def test_the_questions_an_article_did_not_help_with_are_those_that_were_counted(engine: sa.Engine) -> None:
    events = SqlEventStore(engine)
    told = {
        "named": [("not_solved", "vpn")],
        "unnamed": [("not_solved", "")],  # means the answer
        "below": [("solved", ""), ("not_solved", "vpn")],
        "after-all": [("not_solved", "vpn"), ("solved", "vpn")],
        "other": [("not_solved", "printer")],
        "agent": [("not_solved", "vpn")],
        "earlier": [("not_solved", "vpn")],
    }
    for minutes, (name, words) in enumerate(told.items()):
        shown = ("printer",) if name in ("below", "other") else ("vpn", "printer")
        at = after(days=-3) if name == "earlier" else after(minutes=minutes)
        channel = "agent" if name == "agent" else "web"
        further = ("vpn",) if name == "below" else ()
        events.record_question(asked(name, text=name, at=at, shown=shown, further=further, channel=channel))
        for outcome, article in words:
            events.record_outcome(Outcome(name, outcome, article), at)  # type: ignore[arg-type]
    events.record_question(unanswered("listed", text="listed", at=after(hours=1), further=("vpn",)))
    events.record_outcome(Outcome("listed", "not_solved", "vpn"), after(hours=1))
    _gap(engine, "qnamed")
    Rollup(engine, UTC_DAYS).refresh(60)
    found = Behind(engine, UTC_DAYS).rejected("vpn", DAY, DAY, 10)

    assert [(row.text, row.gap) for row in found] == [("listed", ""), ("below", ""), ("unnamed", ""), ("named", "gap")]
    assert ArticleReports(engine, UTC_DAYS).counts(DAY, DAY)["vpn"].rejected == len(found)
    assert len(Behind(engine, UTC_DAYS).rejected("vpn", None, DAY, 10)) == 5
    assert [row.text for row in Behind(engine, UTC_DAYS).rejected("vpn", None, DAY, 2)] == ["listed", "below"]


def test_a_spike_is_gathered_by_gap_then_by_article(engine: sa.Engine) -> None:
    events = SqlEventStore(engine)
    for n, (text, shown, channel) in enumerate(
        [("vpn drops", ("vpn",), "web"), ("vpn again", ("vpn",), "web"), ("VPN  again", ("vpn",), "web"),
         ("jam", ("printer",), "web"), ("lost", (), "web"), ("agent asks", ("vpn",), "agent"),
         ("too late", ("vpn",), "web")]
    ):  # fmt: skip
        at = after(minutes=90 if text == "too late" else n)
        events.record_question(asked(f"q{n}", text=text, shown=shown, channel=channel, at=at))
    inbox, behind = SqlInbox(engine, iter(("t0", "t1", "t2")).__next__), Behind(engine, UTC_DAYS)
    for n, (subject, department, question) in enumerate(
        [("call +48 601 234 567", "Sales", "q1"), ("vpn", "Sales", ""), ("jam", "Finance", "")]
    ):
        sent = draft(subject=subject, department=department, question_id=question)
        inbox.submit(sent, f"key-{n}", shown=(), at=after(minutes=n))
    _gap(engine, "qq0", "tt1")

    def about(kind: SpikeKind, name: str = "", most: int = 9) -> tuple[list[Group], int]:
        spike = Spike(DAY, kind, name, 10, 1.0, 8, NOON, after(minutes=60))
        groups, total = behind.spike(spike, _topic_of, most, 2)
        return list(groups), total

    again, in_gap = Group("", "", "vpn", 2, ("VPN  again",)), Group("gap", "vpn drops", "", 1, ("vpn drops",))
    assert about("topic", "network") == ([again, in_gap], 2)
    assert about("questions", most=1) == ([again], 4)
    masked = "call [phone]"
    assert about("department", "Sales") == (
        [Group("", "", "vpn", 1, (masked,)), Group("gap", "vpn drops", "", 1, ("vpn",))],
        2,
    )
    assert about("tickets")[1] == 3


def test_typical_words_are_those_that_most_share() -> None:
    asked_so = ["vpn error 809", "the vpn shows error 809", "my cat", "Vpn ERROR 809"]

    assert typical(asked_so, 2) == ("vpn error 809", "the vpn shows error 809")


@given(st.lists(st.text(max_size=12), max_size=30), st.integers(1, 4))
def test_typical_words_were_said_and_each_stands_once(texts: list[str], most: int) -> None:
    found = typical(texts, most)

    assert set(found) <= set(texts)
    assert len(set(found)) == len(found) == min(most, len(typical(texts, 99)))


def test_days_without_a_question_have_none_behind_them(engine: sa.Engine) -> None:
    assert Behind(engine, UTC_DAYS).rejected("vpn", None, date(2026, 1, 1), 10) == []
