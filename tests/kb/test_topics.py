"""The names of topics: from one file, and what is wrong in it is told and costs nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.articles import load
from kb.topics import topics_of
from tests.conftest import PROJECT, Index, Write

NAMES = "accounts:\n  en: Accounts and passwords\n  pl: Konta i hasła\n"


def test_a_topic_has_a_name_in_each_language(write: Write) -> None:
    assert topics_of(write({"topics.yml": NAMES})) == (
        {"accounts": {"en": "Accounts and passwords", "pl": "Konta i hasła"}},
        [],
    )


def test_without_the_file_no_topic_has_a_name_of_its_own(write: Write) -> None:
    assert topics_of(write({"en/a.md": "# A"})) == ({}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("accounts: [", "topics.yml:1: broken topics"),
        ("- accounts", "topics.yml:1: broken topics: found list instead of topics."),
        ("accounts: Accounts", "broken topics: accounts: found 'Accounts' instead of a name for each language."),
        ("accounts: {english: Accounts}", "'english' is no language"),
        ("accounts: {en: 3}", "the name in en is 3, no text"),
        ("2024-13-45: {en: A}", "broken topics: a value cannot be read (month must be in 1..12); put it in quotes."),
        ("accounts: {en: !!timestamp x}", "broken topics: a value cannot be read"),
        ("[" * 3000, "broken topics: a value cannot be read"),
    ],
)
def test_a_mistake_is_told_and_the_articles_are_published_all_the_same(text: str, told: str, write: Write) -> None:
    loaded = load(write({"en/accounts/a.md": "# A\n\nText.", "topics.yml": text}))
    assert [article.title for article in loaded.articles] == ["A"]
    (skipped,) = loaded.skipped
    assert told in str(skipped)


def test_aliases_that_repeat_without_end_are_not_written_out(write: Write) -> None:
    doubled = ", ".join(f"&a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 18))
    _, (skipped,) = topics_of(write({"topics.yml": f"accounts: {{en: [&a0 [x], {doubled}]}}"}))
    assert len(skipped.detail) < 10_000


def test_a_wrong_topic_leaves_the_others_their_names(write: Write) -> None:
    names, (skipped,) = topics_of(write({"topics.yml": NAMES + "files: 3\n"}))
    assert list(names) == ["accounts"]
    assert not skipped.harmless


def test_a_new_name_makes_a_new_snapshot(write: Write, index: Index) -> None:
    source = write({"en/accounts/a.md": "# A\n\nText.", "topics.yml": NAMES})
    first = index(source)
    (source / "topics.yml").write_text(NAMES.replace("Konta", "Konto"), encoding="utf-8")
    assert index(source).snapshot != first.snapshot


def test_every_topic_of_our_own_articles_has_a_name_in_every_language_of_the_interface() -> None:
    names, skipped = topics_of(PROJECT / "articles")
    assert skipped == []
    public = {path.parent.name for path in (PROJECT / "articles" / "en").glob("*/*.md")} - {"internal"}
    assert set(names) == public
    assert {frozenset(given) for given in names.values()} == {frozenset("de en es fr it nl pl ru".split())}


def test_the_file_is_found_where_the_source_is_a_path(tmp_path: Path) -> None:
    assert topics_of(tmp_path / "articles.jsonl") == ({}, [])
