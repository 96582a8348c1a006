"""The commands `firstline gaps`, over real git and a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.models import RecordedQuestion
from tests.repositories import commit, git
from tests.web.site import ARTICLES, open_site
from web.cli import app


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder where three people asked the same; its articles are a repository."""
    with open_site(tmp_path, ARTICLES) as site:
        for number, text in enumerate(("where is the sauna", "is the sauna open", "where is the sauna")):
            at = datetime.now(UTC)
            site.events.record_question(
                RecordedQuestion(f"q{number}", at, text, "", "en", "web", "s" * 24, "unanswered", 0.1, "", "snap", ())
            )
        settings = site.app.state.settings
    articles = tmp_path / "repository"  # a folder of the test: what the settings name is this project's own
    articles.mkdir()
    monkeypatch.setenv("FIRSTLINE_ARTICLES", str(articles))
    monkeypatch.setenv("FIRSTLINE_DATABASE_URL", settings.database_url)
    git(articles, "init", "-q")
    commit(articles, {"en/vpn.md": "# VPN\n"})
    return settings.data


def run(data: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["gaps", *arguments, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_gaps_are_gathered_listed_drafted_on_a_branch_and_decided_on(data: Path, tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["gaps", "--data", str(data), "--json"])
    (gap,) = json.loads(listed.stdout)["gaps"]
    assert (gap["count"], gap["text"], gap["state"]) == (3, "where is the sauna", "open")

    shown = json.loads(run(data, "show", gap["id"], "--json"))
    assert [wording["count"] for wording in shown["wordings"]] == [2, 1]

    made = json.loads(run(data, "draft", gap["id"], "--json"))
    assert made["branch"] == "gap/where-is-the-sauna"
    again = CliRunner().invoke(app, ["gaps", "draft", gap["id"], "--data", str(data)])
    assert "gap/where-is-the-sauna is there already" in str(again.exception)
    run(data, "draft", gap["id"], "--output", str(tmp_path / "sauna.md"))
    assert (tmp_path / "sauna.md").read_text(encoding="utf-8") == made["markdown"]

    assert made["writer"] == ""
    assert run(data, "take", gap["id"], "--by", "Ann") == f"{gap['id']}: Open, Ann writes it\n"
    assert run(data, "--writer", "nobody", "--json").count('"id"') == 0
    assert "Open, Ann writes it; asked 3 times, 3 in 30 days, 0 before; " in run(data, "--writer", "Ann")
    assert "Ann  Writes the article" in run(data, "show", gap["id"])
    for nobody in (("take", gap["id"], "--by", " "), ("draft", gap["id"], "--take", " ")):
        done = CliRunner().invoke(app, ["gaps", *nobody, "--data", str(data)])
        assert (done.exit_code, "is empty. Give the name" in done.output) == (2, True)
    assert run(data, "give-back", gap["id"]) == f"{gap['id']}: Open\n"
    wont_do = ("wont-do", gap["id"], "--reason", "We have none.", "--by", "Ann")
    assert run(data, *wont_do) == f"{gap['id']}: Won't do\n"
    assert run(data, "undo", gap["id"]) == f"{gap['id']}: Open\n"
    assert run(data, "close", gap["id"]) == f"{gap['id']}: Closed\n"
    assert run(data, "reopen", gap["id"]) == f"{gap['id']}: Open\n"
