"""Questions of articles, asked as if nobody had written them down."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.expect import Outcome, Run
from kb.models import ArticleKey
from tests.kb.expect.desk import MAIL, VPN, asked, asked_once, written


def _of(run: Run, text: str) -> Outcome:
    return next(outcome for outcome in run.outcomes if outcome.text == text)


def test_a_question_that_finds_its_article_only_through_itself_fails(tmp_path: Path) -> None:
    alone = MAIL.replace("  - my mailbox is full\n", "  - my mailbox is full\n  - vpn tunnel slow\n")
    run = asked(written(tmp_path / "a", {"en/mail.md": alone, "en/vpn.md": VPN}), tmp_path / "data")

    failing = _of(run, "vpn tunnel slow")
    assert [outcome.text for outcome in run.failures] == ["vpn tunnel slow"]
    assert (failing.path, failing.line, failing.place, failing.above) == ("en/mail.md", 6, 2, ("vpn",))
    assert failing.rival is not None
    assert (failing.rival.key, failing.rival.part) == (ArticleKey("vpn", "en"), "body")
    assert run.failed


def test_k_says_among_how_many_articles_a_question_has_to_find_its_own(tmp_path: Path) -> None:
    source = written(tmp_path / "a", {"en/mail.md": MAIL.replace("my mailbox is full", "vpn"), "en/vpn.md": VPN})
    assert [outcome.text for outcome in asked(source, tmp_path / "data", k=1).failures] == ["vpn"]
    assert asked(source, tmp_path / "data", k=2).failures == ()


def test_a_not_for_entry_fails_where_its_article_comes_first_whatever_k_is(tmp_path: Path) -> None:
    mail = MAIL.replace("---\nEmpty", "not_for: [mailbox, tunnel]\n---\nEmpty")
    run = asked(written(tmp_path / "a", {"en/mail.md": mail, "en/vpn.md": VPN}), tmp_path / "data", k=3)

    failing = _of(run, "mailbox")
    assert run.failures == (failing,)
    assert (failing.kind, failing.line, failing.place) == ("not_for", 6, 1)
    assert _of(run, "tunnel").passed


def test_a_question_is_asked_by_somebody_who_may_see_its_article(tmp_path: Path) -> None:
    inside = "---\nid: inside\naudience: internal\nquestions: [reset a token]\n---\n# Reset tokens\n\nDo it.\n"
    shown = "---\nid: shown\nquestions: [token for the vpn tunnel]\n---\n# Vpn tunnel\n\nUse the vpn tunnel.\n"
    run = asked(written(tmp_path / "a", {"inside.md": inside, "shown.md": shown}), tmp_path / "data")
    assert [(outcome.text, outcome.passed) for outcome in run.outcomes] == [
        ("reset a token", True),
        ("token for the vpn tunnel", True),
    ]


def test_the_same_words_in_two_articles_are_told_as_a_clash_on_both(tmp_path: Path) -> None:
    vpn = VPN.replace("---\nStart", "  - My  mailbox is FULL\n---\nStart")
    run = asked(written(tmp_path / "a", {"en/mail.md": MAIL, "en/vpn.md": vpn}), tmp_path / "data")

    clash = _of(run, "My  mailbox is FULL")
    assert [(twin.path, twin.line, twin.part) for twin in clash.clashes] == [("en/mail.md", 5, "question")]
    assert [twin.path for twin in _of(run, "my mailbox is full").clashes] == ["en/vpn.md"]
    assert not clash.passed


def test_words_that_a_translation_or_the_title_has_too_are_told_but_no_clash(tmp_path: Path) -> None:
    polish = "---\nid: mail\ntitle: my mailbox is full\n---\nOpróżnij skrzynkę.\n"
    run = asked(written(tmp_path / "a", {"en/mail.md": MAIL, "pl/mail.md": polish}), tmp_path / "data")
    (outcome,) = run.outcomes
    assert [(twin.path, twin.part) for twin in outcome.twins] == [("pl/mail.md", "title")]
    assert (outcome.clashes, outcome.passed) == ((), True)


def test_a_question_does_not_find_itself_in_another_language_or_with_other_dots(tmp_path: Path) -> None:
    polish = "---\nid: mail\ntitle: Skrzynka\nquestions: [Vpn-tunnel crash!]\n---\nOpróżnij skrzynkę.\n"
    mail = MAIL.replace("my mailbox is full", "vpn-tunnel crash?\n  - Vpn-tunnel crash")
    run = asked(written(tmp_path / "a", {"en/mail.md": mail, "pl/mail.md": polish, "en/vpn.md": VPN}), tmp_path / "d")
    assert [(outcome.path, outcome.above, outcome.twins) for outcome in run.failures] == [
        ("en/mail.md", ("vpn",), ()),
        ("en/mail.md", ("vpn",), ()),
        ("pl/mail.md", ("vpn",), ()),
    ]


def test_questions_of_a_file_that_cannot_be_read_are_told_as_not_tested(tmp_path: Path) -> None:
    files = {"en/mail.md": MAIL, "en/broken.md": '---\ntitle: "x\n---\nText.\n', "README.md": "# Us\n"}
    run = asked(written(tmp_path / "a", files), tmp_path / "data")
    assert [(one.path, one.reason) for one in run.untested] == [("en/broken.md", "broken front matter")]
    assert run.failed
    assert not run.failures


@pytest.mark.parametrize(
    ("written_as", "lines"),
    [
        ("questions: [full mailbox,\n  mailbox full]\n", [4, 5]),
        ("questions:\n  - full mailbox\n  -\n  # a comment\n  - >-\n    mailbox\n    full\n", [5, 8]),
        ("questions: full mailbox\n", [4]),
    ],
)
def test_the_line_of_an_entry_is_told_however_yaml_is_written(
    tmp_path: Path, written_as: str, lines: list[int]
) -> None:
    text = f"---\nid: mail\ntitle: Mailbox is full\n{written_as}---\nEmpty the mailbox.\n"
    run = asked(written(tmp_path / "a", {"mail.md": text}), tmp_path / "data")
    assert [outcome.line for outcome in run.outcomes] == lines


def test_a_jsonl_file_is_tested_with_the_line_of_each_object(tmp_path: Path) -> None:
    rows = (
        '{"id": "mail", "title": "Mailbox is full", "body": "Empty it.", "questions": ["my mailbox is full"]}\n'
        '{"id": "vpn", "title": "Vpn tunnel", "body": "Start it.", "questions": ["tunnel", "mailbox"]}\n'
    )
    source = written(tmp_path, {"docs.jsonl": rows}) / "docs.jsonl"
    run = asked(source, tmp_path / "data")
    assert [(outcome.text, outcome.line, outcome.passed) for outcome in run.outcomes] == [
        ("my mailbox is full", 1, True),
        ("tunnel", 2, True),
        ("mailbox", 2, False),
    ]


def test_what_is_kept_of_a_run_is_the_run_whatever_k_is_and_whichever_files_are_asked(tmp_path: Path) -> None:
    mail = MAIL.replace("my mailbox is full", "vpn").replace("---\nEmpty", "not_for: [mailbox]\n---\nEmpty")
    files = {"en/mail.md": mail, "en/vpn.md": VPN, "en/z.md": '---\ntitle: "x\n---\nText.\n'}
    source, data = written(tmp_path / "a", files), tmp_path / "data"
    asked_once(source, data)
    (file,) = data.glob("snapshots/*/asked.json")

    for k in (1, 2):
        assert asked_once(source, data, k) == asked(source, data, k)
    only = asked_once(source, data, 1, lambda path: path == "en/vpn.md")
    assert ([one.path for one in only.outcomes], only.untested) == (["en/vpn.md"], ())
    file.write_text(file.read_text().replace('"code": "', '"code": "other'))  # what asks was changed
    assert asked_once(source, data) == asked(source, data)


def test_two_who_test_the_same_articles_do_not_take_the_file_of_the_run_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, data = written(tmp_path / "a", {"en/mail.md": MAIL}), tmp_path / "data"
    replace, others = Path.replace, iter([True])

    def meanwhile(half: Path, target: Path) -> Path:
        if target.name == "asked.json" and next(others, False):
            asked_once(source, data)
        return replace(half, target)

    monkeypatch.setattr(Path, "replace", meanwhile)
    asked_once(source, data)
    assert [path.name for path in data.glob("snapshots/*/*asked*")] == ["asked.json"]


def test_a_file_of_a_kept_run_that_cannot_be_used_is_made_anew(tmp_path: Path) -> None:
    source, data = written(tmp_path / "a", {"en/mail.md": MAIL}), tmp_path / "data"
    asked_once(source, data)
    (file,) = data.glob("snapshots/*/asked.json")
    for damaged in ("", "[]", "{}", file.read_text()[:-9]):
        file.write_text(damaged)
        assert asked_once(source, data) == asked(source, data)


def test_asking_twice_gives_the_same(tmp_path: Path) -> None:
    source = written(tmp_path / "a", {"en/mail.md": MAIL, "en/vpn.md": VPN})
    assert asked(source, tmp_path / "data") == asked(source, tmp_path / "data")
