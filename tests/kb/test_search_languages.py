"""Which translation of an article is found, with the real encoder over our own articles."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.search import Query, Searcher
from kb.snapshot import open_current


@pytest.fixture(scope="module")
def searcher(own_data: Path) -> Searcher:
    return Searcher(open_current(own_data))


def first(searcher: Searcher, text: str, lang: str | None) -> tuple[str, str]:
    return searcher.entry(searcher.rank(Query(text, lang=lang)).hits[0].article).article.key


@pytest.mark.parametrize("lang", ["en", "pl", None])
@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("I forgot my password", ("reset-password", "en")),
        ("zapomniałem hasła", ("reset-password", "pl")),
        ("wachtwoord vergeten", ("reset-password", "nl")),
        ("принтер не печатает", ("printer-not-printing", "ru")),
    ],
)
def test_a_sentence_is_answered_in_its_own_language(
    searcher: Searcher, question: str, key: tuple[str, str], lang: str | None
) -> None:
    assert first(searcher, question, lang) == key


@pytest.mark.parametrize("lang", ["en", "nl", "pl", "it", "ru"])
def test_a_word_that_is_the_same_everywhere_is_answered_in_the_asker_s_language(searcher: Searcher, lang: str) -> None:
    assert first(searcher, "VPN", lang) == ("vpn-connect", lang)


def test_an_article_stands_in_a_ranking_once_however_many_translations_it_has(searcher: Searcher) -> None:
    hits = searcher.rank(Query("Outlook")).hits
    ids = [searcher.entry(hit.article).article.id for hit in hits]
    assert len(ids) == len(set(ids)) == 10


@pytest.mark.parametrize("word", ["dostaję", "drukarkom", "hasłami"])
def test_another_form_of_a_word_that_articles_use_is_no_typing_error(searcher: Searcher, word: str) -> None:
    assert searcher.rank(Query(f"nie rozumiem {word}", lang="pl")).corrected == f"nie rozumiem {word}"
