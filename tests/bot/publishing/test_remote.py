from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RemoteUnusable
from bot.publishing.remote import Remote
from tests.repositories import git


@pytest.mark.parametrize(
    ("address", "url", "credentials"),
    [
        ("https://git.example.com/desk/articles.git", "https://git.example.com/desk/articles.git", ""),
        ("https://ann:p%40ss@git.example.com:8443/a.git", "https://git.example.com:8443/a.git", "ann:p@ss"),
        ("https://glpat-token@git.example.com/a.git?private_token=x", "https://git.example.com/a.git", "glpat-token:"),
        ("git@git.example.com:desk/articles.git", "git@git.example.com:desk/articles.git", ""),
        ("ssh://git:secret@git.example.com:2222/a.git", "ssh://git@git.example.com:2222/a.git", ""),
        ("file:///srv/articles.git", "file:///srv/articles.git", ""),
        ("/srv/articles.git", "/srv/articles.git", ""),
    ],
)
def test_an_address_is_kept_without_what_is_secret_of_it(address: str, url: str, credentials: str) -> None:
    remote = Remote.of(address)
    assert (remote.url, remote.credentials) == (url, credentials)
    assert "secret" not in repr(remote)
    assert "p@ss" not in repr(remote)
    assert bool(remote.settings) is bool(credentials)
    assert remote.settings.get("http.followRedirects") == ("false" if credentials else None)


@pytest.mark.parametrize(
    "address", ["", " ", "--upload-pack=x", "ext::sh -c x", "ftp://a/b", "https://", "https://a:b/c", "a\nb"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="articles_remote is no address"):
        Remote.of(address)


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_word_makes_a_remote_that_git_takes_for_an_option(address: str, branch: str, folder: str) -> None:
    try:
        remote = Remote.of(address, branch, folder)
    except ValueError:
        return
    assert not remote.url.startswith("-")
    assert not remote.branch.startswith("-")
    assert not Path(remote.folder).is_absolute()
    assert ".." not in Path(remote.folder).parts


def test_a_folder_outside_of_git_and_a_branch_that_follows_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(RemoteUnusable, match=r"lies in no git repository\. Set articles_remote"):
        Remote.behind(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(RemoteUnusable, match="follows no other repository"):
        Remote.behind(tmp_path)


def test_a_checkout_that_follows_what_is_no_address_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", "helper::eu://articles")
    git(tmp_path, "config", "branch.main.remote", "origin")
    git(tmp_path, "config", "branch.main.merge", "refs/heads/main")

    with pytest.raises(RemoteUnusable, match="is no address of a repository") as caught:
        Remote.behind(tmp_path)

    assert caught.value.message is not None
