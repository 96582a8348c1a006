from __future__ import annotations

from bot.events import last_word
from tests.bot.samples import after, not_solved, opened, solved


def test_the_last_word_is_what_the_person_said_last() -> None:
    assert last_word([(after(minutes=1), not_solved()), (after(minutes=2), solved())]) == "solved"
    assert last_word([(after(minutes=1), solved()), (after(minutes=2), not_solved())]) == "not_solved"


def test_an_opening_says_nothing() -> None:
    assert last_word([(after(minutes=1), opened())]) is None
    assert last_word([(after(minutes=1), solved()), (after(minutes=2), opened())]) == "solved"


def test_where_nothing_was_recorded_nothing_was_said() -> None:
    assert last_word([]) is None
