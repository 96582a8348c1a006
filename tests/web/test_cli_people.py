"""The commands that say who may do what."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import built
from web.cli import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    built.database(tmp_path / "data" / "firstline.db")
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(data.parent)

    def _run(*words: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["firstline", *words, "--data", str(data)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == code, err
        return out if code == 0 else err

    return _run


def test_a_person_is_added_changed_deactivated_and_listed(run: Any) -> None:
    added = json.loads(run("people", "add", "Kim@example.com", "--name", "Kim", "--role", "agent", "--json"))
    assert (added["email"], added["roles"], added["active"]) == ("Kim@example.com", ["agent"], True)
    assert re.fullmatch(r"/welcome/[\w-]{43}", added["link"])
    changed = run("people", "set", "kim@example.com", "--role", "author", "--role", "agent", "--group", "hr", "--link")
    assert "Kim@example.com: agent, author" in changed
    assert "/welcome/" in changed
    listed = json.loads(run("people", "list", "--role", "author", "--json"))
    assert [(row["email"], row["groups"]) for row in listed["people"]] == [("Kim@example.com", ["hr"])]
    assert "(deactivated)" in run("people", "deactivate", "kim@example.com")
    assert "(deactivated)" in run("people", "list")
    assert json.loads(run("people", "set", "kim@example.com", "--activate", "--no-groups", "--json"))["groups"] == []


def test_a_token_is_shown_once_listed_and_revoked(run: Any) -> None:
    run("people", "add", "kim@example.com", "--name", "Kim", "--role", "agent")
    given = ("kim@example.com", "--name", "zapier", "--scope", "tickets", "--days", "30")
    secret = run("token", "create", *given).strip()
    assert re.fullmatch(r"fl_[\w-]{43}", secret)
    (row,) = json.loads(run("token", "list", "--json"))["tokens"]
    assert (row["owner"], row["scopes"], row["used"], row["revoked"]) == ("kim@example.com", ["tickets"], None, None)
    assert secret not in run("token", "list")
    assert json.loads(run("token", "revoke", row["id"], "--json"))["revoked"] is True
    assert "revoked" in run("token", "list")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("people", "add", "kim", "--name", "Kim"), "Enter an e-mail address like name@example.com."),
        (("people", "add", "boss@example.com", "--name", "B"), "boss@example.com is on the list already"),
        (("people", "deactivate", "boss@example.com"), "This is the last administrator."),
        (("people", "set", "none@example.com"), "Nobody has the address none@example.com."),
        (("people", "set", "boss@example.com", "--group", "internal"), "“internal” is no group"),
        (
            ("token", "create", "boss@example.com", "--name", "x", "--scope", "tickets", "--days", "7"),
            "--days 7: use 30, 90 or 365.",
        ),
        (
            ("token", "create", "rita@example.com", "--name", "x", "--scope", "articles", "--scope", "tickets"),
            "--scope tickets: rita@example.com has no role that may do this.",
        ),
        (("token", "revoke", "none"), "There is no token with the id none."),
    ],
)
def test_what_cannot_be_done_is_said(run: Any, words: tuple[str, ...], message: str) -> None:
    run("people", "add", "boss@example.com", "--name", "Boss", "--role", "admin")
    run("people", "add", "rita@example.com", "--name", "Rita", "--role", "reader")
    assert message in run(*words, code=2)
