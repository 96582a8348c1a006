from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.models import INTERNAL, PUBLIC
from kb.search import Searcher
from kb.snapshot import open_current
from kb.typeahead import Typeahead, long_enough
from tests.conftest import Index, Write

ARTICLES = {
    "en/accounts/reset.md": "---\nid: reset\ntitle: Reset a forgotten password\nkeywords: [passcode]\n"
    "questions: [lost my login, say printer]\n---\nText.\n\n## On the telephone\n\nCall.\n",
    "pl/accounts/reset.md": "---\nid: reset\ntitle: Resetowanie zapomnianego hasła\n---\nTekst.\n",
    "en/printing/printer.md": "---\nid: printer\ntitle: The printer does not print\n---\nText.\n\n"
    "## It asks for a password\n\nB.\n",
    "en/network/wifi.md": "---\nid: wifi\ntitle: Connect to the Wi-Fi\nquestions: [password for the wifi]\n---\nT.\n",
    "ja/network/vpn.md": "---\nid: vpn\ntitle: VPNに接続できない場合のパスワード\n---\n本文。\n",
    "ko/network/wifi.md": "---\nid: wifi\ntitle: 무선 인터넷 연결\n---\n본문.\n",
    "en/internal/verify.md": "---\nid: verify\ntitle: Verify a zanzibar caller\naudience: internal\n---\nText.\n",
}
EVERYBODY, AGENTS = frozenset({PUBLIC}), frozenset({PUBLIC, INTERNAL})


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    from kb.build import BuildSettings, build
    from kb.embedding import HashEmbedder
    from tests.conftest import CREATED

    folder = tmp_path_factory.mktemp("typeahead")
    for name, text in ARTICLES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return Searcher(open_current(folder / "data"))


@pytest.fixture(scope="module")
def typeahead(searcher: Searcher) -> Typeahead:
    return searcher.typeahead(EVERYBODY)


def _found(searcher: Searcher, typed: str, lang: str = "en", topic: str | None = None) -> list[str]:
    found = searcher.typeahead(EVERYBODY).find(typed, lang, 5, topic).found
    return [f"{searcher.entry(match.article).article.key}" for match in found]


def test_titles_come_before_questions_and_these_before_headings(searcher: Searcher) -> None:
    assert _found(searcher, "passw") == ["reset (en)", "wifi (en)", "printer (en)"]


def test_the_last_word_is_a_beginning_unless_it_is_finished(searcher: Searcher) -> None:
    assert _found(searcher, "reset forg") == ["reset (en)"]
    assert _found(searcher, "tele") == ["reset (en)"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("pasword", "reset (en)"),
        ("passwrod", "reset (en)"),
        ("passsword", "reset (en)"),
        ("prinnt", "printer (en)"),
        ("pritner not", "printer (en)"),
        ("printing", "printer (en)"),
        ("wi-fi", "wifi (en)"),
        ("WIFI conn", "wifi (en)"),
        ("how do I reset my pas", "reset (en)"),
        ("passc", "reset (en)"),
        ("haslo", "reset (pl)"),
    ],
)
def test_typing_errors_stems_and_words_of_no_weight_do_not_stand_in_the_way(
    searcher: Searcher, typed: str, first: str
) -> None:
    assert _found(searcher, typed)[:1] == [first]


def test_where_no_article_has_all_words_those_with_all_but_one_are_shown(searcher: Searcher) -> None:
    assert _found(searcher, "printer zebra") == ["printer (en)", "reset (en)"]
    assert _found(searcher, "zebra") == []


def test_an_article_comes_once_in_the_reader_s_language_first(searcher: Searcher) -> None:
    assert _found(searcher, "reset", "pl") == ["reset (pl)"]
    assert _found(searcher, "reset", "en") == ["reset (en)"]
    assert _found(searcher, "reset", "ja") == ["reset (en)"]


def test_a_topic_limits_what_is_found(searcher: Searcher) -> None:
    assert _found(searcher, "password", topic="network") == ["wifi (en)"]
    assert _found(searcher, "password", topic="nowhere") == []


def test_two_characters_are_enough_where_they_are_a_word_and_stand_anywhere_in_a_run(searcher: Searcher) -> None:
    assert [long_enough(text) for text in ("pa", "p a", "pas", "接続", "연결", "接", " パ ")] == [
        False, False, True, True, True, False, False,
    ]  # fmt: skip
    assert _found(searcher, "pa") == []
    assert _found(searcher, "接続") == ["vpn (ja)"]
    assert _found(searcher, "スワード", "ja") == ["vpn (ja)"]
    assert _found(searcher, "인터") == ["wifi (ko)"]


def test_what_an_audience_may_not_see_is_not_found_nor_corrected_to(searcher: Searcher) -> None:
    for typed in ("zanzibar", "zanzibra", "verify", "zan"):
        assert _found(searcher, typed) == []
    assert "zanzibar" not in searcher.typeahead(EVERYBODY)._vocabulary
    (match,) = searcher.typeahead(AGENTS).find("zanzibra").found
    assert searcher.entry(match.article).article.id == "verify"


def test_a_match_names_the_line_that_fits_and_what_to_mark_in_it(searcher: Searcher, typeahead: Typeahead) -> None:
    matches = typeahead.find("telehone", "en")
    (match,) = matches.found
    assert (match.kind, match.line) == ("heading", "On the telephone")
    assert match.section is not None
    assert match.section.anchor == "on-the-telephone"
    found = typeahead.find("forgoten pas", "en")
    assert found.wanted.marks("Reset a forgotten password", "en") == ((8, 17), (18, 26))


def test_an_index_is_made_once_and_kept_when_more_is_learned(searcher: Searcher) -> None:
    assert searcher.with_learned([]).typeahead(EVERYBODY) is searcher.typeahead(EVERYBODY)


def test_a_base_without_articles_for_somebody_finds_nothing(write: Write, index: Index, data: Path) -> None:
    index(write({"en/x.md": "---\naudience: internal\n---\n# Secret\n\nText.\n"}))
    assert Searcher(open_current(data)).typeahead(EVERYBODY).find("secret").found == ()


@given(st.text(max_size=40), st.sampled_from(["", "en", "pl", "ja", "xx"]))
def test_whatever_is_typed_finds_articles_once_each_or_none(searcher: Searcher, typed: str, lang: str) -> None:
    ids = [key.rpartition(" ")[0] for key in _found(searcher, typed, lang)]
    assert len(ids) == len(set(ids)) <= 5
