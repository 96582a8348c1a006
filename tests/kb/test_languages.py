from __future__ import annotations

import pytest

from kb.languages import CODES, normalise


@pytest.mark.parametrize(
    ("tag", "code"),
    [("pl", "pl"), ("PL", "pl"), (" en ", "en"), ("pt-BR", "pt"), ("en_us", "en"), ("zh-Hans", "zh"), ("es-419", "es")],
)
def test_a_language_tag_is_read_as_its_two_letter_code(tag: str, code: str) -> None:
    assert normalise(tag) == code


@pytest.mark.parametrize("tag", ["", "xx", "english", "e", "docs", "en-", "en-us-x", "en/us", "01", "ёж"])
def test_what_names_no_language_gives_none(tag: str) -> None:
    assert normalise(tag) is None


def test_every_known_code_is_its_own_normal_form() -> None:
    assert {normalise(code) for code in CODES} == CODES
