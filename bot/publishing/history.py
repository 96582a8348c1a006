"""The history of publications: what is written down of a folder, what is told to people, what is not worth keeping."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path

from bot.publishing.clone import MAX_SUBJECT
from bot.publishing.publication import Publication
from bot.publishing.store import PublicationStore
from kb.errors import RepositoryError
from kb.repository import Repository

_log = logging.getLogger(__name__)

#: Publications before the one that is over, of which somebody may have been told what it says.
_LOOKED_AT = 20
#: Tells people of a publication.
Announce = Callable[[Publication], None]


def end(store: PublicationStore, over: Publication, announce: Announce) -> None:
    """Has people be told of a publication that is over, and forgets one before it that says the same.

    Of pulls that come to the same end one after the other, as from cron, the last is kept; and the first where
    something has to be mended, since it tells since when. A few days of them would push out all that was published.
    Raises StoreUnavailable.
    """
    before = [row for row in store.find(limit=_LOOKED_AT).rows if row.id < over.id]
    last = before[0] if before else None
    if newsworthy(over, before):
        try:
            announce(over)
        except Exception:  # what is published stays so, whatever becomes of the word of it
            _log.exception("nobody could be told of publication %d", over.id)
    if last is None or over.how != "pull" or not over.repeats(last):
        return
    if not over.in_vain or (len(before) > 1 and over.repeats(before[1])):
        store.forget(last.id)


def newsworthy(over: Publication, before: Sequence[Publication]) -> bool:
    """Whether something has to be mended that nobody was told of yet, or is mended since the one before it.

    `before` are the newest first. Two failures that take turns are told once each until something is mended. What was
    taken back and stays so is not what readers see: nothing is mended by it.
    """
    if not over.in_vain:
        in_use = over.state == "published" or over.snapshot == over.before
        return bool(before) and before[0].in_vain and in_use
    since = takewhile(lambda row: row.in_vain, before)
    return all((row.state, row.commit) != (over.state, over.commit) for row in since)


def committed(source: Path) -> tuple[str, str, str]:
    """(commit, branch, subject) of a folder that is as it was committed; empty ones for any other."""
    try:
        kept = Repository.at(source)
        if kept.git("status", "--porcelain", "--", kept.prefix or "."):
            return "", "", ""
        commit, subject = kept.git("log", "-1", "--no-show-signature", "--format=%H%n%s").rstrip("\n").split("\n", 1)
        branch = kept.git("rev-parse", "--abbrev-ref", "HEAD").strip()
    except (RepositoryError, ValueError):
        return "", "", ""
    return commit, "" if branch == "HEAD" else branch, subject[:MAX_SUBJECT]
