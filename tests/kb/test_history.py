"""When an article was changed and by which team: told by real repositories."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from kb.build import BuildSettings, build
from kb.embedding import HashEmbedder
from kb.history import History, history, team_name
from kb.models import Article
from kb.snapshot import open_current
from tests.conftest import CREATED
from tests.repositories import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits; the articles lie in a folder of it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"articles/en/a.md": "# A\n", "articles/en/ż b.md": "# B\n", "README.md": "x"}, "2026-01-01")
    commit(folder, {"articles/en/a.md": "# A\n\nMore.\n"}, "2026-02-02")
    commit(folder, {"README.md": "y"}, "2026-03-03")
    return folder


def test_each_file_has_the_date_of_its_own_last_commit(repository: Path) -> None:
    assert history(repository / "articles").changed == {"en/a.md": "2026-02-02", "en/ż b.md": "2026-01-01"}
    assert set(history(repository).changed) == {"README.md", "articles/en/a.md", "articles/en/ż b.md"}


def test_a_file_that_is_not_committed_as_it_is_has_no_date(repository: Path) -> None:
    (repository / "articles/en/a.md").write_text("# A\n\nEdited.\n")
    (repository / "articles/en/new.md").write_text("# New\n")
    (repository / "articles/en/staged.md").write_text("# Staged\n")
    git(repository, "add", "articles/en/staged.md")
    assert history(repository / "articles").changed == {"en/ż b.md": "2026-01-01"}


def test_a_shallow_clone_tells_no_date_it_cannot_know(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repository}", "shallow")
    # The second commit is where the clone was cut: whether a.md was changed there nobody can tell.
    assert history(tmp_path / "shallow" / "articles").changed == {}
    assert history(tmp_path / "shallow").changed == {"README.md": "2026-03-03"}


def test_where_there_is_no_history_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert history(tmp_path) == history(tmp_path / "a.jsonl") == History()
    git(tmp_path, "init", "-q")
    assert history(tmp_path).changed == {}  # no commit yet
    assert caplog.records == []
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert history(tmp_path) == History()


def test_a_repository_that_git_refuses_is_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    with caplog.at_level(logging.WARNING):
        assert history(repository) == History()
    assert [record.getMessage() for record in caplog.records] == [
        f"articles have no dates, git does not read {repository}: "
        f"fatal: detected dubious ownership in repository at '{repository}'"
    ]


def test_the_variables_of_a_git_hook_do_not_lead_to_its_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert history(repository / "articles").changed["en/a.md"] == "2026-02-02"


def test_signed_commits_are_read_without_a_program_that_looks_at_signatures(repository: Path, tmp_path: Path) -> None:
    signs = tmp_path / "signs"
    signs.write_text(
        f"#!/bin/sh\ncat > /dev/null\necho >> '{tmp_path}/ran'\nprintf '\\n[GNUPG:] SIG_CREATED \\n' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signs.chmod(0o755)
    for name, value in {"gpg.program": str(signs), "commit.gpgSign": "true", "log.showSignature": "true"}.items():
        git(repository, "config", name, value)
    commit(repository, {"articles/en/a.md": "# A\n\nSigned.\n"}, "2026-04-04")
    (tmp_path / "ran").unlink()

    assert history(repository / "articles").changed == {"en/a.md": "2026-04-04", "en/ż b.md": "2026-01-01"}
    assert not (tmp_path / "ran").exists()


# --- teams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "team"),
    [
        ("identity-team", "identity-team"),
        ("@example/identity-team", "identity-team"),
        ("@group/sub/identity", "identity"),
        ("@ann", ""),
        ("ann@example.com", ""),
        ("", ""),
    ],
)
def test_an_owner_is_a_team_and_never_an_address_or_handle(owner: str, team: str) -> None:
    assert team_name(owner) == team


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*", "articles/en/a.md", True),
        ("*.md", "articles/en/a.md", True),
        ("/*.md", "articles/en/a.md", False),
        ("articles/", "articles/en/a.md", True),
        ("en/", "articles/en/a.md", True),
        ("/en/", "articles/en/a.md", False),
        ("articles/en", "articles/en/a.md", True),
        ("articles/*", "articles/en/a.md", False),
        ("articles/en/*", "articles/en/a.md", True),
        ("articles/**", "articles/en/a.md", True),
        ("/articles/**/a.md", "articles/a.md", True),
        ("**/en/?.md", "articles/en/a.md", True),
        ("articles/e", "articles/en/a.md", False),
        (r"articles/with\ space/", "articles/with space/a.md", True),
    ],
)
def test_a_pattern_of_codeowners_names_the_paths_that_it_names_on_github(
    tmp_path: Path, pattern: str, path: str, fits: bool
) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "CODEOWNERS").write_text(f"{pattern} @example/team\n")
    found = history(tmp_path).of(Article(id="a", lang="en", title="A", body="", path=path)).team
    assert found == ("team" if fits else "")


def test_the_last_matching_line_of_codeowners_names_the_team(repository: Path) -> None:
    (repository / ".github").mkdir()
    (repository / ".github" / "CODEOWNERS").write_text(
        "# Who keeps what\n[Articles]\n*  @example/everything\n/articles/en/ @ann @example/english # not @example/me\n"
        "/articles/en/person.md @ann ann@example.com\n/articles/en/nobody.md\n"
    )
    (repository / "CODEOWNERS").write_text("* @example/not-read\n")
    past = history(repository / "articles")
    teams = {
        name: past.of(Article(id=name, lang="en", title="T", body="", path=f"{name}.md", owner=owner)).team
        for name, owner in {"en/a": "", "pl/a": "", "en/own": "own-team", "en/person": "", "en/nobody": ""}.items()
    }
    assert teams == {"en/a": "english", "pl/a": "everything", "en/own": "own-team", "en/person": "", "en/nobody": ""}


# --- in a snapshot ---------------------------------------------------------------------------------------------------


def test_a_snapshot_keeps_dates_and_teams_and_its_id_follows_them(repository: Path, tmp_path: Path) -> None:
    def build_here(data: str) -> str:
        settings = BuildSettings(model=HashEmbedder.NAME)
        return build(repository / "articles", tmp_path / data, settings, created=CREATED).snapshot

    commit(repository, {"CODEOWNERS": "* @example/team\n"}, "2026-04-04")
    first = build_here("data")
    articles = {entry.article.path: entry.article for entry in open_current(tmp_path / "data").entries}
    assert {path: (article.changed, article.team) for path, article in articles.items()} == {
        "en/a.md": ("2026-02-02", "team"),
        "en/ż b.md": ("2026-01-01", "team"),
    }
    git(repository, "commit", "--allow-empty", "-m", "nothing", date="2026-05-05")
    assert build_here("other") == first  # a commit that changes no article changes nothing
    commit(repository, {"CODEOWNERS": "* @example/others\n"}, "2026-06-06")
    assert build_here("other") != first
