"""What git, ssh and curl say, told to authors."""

from __future__ import annotations

import pytest

from bot.errors import RemoteUnusable
from bot.publishing.troubles import explained
from kb.errors import RepositoryError, RepositoryTimeout

URL = "https://git.example.com/not-found.git"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("git ls-remote: unable to access '{}': Could not resolve host: git.example.com.", "cannot be reached"),
        ("git ls-remote: ssh: connect to host a port 22: Connection refused.", "cannot be reached"),
        ("git ls-remote: unable to access '{}': The requested URL returned error: 503.", "cannot be reached"),
        ("git fetch: fetch-pack: unexpected disconnect while reading sideband packet.", "cannot be reached"),
        ("git fetch: RPC failed; curl 56 OpenSSL SSL_read: Connection reset by peer, errno 104.", "cannot be reached"),
        ("git ls-remote: unable to access '{}': OpenSSL SSL_connect: SSL_ERROR_SYSCALL.", "cannot be reached"),
        (
            "git fetch: unable to access '{}': GnuTLS recv error (-110): TLS connection was non-properly terminated.",
            "cannot be reached",
        ),
        ("git ls-remote: could not read Username for '{}': terminal prompts disabled.", "does not let us in"),
        ("git ls-remote: git@a: Permission denied (publickey).", "does not let us in"),
        ("git ls-remote: Authentication failed for '{}'.", "does not let us in"),
        ("git ls-remote: unable to access '{}': The requested URL returned error: 403.", "does not let us in"),
        ("git ls-remote: repository '{}' not found.", "There is no repository at"),
        ("git ls-remote: '{}' does not appear to be a git repository.", "There is no repository at"),
        ("git ls-remote: Host key verification failed.", "We cannot be sure"),
        (
            "git ls-remote: unable to access '{}': SSL certificate problem: certificate has expired.",
            "We cannot be sure",
        ),
        ("git fetch: unable to write file objects/1f: No space left on device.", "The disk of this server is full"),
        ("git checkout: unable to write file a.md: No space left on device.", "The disk of this server is full"),
    ],
)
def test_the_words_say_what_is_wrong_and_keep_what_git_said(said: str, words: str) -> None:
    said = said.format(URL)
    with pytest.raises(RemoteUnusable) as told, explained(URL):
        raise RepositoryError(said)
    assert words in str(told.value)
    assert str(told.value).endswith(said)


def test_what_nobody_knows_is_told_as_git_said_it_and_slow_is_the_remote_only_where_it_was_asked() -> None:
    for error, words in (
        (RepositoryError("git checkout: smudge filter x failed."), "git checkout: smudge filter x failed."),
        (RepositoryTimeout("git checkout took longer."), "git checkout took longer."),
    ):
        with pytest.raises(RemoteUnusable) as told, explained(URL):
            raise error
        assert str(told.value) == words
    with pytest.raises(RemoteUnusable, match=r"was too slow\..* git says: git fetch took longer"), explained(URL):
        raise RepositoryTimeout("git fetch took longer.")
