from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.analysis import STEMMERS, fold, terms, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ŁÓDŹ", "lodz"),
        ("É", "e"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Пароль", "пароль"),
        ("ﬁle", "file"),
    ],
)
def test_folding_takes_case_and_accents_away(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_words_keep_codes_and_hyphenated_names_whole() -> None:
    assert words("Wi-Fi fails: 0x80070005, KB5034441; john's v1.2.3 (a_b)") == [
        *("wi-fi", "fails", "0x80070005", "kb5034441", "john's", "v1.2.3", "a_b")
    ]


@pytest.mark.parametrize(
    ("lang", "one", "other"),
    [
        ("en", "resetting passwords", "reset password"),
        ("pl", "hasła", "hasło"),
        ("ru", "пароля", "пароль"),
        ("it", "stampanti", "stampante"),
        ("nl", "printers", "printer"),
    ],
)
def test_forms_of_one_word_share_their_term(lang: str, one: str, other: str) -> None:
    assert set(terms(one, [lang])) & set(terms(other, [lang])) == set(terms(other, [lang]))


def test_a_word_gives_one_term_for_each_language_that_stems_it_differently() -> None:
    assert terms("prints", ["en", "nl"]) == ["print", "prints"]
    assert terms("vpn", ["en", "nl", "it"]) == ["vpn"]


def test_a_language_without_a_stemmer_keeps_the_folded_word() -> None:
    assert terms("Łódź Passwords", ["cs"]) == ["lodz", "passwords"]
    assert terms("Passwords", []) == ["passwords"]


def test_a_code_counts_whole_and_in_its_parts_and_is_never_stemmed() -> None:
    assert terms("0x80070005", ["en"]) == ["0x80070005"]
    assert terms("KB-5034441s", ["en"]) == ["kb-5034441s", "kb", "5034441s"]
    assert terms("Wi-Fi", ["en"]) == ["wi-fi", "wi", "fi"]


def test_a_script_without_spaces_gives_pairs_of_characters() -> None:
    assert terms("パスワード", ["ja"]) == ["パス", "スワ", "ワー", "ード"]
    assert terms("中", ["zh"]) == ["中"]


def test_wide_letters_and_digits_are_read_as_usual_ones() -> None:
    assert terms("ＶＰＮ ０ｘ８０", ["en"]) == ["vpn", "0x80"]


def test_stemmers_are_safe_in_threads() -> None:
    text = "resetting the passwords of printers " * 50
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: terms(text, ["en", "pl"]), range(40)))
    assert results == [terms(text, ["en", "pl"])] * 40


@given(st.text(max_size=80), st.lists(st.sampled_from([*STEMMERS, "xx"]), max_size=4))
def test_any_text_has_terms_without_spaces(text: str, langs: list[str]) -> None:
    assert [term for term in terms(text, langs) if term == "" or term.split() != [term]] == []
