"""How files came to be as they are, by the log of git: each change, also under names they had before."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from kb.errors import RepositoryError
from kb.repository import Repository

_COMMIT = "\x01"


@dataclass(frozen=True, slots=True)
class Step:
    """A commit that touched a file. `path` is its name afterwards, below the source; `moved` where only that changed.

    `place` is 1 for the newest commit of the log and rises with age; `date` is ISO 8601.
    """

    place: int
    id: str
    date: str
    path: str
    moved: bool = False


def lives(source: Path, wanted: Collection[str]) -> dict[str, list[Step]]:
    """The steps of each wanted file that is committed as it is, the newest first; none without git or a repository.

    A life ends where the file was added, or where a shallow clone was cut.
    """
    try:
        repository = Repository.at(source)
        committed = _names(repository.git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", f":/{repository.prefix}"))
        edited = _names(repository.git("diff", "--name-only", "-z", "--no-renames", "HEAD"))
        boundary = _boundary(repository)
        options = ("-z", "-M", "--no-show-signature", f"--format={_COMMIT}%H %cs", "--name-status")
        log = repository.git("log", *options, "--", f":/{repository.prefix}")
    except (RepositoryError, OSError):
        return {}
    prefix = repository.prefix
    found: dict[str, list[Step]] = {path: [] for path in wanted if prefix + path in committed - edited}
    called = {prefix + path: path for path in found}
    place = 0
    for commit, date, changes in _commits(log):
        place += 1
        if commit in boundary:  # there all files look new
            continue
        for kind, before, after in changes:
            if (path := called.get(after)) is None or kind == "D":
                continue
            found[path].append(Step(place, commit, date, after.removeprefix(prefix), moved=kind == "R100"))
            del called[after]
            if before:
                called[before] = path
        if not called:
            break
    return found


def _commits(log: str) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """(commit, its date, [(kind, path before or "", path after)]) of each commit, the newest first."""
    for entry in log.split(_COMMIT)[1:]:
        head, *fields = entry.split("\0")
        commit, _, date = head.partition(" ")
        changes = []
        words = iter(field.lstrip("\n") if number == 0 else field for number, field in enumerate(fields))
        for kind in words:
            if not kind:
                continue
            first = next(words, "")
            after = next(words, "") if kind[0] in "RC" else first
            before = "" if kind[0] in "AC" else first
            changes.append((kind, before, after))
        yield commit, date, changes


def _names(listed: str) -> set[str]:
    return set(filter(None, listed.split("\0")))


def _boundary(repository: Repository) -> frozenset[str]:
    """The commits at which a shallow clone was cut off."""
    shallow = repository.top / os.fspath(repository.git("rev-parse", "--git-path", "shallow").strip())
    try:
        return frozenset(shallow.read_text(encoding="ascii").split())
    except FileNotFoundError:
        return frozenset()
