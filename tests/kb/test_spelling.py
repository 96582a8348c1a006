from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embedding import open_encoder
from kb.spelling import Speller

_TEXTS = ["Reset a forgotten password", "Password rules", "Connect the printer", "Zmień hasło", "Outlook search"]


def _speller(common: str = "") -> Speller:
    return Speller(_TEXTS, lambda word: word in common.split())


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("passwrod forgoten", "password forgotten"),
        ("Passwort", "password"),
        ("my printre is gone", "my printer is gone"),
        ("assword", "password"),
        ("haslo hasło", "haslo hasło"),
        ("zmien zmeiń", "zmien zmień"),
        ("outlok, serch!", "outlook, search!"),
        ("oultook", "outlook"),
        ("paswrod", "password"),
        ("psswrd", "password"),
    ],
)
def test_slips_of_the_fingers_are_mended_towards_the_words_of_the_articles(written: str, mended: str) -> None:
    assert _speller().correct(written) == mended


@pytest.mark.parametrize(
    "text",
    [
        "password",
        "PASSWORD",
        "Password's",
        "0x80070005",
        "xprinterx",
        "qasswrd",
        "rset",
        "Wi-Fi",
        "",
        "banana",
        "seirhc",
        "12345",
    ],
)
def test_what_is_right_far_away_short_or_a_code_stays_as_written(text: str) -> None:
    assert _speller().correct(text) == text


def test_a_common_word_is_never_mended_although_one_letter_makes_it_ours() -> None:
    assert _speller("printed research").correct("printed research") == "printed research"
    assert _speller().correct("printed") == "printer"


def test_of_two_words_equally_near_the_one_more_texts_use_wins() -> None:
    speller = Speller(["charge", "charts", "charts"], lambda word: False)
    assert speller.correct("charxe charxs") == "charge charts"
    assert Speller(["abcdef", "abcdeg", "abcdeg"], lambda word: False).correct("abcdex") == "abcdeg"


def test_without_words_nothing_is_mended() -> None:
    assert Speller([], lambda word: False).correct("passwrod") == "passwrod"


@given(st.text(max_size=60))
def test_mending_touches_only_words_and_a_mended_text_stays_as_it_is(text: str) -> None:
    speller = _speller()
    mended = speller.correct(text)
    assert speller.correct(mended) == mended
    assert [char for char in mended if not char.isalpha()] == [char for char in text if not char.isalpha()]


def test_typing_errors_in_words_that_are_not_ours_are_left_to_the_encoder(encoder_folder: Path) -> None:
    speller = Speller(_TEXTS, open_encoder(encoder_folder).knows_word)
    for text in (
        "becuase tehre definately seperate",
        "where can i buy a bicycle tomorrow",
        "the printed pages were reset by my research connection",
        "forgetting passports and searching outlaws",
    ):
        assert speller.correct(text) == text
