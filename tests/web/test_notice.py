"""The notice: a file of Markdown that is read when it changed, and that a mistake never hides."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from web.notice import NoticeBoard

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notice.md"


def shown(file: Path, lang: str = "en", now: datetime = NOON) -> str | None:
    notice = NoticeBoard(file, "en").current(lang, now)
    return notice and notice.html


def test_a_notice_is_markdown_and_nothing_in_it_runs(file: Path) -> None:
    file.write_text("# Outage\n\n[Status](https://status.example) <script>x</script>![p](https://e.example/p.png)\n")
    assert shown(file) == (
        '<p><strong>Outage</strong></p>\n<p><a href="https://status.example" rel="noopener noreferrer">Status</a> p</p>'
    )


def test_a_missing_or_empty_file_is_no_notice(file: Path) -> None:
    assert shown(file) is None
    file.write_text("---\nlevel: warning\n---\n\n")
    assert shown(file) is None


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = NoticeBoard(file, "en")
    file.write_text("One")
    first = board.current("en", NOON)
    assert board.current("en", NOON) is first
    file.write_text("Second")
    second = board.current("en", NOON)
    assert (first and first.html, second and second.html) == ("<p>One</p>", "<p>Second</p>")
    file.unlink()
    assert board.current("en", NOON) is None


def test_a_language_has_its_own_file_and_the_others_the_common_one(file: Path) -> None:
    file.write_text("Down")
    file.with_name("notice.pl.md").write_text("Awaria")
    board = NoticeBoard(file, "en")
    notices = [board.current(lang, NOON) for lang in ("pl", "de")]
    assert [(each.html, each.lang) for each in notices if each] == [("<p>Awaria</p>", "pl"), ("<p>Down</p>", "en")]


@pytest.mark.parametrize("own", ["", "---\nuntil: 2026-11-01\n---\nStara awaria\n"])
def test_an_old_notice_of_a_language_does_not_hide_the_common_one(file: Path, own: str) -> None:
    file.write_text("Down")
    file.with_name("notice.pl.md").write_text(own)
    assert shown(file, "pl") == "<p>Down</p>"


@pytest.mark.parametrize(
    ("until", "there"),
    [
        ("2026-11-21T12:00:01Z", True),
        ("2026-11-21 12:00:00+00:00", False),
        ("2026-11-21T13:30+02:00", False),
        ("2026-11-22", True),
        ("2026-11-19", False),
    ],
)
def test_a_notice_ends_when_it_says(file: Path, until: str, there: bool) -> None:
    file.write_text(f"---\nuntil: {until}\n---\nDown\n")
    assert (shown(file) is not None) == there


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("level: red", ":2: level is 'red'. Write one of info, warning: `level: warning`."),
        ("until: soon", ":2: until is 'soon'. Write a date and time: `until: 2026-11-21 18:00`."),
        ("a: b: c", ":2: not valid YAML"),
    ],
)
def test_a_mistake_is_logged_once_and_never_hides_the_notice(
    file: Path, caplog: pytest.LogCaptureFixture, front: str, told: str
) -> None:
    file.write_text(f"---\n{front}\n---\nDown\n")
    board = NoticeBoard(file, "en")
    with caplog.at_level(logging.ERROR):
        notices = [board.current("en", NOON) for _ in range(3)]
    assert [(each.html, each.level) for each in notices if each] == [("<p>Down</p>", "info")] * 3
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{file}{told}")


def test_a_file_that_cannot_be_read_is_told_and_breaks_no_page(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(b"\xff\xfe")
    with caplog.at_level(logging.ERROR):
        assert shown(file) is None
    assert caplog.records[0].getMessage().startswith(f"the notice {file} is not shown: ")
