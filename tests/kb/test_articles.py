from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.articles import MAX_BYTES, load, source_files
from kb.errors import EvaluationFileError, SourceError
from kb.models import Article, ArticleKey, Skipped
from tests.conftest import Write


def _only(folder: Path) -> Article:
    loaded = load(folder)
    assert loaded.skipped == ()
    (article,) = loaded.articles
    return article


def _skipped(folder: Path) -> Skipped:
    loaded = load(folder)
    assert loaded.articles == ()
    (skipped,) = loaded.skipped
    return skipped


# --- what is read ------------------------------------------------------------------------------------------------


def test_every_key_of_the_contract_is_read_and_unknown_ones_are_kept(write: Write) -> None:
    folder = write(
        {
            "x.md": "---\nid: reset\ntitle: Reset it\nlang: pl\naudience: internal\ntopic: accounts\nsummary: How\n"
            'questions: [one, "two: three"]\nnot_for: [other]\nkeywords: [login]\nstatus: published\n'
            "review_by: 2027-05-01\nowner: team\nredirect_from: [old]\nms.date: 2024-01-02\n"
            "2024-03-04: [a]\n---\n\nText\n"
        }
    )
    assert _only(folder) == Article(
        id="reset",
        lang="pl",
        title="Reset it",
        body="\nText\n",
        path="x.md",
        body_line=18,
        audience="internal",
        topic="accounts",
        summary="How",
        questions=("one", "two: three"),
        not_for=("other",),
        keywords=("login",),
        review_by="2027-05-01",
        owner="team",
        redirect_from=("old",),
        extra={"ms.date": "2024-01-02", "2024-03-04": ["a"]},
    )


def test_dates_below_an_unknown_key_are_kept_as_text(write: Write) -> None:
    folder = write({"a.md": "---\nchanges:\n  2024-01-01: first\n  by: [2024-05-06]\n---\nText"})
    assert _only(folder).extra == {"changes": {"2024-01-01": "first", "by": ["2024-05-06"]}}
    assert json.loads(json.dumps(_only(folder).extra)) == _only(folder).extra


def test_a_page_without_front_matter_takes_id_topic_and_title_from_where_it_stands(write: Write) -> None:
    loaded = load(write({"a/b/reset.md": "# Reset *the* `password` ##\n\nText", "c/other.md": "Text"}))
    assert [(a.id, a.topic, a.title, a.lang, a.audience) for a in loaded.articles] == [
        ("a/b/reset", "a", "Reset the password", "en", "public"),
        ("c/other", "c", "Other", "en", "public"),
    ]


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# First\n\n## Second", "First"),
        ("## Only a second level\n\nText", "Only a second level"),
        ("Setext title\n============\n\nText", "Setext title"),
        ("# With an id {#own}\n", "With an id"),
        ("# [Linked](x.md) & **bold** `code`", "Linked & bold code"),
        ("```sh\n# a comment in code\n```\n\n# The title\n", "The title"),
        ("Text only", "How to print"),
        ("### Too deep\n", "How to print"),
        ("#No space\n", "How to print"),
        (f"# a{' ' * 20_000}b\n", "a b"),
    ],
)
def test_the_title_is_the_first_heading_or_else_the_name(write: Write, body: str, title: str) -> None:
    assert _only(write({"how-to_print.md": body})).title == title


@pytest.mark.parametrize(("name", "title"), [("printing/index.md", "Printing"), ("_.md", "_"), ("a--b.md", "A b")])
def test_a_name_makes_a_title_even_where_it_holds_no_word(write: Write, name: str, title: str) -> None:
    assert _only(write({name: "Text"})).title == title


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("pl/accounts/reset.md", ("accounts/reset", "pl")),
        ("accounts/reset.pl.md", ("accounts/reset", "pl")),
        ("pt-BR/reset.md", ("reset", "pt")),
        ("accounts/reset.v2.md", ("accounts/reset.v2", "en")),
        ("it.md", ("it", "en")),
        ("accounts/it/reset.md", ("accounts/it/reset", "en")),
    ],
)
def test_the_language_comes_from_the_first_folder_or_the_file_ending(
    write: Write, path: str, key: tuple[str, str]
) -> None:
    loaded = load(write({path: "Text", "other/x.md": "Text", "z.md": "Text"}))
    assert [article.key for article in loaded.articles if article.path == path] == [ArticleKey(*key)]


def test_language_folders_below_a_shared_content_folder_are_found(write: Write) -> None:
    loaded = load(write({"content/docs/en/a.md": "Text", "content/docs/pl/a.md": "Text"}))
    assert [article.key for article in loaded.articles] == [
        ArticleKey("content/docs/a", "en"),
        ArticleKey("content/docs/a", "pl"),
    ]


def test_the_front_matter_language_wins_over_the_folder_and_the_setting_fills_the_rest(write: Write) -> None:
    folder = write({"pl/a.md": "---\nlang: de-AT\n---\nText", "b.md": "Text"})
    assert {a.path: a.lang for a in load(folder, default_lang="it").articles} == {"pl/a.md": "de", "b.md": "it"}


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\nOne\rTwo\r\n")
    article = _only(tmp_path)
    assert (article.title, article.body, article.body_line) == ("T", "One\nTwo\n", 4)


def test_words_of_other_programs_under_status_do_not_hide_a_page(write: Write) -> None:
    assert _only(write({"a.md": "---\nstatus: new\n---\nText"})).id == "a"


# --- who may see it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["public", "Public", "ITPro", "admin", "Developer", "end-user", "ITPro|developer", "admin | ITPro"]
)
def test_the_kinds_of_reader_of_microsoft_learn_restrict_nothing(write: Write, written: str) -> None:
    assert _only(write({"a.md": f"---\naudience: {written}\n---\nText"})).audience == "public"


@pytest.mark.parametrize(
    ("written", "audience"),
    [
        ("internal", "internal"),
        ("INTERNAL", "internal"),
        ("intern", "intern"),
        ("Finance", "Finance"),
        ("ITPro|Finance", "ITPro|Finance"),
        ("publik", "publik"),
        ("yes", "yes"),
        ('""', ""),
    ],
)
def test_an_audience_nobody_knows_to_be_harmless_restricts(write: Write, written: str, audience: str) -> None:
    assert _only(write({"a.md": f"---\naudience: {written}\n---\nText"})).audience == audience


def test_a_list_of_audiences_is_a_mistake_and_shows_the_article_to_nobody(write: Write) -> None:
    skipped = _skipped(write({"a.md": "---\naudience: [internal, agents]\n---\nText"}))
    assert str(skipped) == ("a.md:2: broken front matter: audience is a list. Write one value: `audience: some text`.")


# --- what is skipped ---------------------------------------------------------------------------------------------


def test_broken_yaml_is_skipped_with_file_line_and_fix_and_the_rest_is_loaded(write: Write) -> None:
    loaded = load(write({"a.md": "---\nid: a\ntitle: Reset: now\n---\nText", "b.md": "Text"}))
    assert [article.id for article in loaded.articles] == ["b"]
    assert [str(entry) for entry in loaded.skipped] == [
        "a.md:3: broken front matter: not valid YAML (mapping values are not allowed in this context); found `title: "
        'Reset: now`. Put quotes around the value: `title: "Reset: now"`.'
    ]


def test_of_two_files_with_one_id_and_language_the_first_is_kept_and_the_other_named(write: Write) -> None:
    loaded = load(write({"b.md": "---\nid: x\n---\nB", "a.md": "---\nid: x\n---\nA", "pl/a.md": "---\nid: x\n---\nPL"}))
    assert [(article.key, article.path) for article in loaded.articles] == [
        (("x", "en"), "a.md"),
        (("x", "pl"), "pl/a.md"),
    ]
    assert [str(entry) for entry in loaded.skipped] == [
        "b.md: duplicate id: 'x' in en is already the id of a.md. "
        "Give one of the two another `id:` in its front matter."
    ]


def test_an_unknown_language_is_named_with_its_line(write: Write) -> None:
    skipped = _skipped(write({"a.md": "---\nid: a\nlang: polish\n---\nText"}))
    assert str(skipped) == (
        "a.md:3: unknown language: lang: polish. Use a two-letter code of ISO 639-1 such as en, pl or pt-BR."
    )


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("status: draft", "draft"),
        ("status: Draft", "draft"),
        ("draft: true", "draft"),
        ("published: false", "draft"),
        ("status: archived", "archived"),
    ],
)
def test_drafts_and_archived_pages_are_skipped_and_no_mistake(write: Write, front: str, reason: str) -> None:
    skipped = _skipped(write({"a.md": f"---\n{front}\n---\nText"}))
    assert (skipped.reason, skipped.harmless) == (reason, True)


def test_a_page_without_text_is_a_mistake_to_mend(write: Write) -> None:
    skipped = _skipped(write({"a.md": "---\ntitle: T\n---\n\n  \n"}))
    assert (str(skipped), skipped.harmless) == (
        "a.md: empty: no text below the front matter. Write it, or delete the file.",
        False,
    )


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("README.md", "README.md is about the repository"),
        ("docs/CONTRIBUTING.md", "CONTRIBUTING.md is about the repository"),
        ("includes/part.md", "a fragment for other pages (folder includes)"),
        ("a/_Partials/b/part.md", "a fragment for other pages (folder _Partials)"),
    ],
)
def test_pages_about_the_repository_and_fragments_are_no_articles(write: Write, name: str, detail: str) -> None:
    skipped = _skipped(write({name: "Text"}))
    assert (skipped.reason, skipped.detail, skipped.harmless) == ("not an article", detail, True)


def test_a_readme_with_front_matter_is_an_article(write: Write) -> None:
    assert _only(write({"README.md": "---\nid: start\n---\nText"})).id == "start"


def test_a_binary_named_md_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert str(_skipped(tmp_path)) == (
        "a.md: not text: it holds zero bytes. Is it a picture or an archive with a wrong name?"
    )


def test_text_that_is_not_utf_8_names_the_line_and_byte(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes("One\nTwo\nhasło".encode("iso-8859-2"))
    assert str(_skipped(tmp_path)) == "a.md:3: not text: byte 11 (0xb3) is not UTF-8. Save the file as UTF-8."


def test_a_file_of_five_megabytes_is_skipped_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"word " * 1_000_000)
    assert str(_skipped(tmp_path)) == (
        "a.md: too large: 5,000,000 bytes, at most 1,000,000 are read. "
        "Split it into articles that answer one question each."
    )


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"x" * MAX_BYTES)
    assert len(_only(tmp_path).body) == MAX_BYTES


def test_a_file_that_vanishes_while_loading_is_skipped_as_unreadable(write: Write) -> None:
    folder = write({"a.md": "Text", "b.md": "Text"})
    loaded = load(folder, on_file=lambda path: path.unlink() if path.name == "b.md" else None)
    assert [article.id for article in loaded.articles] == ["a"]
    assert [str(entry) for entry in loaded.skipped] == [
        "b.md: unreadable: No such file or directory. Check the file's permissions."
    ]


def test_a_file_whose_name_is_not_utf_8_is_skipped_with_a_name_that_can_be_shown(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/has\xb3o.md")).write_text("Text")
    assert str(_skipped(tmp_path)) == "has\ufffdo.md: unreadable: its name is not UTF-8. Give the file another name."


# --- sources -----------------------------------------------------------------------------------------------------


def test_a_path_that_is_not_there_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load(tmp_path / "none")
    assert str(caught.value) == f"{tmp_path}/none does not exist. Give a folder of Markdown files or a .jsonl file."


def test_a_file_that_is_no_jsonl_says_what_to_give(write: Write) -> None:
    folder = write({"a.md": "Text"})
    with pytest.raises(SourceError) as caught:
        load(folder / "a.md")
    assert str(caught.value) == (
        f"{folder}/a.md is a file but no .jsonl. Give a folder of Markdown files or a .jsonl file."
    )


def test_files_come_in_path_order_without_hidden_ones_and_other_types(write: Write) -> None:
    folder = write(dict.fromkeys(["b.md", "a/z.MD", "a.markdown", ".git/x.md", "a/.x.md", "c.txt", "d.md.bak"], "Text"))
    assert [path.relative_to(folder).as_posix() for path in source_files(folder)] == ["a.markdown", "a/z.MD", "b.md"]


def test_a_folder_named_like_a_page_is_searched_and_is_no_page(write: Write) -> None:
    assert [article.path for article in load(write({"a.md/b.md": "Text"})).articles] == ["a.md/b.md"]


def _jsonl(folder: Path, *rows: object) -> Path:
    path = folder / "docs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_line_of_a_jsonl_file_is_an_article_or_skipped(tmp_path: Path) -> None:
    path = _jsonl(
        tmp_path,
        {"id": 7, "title": "T", "body": "B", "lang": "pl-PL", "questions": ["q", 5, None, " "], "summary": "S"},
        {"id": "8", "body": "# Heading\n\nText"},
        {"id": "9", "questions": "one question"},
        {"id": "10", "body": " "},
        {"id": "11", "body": "b", "lang": "zz"},
        {"id": "8", "body": "again"},
    )
    loaded = load(path)
    assert loaded.articles == (
        Article(id="7", lang="pl", title="T", body="B", path="docs.jsonl:1", summary="S", questions=("q", "5")),
        Article(id="8", lang="en", title="Heading", body="# Heading\n\nText", path="docs.jsonl:2"),
        Article(id="9", lang="en", title="one question", body="", path="docs.jsonl:3", questions=("one question",)),
    )
    assert [(entry.path, entry.reason) for entry in loaded.skipped] == [
        ("docs.jsonl:4", "empty"),
        ("docs.jsonl:5", "unknown language"),
        ("docs.jsonl:6", "duplicate id"),
    ]
    assert loaded.files == 6


def test_a_default_language_that_is_none_is_told_for_each_line(tmp_path: Path) -> None:
    loaded = load(_jsonl(tmp_path, {"id": "1", "body": "b"}), default_lang="english")
    assert [entry.detail for entry in loaded.skipped] == ["lang: english"]


def test_a_line_without_an_id_stops_the_load(tmp_path: Path) -> None:
    with pytest.raises(EvaluationFileError, match=r"docs\.jsonl:1: missing id; found the keys body\.$"):
        load(_jsonl(tmp_path, {"body": "b"}))


# --- properties --------------------------------------------------------------------------------------------------

_NAMES = st.from_regex(
    r"(?:(?:pl|en|docs|includes|\.git|README)/){0,2}[a-cż]{1,2}(?:\.pl|\.v1)?\.(?:md|markdown|txt)", fullmatch=True
)
_FRONT = st.sampled_from(
    [
        *("id: x", "id: [x]", "lang: pl", "lang: xx", "draft: true", "status: archived", "title: a: b", "audience: x"),
        *("questions: {a: b}", "a: &a [*a]", "tags: 2024-99-99", "2024-01-02: [x]", "!!python/object:os.system x"),
        *("a: !!bool x", "topics: [a, {b: c}]", "? [a]", "x: 0xfff", "- a", "'", "\t", "\u2028: \x85"),
    ]
)
_PAGE = st.lists(_FRONT, max_size=3).map(lambda lines: "\n".join(["---", *lines, "---", "Text"]).encode())
_CONTENT = st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode(errors="replace")) | _PAGE


@given(st.dictionaries(_NAMES, _CONTENT, max_size=6))
@example({"a.md": b"---\n", "b.md": b"---\n---", "c.md": b"\xef\xbb\xbf", "d.md": b"---\na: \xff\n---\n"})
def test_every_file_is_an_article_or_skipped_with_a_reason_whatever_bytes_it_holds(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        for name, content in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        loaded = load(source)
    pages = sorted(name for name in files if not name.endswith(".txt") and not re.search(r"(^|/)\.", name))
    assert sorted([*(a.path for a in loaded.articles), *(s.path for s in loaded.skipped)]) == pages
    assert loaded.files == len(pages)
    keys = [article.key for article in loaded.articles]
    assert len(set(keys)) == len(keys)
    for article in loaded.articles:
        lines = files[article.path].decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert article.body == "\n".join(lines[article.body_line - 1 :])


@given(st.text("# \t{}x=\n*`[]()<>", max_size=80))
def test_any_body_gives_a_title(body: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "name.md").write_text(body, newline="")
        assert [article.title == "" for article in load(Path(folder)).articles] in ([], [False])
