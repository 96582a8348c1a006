from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.inbox import SqlInbox
from bot.reports.hold_out import Effect, Group, HoldOut
from tests.bot.reports.database import empty_database
from tests.bot.samples import NOON, after, draft

KEY = b"of all servers"


def _sessions(number: int) -> list[str]:
    return [f"session-{n}" for n in range(number)]


def test_about_the_share_is_held_out_and_the_same_sessions_on_every_server() -> None:
    engine = empty_database()
    one, two = HoldOut(engine, 0.1, KEY), HoldOut(engine, 0.1, KEY)
    held = [session for session in _sessions(5_000) if one.holds_out(session)]

    assert 430 < len(held) < 570
    assert all(two.holds_out(session) for session in held)
    assert [session for session in held if HoldOut(engine, 0.1, b"another").holds_out(session)] != held


def test_with_a_larger_share_those_held_out_before_still_are() -> None:
    engine = empty_database()
    small, large = HoldOut(engine, 0.1, KEY), HoldOut(engine, 0.3, KEY)

    assert {s for s in _sessions(1_000) if small.holds_out(s)} < {s for s in _sessions(1_000) if large.holds_out(s)}


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (1.0, 100)])
def test_of_nobody_and_of_everybody(share: float, held: int) -> None:
    hold_out = HoldOut(empty_database(), share, KEY)

    assert sum(map(hold_out.holds_out, _sessions(100))) == held


def _measured(engine: sa.Engine) -> HoldOut:
    """Forty sessions came; each that was held out sent a ticket, and of the others every fourth."""
    hold_out, inbox = HoldOut(engine, 0.5, KEY), SqlInbox(engine, (f"t{n}" for n in range(1_000)).__next__)
    others = 0
    for session in _sessions(40):
        hold_out.enter(session, NOON)
        others += not hold_out.holds_out(session)
        if hold_out.holds_out(session) or others % 4 == 0:
            inbox.submit(draft(session=session), f"key of {session}", shown=(), at=after(minutes=5))
    return hold_out


def test_the_difference_of_both_groups_is_the_effect() -> None:
    hold_out = _measured(empty_database())
    effect = hold_out.effect()
    others = effect.others

    assert effect.held_out.sessions + others.sessions == 40
    assert (effect.held_out.share, others.sent) == (1.0, others.sessions // 4)
    assert effect.difference == pytest.approx(1 - others.sent / others.sessions)
    low, high = effect.interval or (0, 0)
    assert 0 < low < (effect.difference or 0) < high <= 1
    assert (effect.needed or 0) > 1_000


def test_a_session_counts_once_from_its_first_time_on_and_with_one_ticket() -> None:
    engine = empty_database()
    hold_out, inbox = HoldOut(engine, 0.5, KEY), SqlInbox(engine, iter(("t1", "t2", "t3")).__next__)
    inbox.submit(draft(session="one"), "key-before", shown=(), at=after(hours=-1))
    for minutes in (0, 7, 9):
        hold_out.enter("one", after(minutes=minutes))
    assert _all(hold_out.effect()) == Group(1, 0)

    for number in (1, 2):
        inbox.submit(draft(session="one"), f"key-after-{number}", shown=(), at=after(minutes=number))
    assert _all(hold_out.effect()) == Group(1, 1)
    assert _all(hold_out.effect(since=NOON + timedelta(seconds=1))) == Group(0, 0)


def test_a_session_is_forgotten_after_400_days_when_another_one_comes_on_a_later_day() -> None:
    hold_out = HoldOut(empty_database(), 0.5, KEY)
    for session, days in (("old", 0), ("younger", 1), ("same day", 400), ("again", 400)):
        hold_out.enter(session, after(days=days))
    assert _all(hold_out.effect()) == Group(4, 0)

    hold_out.enter("new", after(days=401))

    assert _all(hold_out.effect()) == Group(4, 0)


def _all(effect: Effect) -> Group:
    return Group(effect.held_out.sessions + effect.others.sessions, effect.held_out.sent + effect.others.sent)


def test_without_sessions_nothing_is_said() -> None:
    effect = HoldOut(empty_database(), 0.1, KEY).effect()

    assert (effect.difference, effect.interval, effect.needed) == (None, None, None)
