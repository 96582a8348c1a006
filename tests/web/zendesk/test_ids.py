"""Numbers that stand for names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.zendesk.ids import LARGEST, Numbering, number

NAMES = st.sets(st.text(max_size=40), max_size=30)


@given(st.text(max_size=20), st.text(max_size=60))
def test_a_number_is_a_whole_one_that_javascript_holds_exactly(kind: str, name: str) -> None:
    found = number(kind, name)

    assert 1 <= found <= LARGEST == 9_007_199_254_740_991
    assert int(float(found)) == found
    assert number(kind, name) == found


def test_a_number_never_changes() -> None:
    assert number("article", "reset-password") == 8_741_573_208_612_599


@given(NAMES, NAMES)
def test_names_keep_their_numbers_whatever_else_there_is(some: set[str], others: set[str]) -> None:
    alone, together = Numbering.of("article", some), Numbering.of("article", some | others)

    assert {name: together.numbers[name] for name in some} == alone.numbers
    assert {number: name for name, number in together.numbers.items()} == together.names


@given(st.sets(st.text("ab", max_size=6), min_size=8, max_size=14))
def test_two_names_never_have_one_number(names: set[str]) -> None:
    def narrow(kind: str, name: str) -> int:
        return number(kind, name) % 16 + 1

    numbering = Numbering.of("article", names, narrow)

    assert len(set(numbering.numbers.values())) == len(names)
    assert numbering == Numbering.of("article", sorted(names, reverse=True), narrow)


def test_a_name_whose_number_is_taken_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    found = Numbering.of("article", ["a", "b"], lambda _kind, name: len(name))

    assert found.numbers == {"a": 1, "b": 2}
    assert "'a' and 'b' would have one number" in caplog.text
