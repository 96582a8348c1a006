"""The articles as they were at a commit that a change is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kb.articles import source_files
from kb.errors import RepositoryError, SourceError
from kb.repository import Repository
from kb.scratch import scratch

_SHALLOW = (
    "The clone is shallow, so the commit may only not have been fetched: let CI fetch the whole history "
    "(GitHub: `fetch-depth: 0` of actions/checkout, GitLab: `GIT_DEPTH: 0`)"
)


@dataclass(frozen=True, slots=True)
class Base:
    """The id of a commit, and a folder (or .jsonl file) with its articles; None where it has none at that path.

    `left` is whether it is not the commit that was named, but the one where what is checked out left that.
    """

    commit: str
    source: Path | None
    left: bool


@contextmanager
def base(source: Path, ref: str, parent: Path) -> Iterator[Base]:
    """What `source` was at a commit, in a folder within `parent` that is removed at the end.

    Of a branch that got other commits since, it is the commit where what is checked out left it, as in a pull request:
    what others changed there is not this change's doing. Where the two have nothing in common it is the branch itself.

    Raises RepositoryError where `source` lies in no repository or that has no such commit.
    """
    folder = source if source.is_dir() else source.parent
    try:
        repository = Repository.at(folder)
    except RepositoryError as error:
        raise RepositoryError(
            f"{error} --base compares with a commit: {source} has to lie in a git repository. Leave --base out to "
            "test the articles as they are."
        ) from error
    try:
        commit = repository.commit(ref)
    except RepositoryError as error:
        if repository.git("rev-parse", "--is-shallow-repository").strip() == "true":
            raise RepositoryError(f"{error}. {_SHALLOW}.") from error
        raise
    named, commit = commit, _fork(repository, commit)
    parent.mkdir(parents=True, exist_ok=True)
    with scratch(parent, ".base-") as exported:
        then = repository.export(commit, exported)
        then = then if source.is_dir() else then / source.name
        try:
            found = bool(source_files(then))
        except SourceError:
            found = False
        yield Base(commit, then if found else None, commit != named)


def _fork(repository: Repository, commit: str) -> str:
    try:
        return repository.git("merge-base", "HEAD", commit).strip()
    except RepositoryError:
        return commit
