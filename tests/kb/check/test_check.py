"""What a check does beside its rules: bad input, other forms of input, --fix, its report."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.articles import MAX_BYTES
from kb.check import CheckSettings, Report, check, mend, schema
from kb.check.near_duplicates import near_duplicates
from kb.check.pages import Pages, read
from kb.embedding import HashEmbedder
from kb.errors import SourceError
from tests.conftest import Write

TODAY = date(2026, 11, 22)


def told(report: Report) -> list[tuple[str, int, str]]:
    return [(finding.path, finding.line, finding.rule) for finding in report.findings]


# --- bad input -----------------------------------------------------------------------------------------------------


def test_files_that_cannot_be_read_are_told_and_the_others_are_checked(write: Write) -> None:
    source = write({"good.md": "See [this](gone.md).", "large.md": "x" * (MAX_BYTES + 1)})
    (source / "latin.md").write_bytes("Zażółć\n".encode() + "gęś".encode("latin2"))
    (source / "zero.md").write_bytes(b"PK\0\0")
    (source / "loop.md").symlink_to("loop.md")
    (source / "gone-away.md").symlink_to("nowhere.md")
    (source / "circle").symlink_to(".")
    (source / "sound.md").symlink_to("good.md")
    assert told(check(source, today=TODAY)) == [
        ("circle", 0, "unreadable"),
        ("gone-away.md", 0, "unreadable"),
        ("good.md", 1, "dead-link"),
        ("large.md", 0, "unreadable"),
        ("latin.md", 2, "unreadable"),
        ("loop.md", 0, "unreadable"),
        ("sound.md", 1, "dead-link"),
        ("zero.md", 0, "unreadable"),
    ]


def test_an_empty_folder_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no Markdown files"):
        check(tmp_path, today=TODAY)
    with pytest.raises(SourceError, match="does not exist"):
        check(tmp_path / "nowhere", today=TODAY)


def test_a_rule_that_does_not_exist_cannot_be_switched_off(write: Write) -> None:
    with pytest.raises(SourceError, match="There is no rule dead-lnk to switch off"):
        check(write({"a.md": "Text."}), CheckSettings(off=frozenset({"dead-lnk"})), today=TODAY)


_PIECES = st.sampled_from(
    """---N|title: |questions:N|  - |check_off: [|review_by: |<<<<<<< aN|=======N|>>>>>>> bN|[a](|![|](x.png)|<a href='
    |<img src=|<!-- check-off:|-->|```N|:::image source="|[!INCLUDE [x](|## |://a:|@b.cd|+48 60|sk_live_|eyJ|..\\|%zz
    |//[|#|&|-----BEGIN PRIVATE KEY-----N|/en/articles/|mailto:|*x|{|'|"|N|\u0000|\ud7ff|é""".replace("N", "\n").split(
        "|"
    )
)


@given(st.lists(_PIECES | st.text(max_size=12), max_size=30).map("".join))
def test_no_text_makes_a_check_raise(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "a.md").write_bytes(text.encode(errors="surrogatepass"))
    (folder / "b.md").write_text("## One\n", encoding="utf-8")
    report = check(folder, today=TODAY)
    lines = text.count("\n") + text.count("\r") + 2
    assert all(0 <= finding.line <= lines for finding in report.findings)
    mend(folder, report.findings)


# --- other forms of input ------------------------------------------------------------------------------------------


def test_a_jsonl_file_is_checked_by_its_rows(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "title": "One", "body": "# One\n\n#### Deep", "questions": ["how"]},
        {"id": "b", "title": "One", "body": "Write to j.kowalczyk77@gmail.com.", "questions": ["How"]},
        {"id": "a", "title": "Two", "body": "Again."},
        {"id": "c", "title": "", "body": ""},
    ]
    source = tmp_path / "articles.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert told(check(source, today=TODAY)) == [
        ("articles.jsonl", 1, "heading-jump"),
        ("articles.jsonl", 2, "duplicate-title"),
        ("articles.jsonl", 2, "duplicate-question"),
        ("articles.jsonl", 2, "personal-data"),
        ("articles.jsonl", 3, "duplicate-id"),
        ("articles.jsonl", 4, "empty"),
    ]


def test_what_the_site_gives_to_readers_is_no_personal_data(write: Write) -> None:
    source = write({"a.md": "Write to anna.nowicka@firma.pl or call +48 601 582 934.\n"})
    known = frozenset({"anna.nowicka@firma.pl", "+48 601 582 934"})
    assert len(check(source, today=TODAY).findings) == 2
    assert check(source, CheckSettings(known=known), today=TODAY).findings == ()


def test_whole_addresses_of_our_own_site_are_followed(write: Write) -> None:
    source = write(
        {"a.md": "[one](https://help.example.com/en/articles/a) [two](https://help.example.com/en/articles/b)\n"}
    )
    assert check(source, today=TODAY).findings == ()
    (finding,) = check(source, CheckSettings(base_url="https://help.example.com/"), today=TODAY).findings
    assert finding.message == "No article has the id 'b'."


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("AKIA" + "QYLPMN5HHHFPZAM2", "a key of Amazon Web Services"),
        ("gh" + "p_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX", "a token of GitHub"),
        ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "a key of Stripe"),
        ("fl_" + "Zk3v9QpL0xWb7TnYc2RsUeHd5JmA8GfK1oXi6NqP4tB", "a token or a webhook's secret of Firstline"),
        (
            "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEAx0m0YvH1r8Hq3J3v5bS6l0Fv5m5v1q7d",
            "a private key",
        ),
        ("dop" + "_v1_" + "9f8c1e7ab2d34056" * 4, "a token of DigitalOcean"),
        ("api_key" + " = 9fK2mQ7xLr4TzW8bVn3YcJ6hPd5GsA1e", "a key or token"),
        ("AKIA" + "IOSFODNN7EXAMPLE", None),
        ("PublicKey" + "Token=31bf3856ad364e3531bf3856ad364e35, key: my-long-name-of-a-thing-without-end", None),
        ("sk_" + "live_xxxxxxxxxxxxxxxxxxxxxxxx", None),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\n…", None),
    ],
)
def test_a_secret_is_told_without_being_repeated(write: Write, secret: str, kind: str | None) -> None:
    findings = check(write({"a.md": f"One line\n\n`{secret}`\n"}), today=TODAY).findings
    assert [(finding.line, finding.message.split(":")[0]) for finding in findings] == (
        [(3, f"This looks like {kind}")] if kind else []
    )
    assert all(secret[-12:] not in str(finding) for finding in findings)


# --- what the author is given --------------------------------------------------------------------------------------


def test_fix_mends_what_is_certain_and_a_second_time_nothing(write: Write) -> None:
    source = write(
        {
            "a.md": "---\nTitle: A\n---\n[one](B.md) [two](old.md#Top-Of-It)\n\n[three](sub/C.html) [gone](gone.md)\n",
            "b.md": "---\nredirect_from: [old]\n---\n## Top of it\n",
            "sub/C.md": "Text.\n",
        }
    )
    path = source / "a.md"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    done = mend(source, check(source, today=TODAY).findings)
    assert (done.findings, done.files, done.uncommitted) == (4, ("a.md",), ())
    again = check(source, today=TODAY)
    assert mend(source, again.findings).findings == 1  # the anchor, seen once the link leads there
    assert path.read_bytes().decode() == (
        "\ufeff---\r\ntitle: A\r\n---\r\n[one](b.md) [two](b.md#top-of-it)\r\n\r\n[three](sub/C.md) [gone](gone.md)\r\n"
    )
    last = check(source, today=TODAY)
    assert told(last) == [("a.md", 6, "dead-link")]
    assert mend(source, last.findings).files == ()


def test_fix_mends_references_where_they_are_defined_and_a_link_that_stands_twice(write: Write) -> None:
    source = write(
        {
            "a.md": "[one][b] and [two][b]\n\n[one](B.md#One) [two](B.md#One) [the form](the form.pdf) (three)[b.md]\n"
            "\n[b]: <B.md> 'Title'\n",
            "b.md": "## One\n",
            "the form.pdf": "PDF",
        }
    )
    for _ in range(2):
        mend(source, check(source, today=TODAY).findings)
    assert (source / "a.md").read_text(encoding="utf-8") == (
        "[one][b] and [two][b]\n\n[one](b.md#one) [two](b.md#one) [the form](<the form.pdf>) [three](b.md)\n\n"
        "[b]: <b.md> 'Title'\n"
    )


def test_fix_leaves_another_link_alone_that_holds_the_address_of_a_reference(write: Write) -> None:
    text = "[one][b] and [two](xB.md)\n\n[b]: B.md\n"
    source = write({"a.md": text, "b.md": "Text.\n", "xB.md": "More.\n"})
    mend(source, check(source, today=TODAY).findings)
    assert (source / "a.md").read_text(encoding="utf-8") == "[one][b] and [two](xB.md)\n\n[b]: b.md\n"


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("[x](https://a.example.com/new form.pdf)", "[x](<https://a.example.com/new form.pdf>)"),
        ("[x](https://a.example.com/a%2Fb new.pdf)", "[x](<https://a.example.com/a%2Fb new.pdf>)"),
        ("[x](https://a.example.com is where it was)", ""),
        ('[x](https://a.example.com/a.pdf "a "form".pdf)', ""),
        ("[x](no%23 1.md)", "[x](<no%23 1.md>)"),
        ("[x](a<b .md)", ""),
    ],
)
def test_fix_takes_an_address_with_a_space_as_it_stands_and_nothing_that_may_be_more_than_one(
    write: Write, written: str, mended: str
) -> None:
    source = write({"a.md": f"See {written} there\n", "no# 1.md": "Text.\n", "a<b .md": "Text.\n"})
    found = check(source, today=TODAY)
    assert ("a.md", 1, "raw-markup") in told(found)
    mend(source, found.findings)
    assert (source / "a.md").read_text(encoding="utf-8") == f"See {mended or written} there\n"


def test_a_line_that_changed_meanwhile_is_left_alone(write: Write) -> None:
    source = write({"a.md": "[one](B.md)\n", "b.md": "Text.\n"})
    report = check(source, today=TODAY)
    (source / "a.md").write_text("Another first line\n[one](B.md)\n", encoding="utf-8")
    assert mend(source, report.findings).findings == 0


def test_warnings_fail_only_where_that_is_wanted(write: Write) -> None:
    source = write({"a.md": "### Deep\n"})
    assert not check(source, today=TODAY).failed
    assert check(source, CheckSettings(strict=True), today=TODAY).failed
    assert not check(source, CheckSettings(off=frozenset({"heading-jump"}), strict=True), today=TODAY).failed


def test_a_report_as_json_says_what_stands_in_it(write: Write) -> None:
    report = check(write({"a.md": "[one](B.md)\n", "b.md": "### Deep\n"}), today=TODAY)
    assert report.as_json() == {
        "files": 2,
        "errors": 1,
        "warnings": 1,
        "failed": True,
        "findings": [
            {
                "path": "a.md",
                "line": 1,
                "rule": "dead-link",
                "severity": "error",
                "message": "B.md leads nowhere: there is no B.md.",
                "fix": "Write b.md.",
                "fixable": True,
            },
            {
                "path": "b.md",
                "line": 1,
                "rule": "heading-jump",
                "severity": "warning",
                "message": "The heading 'Deep' of level 3 comes after the title.",
                "fix": "Make it level 2.",
                "fixable": False,
            },
        ],
    }


def test_the_schema_is_one_and_knows_every_key_that_is_read() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    from kb.articles import _READ

    assert _READ - schema()["properties"].keys() == {"published"}  # Jekyll's word, which other programs give dates


def test_articles_that_say_the_same_are_told_once(write: Write, data: Path) -> None:
    same = "Open the settings, choose the printer and press print. Then wait for the paper to come out.\n"
    source = write(
        {
            "en/a.md": f"---\ntitle: Print a page\n---\n{same}",
            "en/b.md": f"---\ntitle: Print a page\nid: again\nstatus: draft\n---\n{same}[](x)\n",
            "en/c.md": "---\ntitle: Reset a password\n---\nOpen the portal, type your name and choose a new one.\n",
            "pl/d.md": f"---\ntitle: Print a page\n---\n{same}",
        }
    )

    def progress(stage: str, done: int, total: int) -> None: ...

    pages: Pages = read(source, "en")
    (finding,) = near_duplicates(pages, data, HashEmbedder.NAME, progress)
    assert (finding.path, finding.rule) == ("en/b.md", "near-duplicate")
    assert finding.message == "It says nearly the same as en/a.md (likeness 1.00)."
