"""What kept git from fetching the articles, in words for an author: what is wrong, and who can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import Message, RemoteUnusable
from kb.errors import RepositoryError, RepositoryTimeout

#: Commands of git that talk to the remote begin so.
_AWAY = ("git ls-remote", "git fetch")
_OF_DISKS = (
    (
        r"No space left on device|Disk quota exceeded|ENOSPC",
        Message(
            "The disk of this server is full, so the articles could not be fetched. Whoever runs this site has to make "
            "room. git says: %(said)s"
        ),
    ),
)
#: The first pattern that the words of git, or of ssh and curl that it started, match tells what is wrong.
_OF_REMOTES = (
    *_OF_DISKS,
    (
        r"Host key verification failed|certificate|(SSL|TLS)(?!.*(reset|timed out|SYSCALL|EOF|eof|terminated|closed))",
        Message(
            "We cannot be sure that %(remote)s is who it says it is. Whoever runs this site has to make its key or its "
            "certificate known to this server. git says: %(said)s"
        ),
    ),
    (
        r"Permission denied|Authentication failed|could not read (Username|Password)|error: 40[13]|Access denied"
        r"|HTTP Basic|[Uu]nauthorized|[Ff]orbidden|dubious ownership",
        Message(
            "%(remote)s does not let us in: the key or token is missing, has expired, or may not read it. Whoever runs "
            "this site has to give this server access. git says: %(said)s"
        ),
    ),
    (
        r"not found|does not appear to be a git repository|does not exist|error: 404|No such file or directory"
        r"|could not be found",
        Message(
            "There is no repository at %(remote)s, or this server may not see it. If it was moved or renamed, whoever "
            "runs this site has to set articles_remote to its new address. git says: %(said)s"
        ),
    ),
    (
        r"Could not resolve|Connection (refused|timed out|reset|closed)|Couldn't connect|Failed to connect"
        r"|Network is unreachable|No route to host|error: (429|5\d\d)|timed out|hung up|early EOF|Empty reply"
        r"|unexpected disconnect|RPC failed|Operation too slow|(SSL|TLS)",
        Message(
            "%(remote)s cannot be reached right now. Wait a few minutes and publish again; if it goes on, whoever runs "
            "this site has to look into it. git says: %(said)s"
        ),
    ),
)


@contextmanager
def explained(remote: str) -> Iterator[None]:
    """Has an error of git be told as what it means at `remote`, which holds no password. Raises RemoteUnusable."""
    try:
        yield
    except RepositoryError as error:
        raise RemoteUnusable(_told(error, remote)) from error


def _told(error: RepositoryError, remote: str) -> Message:
    said = str(error)
    away = said.startswith(_AWAY)
    if away and isinstance(error, RepositoryTimeout):
        return Message(
            "%(remote)s was too slow. Wait a few minutes and publish again. Where the repository is large, whoever "
            "runs this site can raise pull_seconds. git says: %(said)s",
            remote=remote,
            said=said,
        )
    plain = said.replace(remote, "")  # an address may hold any words
    for pattern, known in _OF_REMOTES if away else _OF_DISKS:
        if re.search(pattern, plain):
            return Message(known.template, remote=remote, said=said)
    return Message("%(reason)s", reason=said)
