from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import RepositoryError
from kb.repository import Repository
from tests.repositories import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"articles/a.md": "# A\n", "README.md": "x"}, "2026-01-01")
    git(folder, "tag", "first")
    commit(folder, {"articles/a.md": "# A\n\nMore.\n"}, "2026-02-02")
    return Repository.at(folder / "articles")


def test_files_are_written_as_they_were_at_a_commit_and_the_folder_stays_as_it_is(
    repository: Repository, tmp_path: Path
) -> None:
    exported = repository.export("first", tmp_path / "then")

    assert (exported / "a.md").read_text() == "# A\n"
    assert exported == tmp_path / "then" / "articles"
    assert (repository.folder / "a.md").read_text() == "# A\n\nMore.\n"


def test_a_folder_that_releases_leave_out_is_written_and_one_that_was_not_there_is_not(
    repository: Repository, tmp_path: Path
) -> None:
    commit(repository.top, {".gitattributes": "articles export-ignore\n"}, "2026-03-03")
    assert (repository.export("HEAD", tmp_path / "now") / "a.md").is_file()

    git(repository.top, "rm", "-q", "-r", ".")
    git(repository.top, "commit", "-q", "-m", "x")
    assert not repository.export("HEAD", tmp_path / "empty").exists()


def test_a_link_to_a_file_elsewhere_in_the_repository_is_followed(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "index.md").symlink_to("../README.md")
    commit(repository.top, {"articles/b.md": "# B\n"}, "2026-03-03")
    assert (repository.export("HEAD", tmp_path / "then") / "index.md").read_text() == "x"


def test_a_commit_that_is_not_there_is_named_with_what_to_do(repository: Repository) -> None:
    with pytest.raises(RepositoryError, match=r"has no commit 'gone'\. Name a branch"):
        repository.commit("gone")


def test_what_looks_like_an_option_is_no_commit(repository: Repository) -> None:
    with pytest.raises(RepositoryError, match="has no commit '--all'"):
        repository.commit("--all")


def test_a_folder_outside_of_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="not a git repository"):
        Repository.at(tmp_path)


def test_hooks_of_the_repository_do_not_run(repository: Repository, tmp_path: Path) -> None:
    hook = repository.top / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)

    repository.git("checkout", "-q", "first")

    assert not (tmp_path / "ran").exists()


def test_a_link_that_leads_out_is_not_written_and_the_rest_is(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "passwd.md").symlink_to("/etc/passwd")
    commit(repository.top, {"articles/b.md": "# B\n"}, "2026-03-03")

    exported = repository.export("HEAD", tmp_path / "then")

    assert sorted(path.name for path in exported.iterdir()) == ["a.md", "b.md"]
