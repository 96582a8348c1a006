"""Error codes and model numbers: what is one, how else it is written, and which article it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.analysis import fold
from kb.codes import codes, is_code, named
from kb.rank import FEATURES
from kb.search import Query, Searcher
from tests.built import searched


@pytest.mark.parametrize(
    "token",
    ["0x80070005", "aadsts50126", "kb5034441", "80070005", "0x800f0922", "802.11ax", "hcw8018", "30016-4", "ms12-060"],
)
def test_error_codes_and_model_numbers_are_codes(token: str) -> None:
    assert is_code(token) is True


@pytest.mark.parametrize(
    "token",
    [
        *("2024", "1.2.3", "windows", "ipad2", "v2", "10", "wi-fi", "", "h2o", "v2.0.1", "windows11", "10.0.22631"),
        *("office365", "office2016", "97-2003", "2019-2021", "6/24/2016", "2026-11-03", "10000", "250000"),
        *("outlook.office365.com", "smtp-legacy.office365.com", r"hklm\software\office\16.0", "applewebkit/537.36"),
    ],
)
def test_years_versions_days_addresses_and_words_are_no_codes(token: str) -> None:
    assert is_code(token) is False


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Error 0x80070005!", {"0x80070005": ("0x80070005", "80070005")}),
        ("error 8007000E", {"8007000e": ("8007000e", "0x8007000e")}),
        ("after KB5034441", {"kb5034441": ("kb5034441", "5034441")}),
        ("after KB 5034441", {"kb5034441": ("kb5034441", "5034441")}),
        ("HCW 8018 is shown", {"hcw8018": ("hcw8018",)}),
        ("Office 2016 on Windows 11", {}),
    ],
)
def test_each_code_of_a_text_comes_with_the_other_ways_to_write_it(
    text: str, found: dict[str, tuple[str, ...]]
) -> None:
    assert codes(text) == found


@given(st.text(max_size=60))
def test_a_code_is_always_its_own_first_spelling(text: str) -> None:
    for code, spellings in codes(text).items():
        assert (spellings[0], fold(code), len(set(spellings))) == (code, code, len(spellings))


def _named(searcher: Searcher, text: str) -> dict[str, float]:
    count = len(searcher.snapshot.entries)
    found = named(text, searcher.snapshot, np.arange(count), np.ones(count, bool))
    return {searcher.entry(n).article.id: round(float(sure), 3) for n, sure in enumerate(found) if sure}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """Mail is asked about in nearly the words of many articles; only one of them has the code."""
    others = {
        f"mail-{n}.md": f"# Mail does not open {n}\n\nMail does not open today. Error 3014 stands there.\n"
        for n in range(6)
    }
    return searched(
        tmp_path_factory.mktemp("desk"),
        {
            **others,
            "vault.md": "# Vault\n\nThe vault is locked: HCW8018.\n",
            "update.md": "# Updates\n\nA long list: 5034441 fails with 0x80070005.\n",
            "again.md": "# Setup\n\nSetup stops with 0x80070005 too.\n",
        },
    )


def test_a_code_that_one_article_has_wins_over_the_words_that_many_have(desk: Searcher) -> None:
    found = desk.rank(Query("when I open mail it says HCW8018", exact=True))
    assert desk.entry(found.hits[0].article).article.id == "vault"


def test_a_code_names_an_article_the_less_the_more_articles_have_it(desk: Searcher) -> None:
    assert _named(desk, "what is hcw8018") == {"vault": 1.0}
    both = _named(desk, "what is 0x80070005")
    assert both.keys() == {"update", "again"}
    assert both["update"] == both["again"] < 1.0


def test_of_several_codes_each_has_its_share(desk: Searcher) -> None:
    assert _named(desk, "hcw8018 and 0x80070005").keys() == {"vault", "update", "again"}
    assert _named(desk, "hcw8018 and 0x80070005")["vault"] < 1.0
    assert _named(desk, "hcw8018 and aadsts50126") == {"vault": 1.0}  # a code that no article has takes nothing away


@pytest.mark.parametrize("asked", ["KB5034441", "kb 5034441", "5034441"])
def test_digits_alone_name_an_article_less_surely(desk: Searcher, asked: str) -> None:
    assert _named(desk, asked) == {"update": 0.8}


def test_a_hexadecimal_code_is_found_without_its_prefix(desk: Searcher) -> None:
    assert _named(desk, "80070005").keys() == {"update", "again"}


def test_translations_of_an_article_make_its_code_no_less_rare(tmp_path: Path) -> None:
    pages = {f"{lang}/vault.md": "# Vault\n\nThe vault is locked: HCW8018.\n" for lang in ("en", "pl", "nl")}
    searcher = searched(tmp_path, {**pages, "en/other.md": "# Other\n\nText.\n"})
    column = searcher.find(Query("HCW8018")).evidence[:, FEATURES.index("codes")]
    assert sorted(column[column > 0].tolist()) == [1.0, 1.0, 1.0]


def test_a_question_left_out_does_not_name_its_article_by_its_own_code(tmp_path: Path) -> None:
    asked = "---\nquestions: [what does HCW8018 mean]\n---\n"
    searcher = searched(tmp_path, {"a.md": f"{asked}# Vault\n\nIt is locked.\n", "b.md": "# Other\n\nText HCW8019.\n"})
    row = next(n for n, passage in enumerate(searcher.snapshot.passages) if "HCW8018" in passage.text)
    group, visible = np.arange(2), np.ones(2, bool)
    assert named("HCW8018", searcher.snapshot, group, visible).tolist() == [1.0, 0.0]
    assert named("HCW8018", searcher.snapshot, group, visible, [row]).tolist() == [0.0, 0.0]
    assert named("HCW8019", searcher.snapshot, group, visible, [row]).tolist() == [0.0, 1.0]


def test_a_question_left_out_leaves_a_code_that_stands_in_the_article_too(tmp_path: Path) -> None:
    text = "---\nquestions: [what does HCW8018 mean]\n---\n# Vault\n\nIt is locked (HCW8018).\n"
    searcher = searched(tmp_path, {"a.md": text})
    row = next(
        n for n, passage in enumerate(searcher.snapshot.passages) if passage.kind != "body" and "HCW" in passage.text
    )
    assert named("HCW8018", searcher.snapshot, np.zeros(1, np.int64), np.ones(1, bool), [row]).tolist() == [1.0]


def test_internal_articles_change_nothing_of_how_surely_a_code_names_a_public_one(tmp_path: Path) -> None:
    internal = "---\naudience: internal\n---\n# Inside {n}\n\nKB5034441, HCW8018 and HCW8019.\n"
    searcher = searched(
        tmp_path,
        {
            "a.md": "# Vault\n\nThe vault is locked: HCW8018.\n",
            "b.md": "# Updates\n\nA long list: 5034441.\n",
            **{f"in-{n}.md": internal.format(n=n) for n in range(3)},
        },
    )
    found = searcher.find(Query("HCW8018 and HCW8019"))
    column = dict(zip(found.articles.tolist(), found.evidence[:, FEATURES.index("codes")].tolist(), strict=True))
    ids = {searcher.entry(n).article.id: sure for n, sure in column.items()}
    assert ids["a"] == 1.0  # neither rarer nor less of the question for what stands inside
    update = searcher.find(Query("KB5034441"))
    assert update.evidence[:, FEATURES.index("codes")].max() == pytest.approx(0.8)
