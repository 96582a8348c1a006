"""The worked examples of Newcombe (1998), Statistics in Medicine 17: pages 857-872 for one share, 873-890 for two."""

from __future__ import annotations

import pytest

from bot.reports.intervals import newcombe, sessions_needed, wilson


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_that_of_the_paper(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(of - count, of) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_paper(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(first, second) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_without_a_denominator_there_is_no_interval() -> None:
    assert wilson(0, 0) is None
    assert newcombe((0, 0), (1, 2)) is None


def test_it_takes_1570_sessions_a_group_to_tell_half_from_five_in_a_hundred_more() -> None:
    assert sessions_needed(0.5, 0.05, 0.5) == 2 * 1570
    assert sessions_needed(0.5, 0.05, 0.1) > 2 * sessions_needed(0.5, 0.05, 0.5)
