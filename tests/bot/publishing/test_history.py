"""Which publications people are told of who look at no page."""

from __future__ import annotations

import pytest

from bot.publishing.history import newsworthy
from bot.publishing.publication import Publication, State
from tests.bot.samples import NOON


def _row(state: State, commit: str = "", snapshot: str = "", before: str = "") -> Publication:
    return Publication(0, "pull", NOON, state=state, commit=commit, snapshot=snapshot, before=before)


_REFUSED, _AWAY, _GOOD = _row("refused", "a"), _row("failed"), _row("published", "b")


@pytest.mark.parametrize(
    ("over", "before", "told"),
    [
        (_REFUSED, [], True),
        (_REFUSED, [_REFUSED], False),
        (_REFUSED, [_row("refused", "c")], True),
        (_AWAY, [_REFUSED], True),
        (_REFUSED, [_AWAY, _REFUSED], False),
        (_AWAY, [_REFUSED, _AWAY], False),
        (_AWAY, [_GOOD, _AWAY], True),
        (_GOOD, [_REFUSED], True),
        (_GOOD, [_GOOD], False),
        (_row("unchanged", "a", "s1", "s1"), [_AWAY], True),
        (_row("unchanged", "a", "", "s1"), [_REFUSED], False),  # it was taken back, and stays so
        (_row("unchanged", "a", "s2", "s1"), [_REFUSED], False),
    ],
)
def test_what_is_to_be_mended_is_told_once_until_it_is(
    over: Publication, before: list[Publication], told: bool
) -> None:
    assert newsworthy(over, before) is told
