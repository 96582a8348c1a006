"""A file on a new branch of a git repository, with nothing of what is checked out touched."""

from __future__ import annotations

from kb.errors import RepositoryError
from kb.repository import Repository

#: Who commits where the repository says nobody.
_NOBODY = ("-c", "user.name=Firstline", "-c", "user.email=firstline@localhost")


def commit_on_branch(repository: Repository, branch: str, path: str, text: str, message: str) -> str:
    """Commits `text` as `path` below the folder of articles on a new branch off HEAD; returns the commit's id.

    HEAD, index and working tree stay as they are: blob, trees and commit are written, and the branch is pointed at
    them. Raises RepositoryError where the name cannot be a branch's, the branch or the file is there already, or
    nothing was ever committed.
    """
    ref = f"refs/heads/{branch}"
    try:
        repository.git("check-ref-format", ref)
    except RepositoryError:
        raise RepositoryError(f"{branch!r} cannot be the name of a branch. Name another with --branch.") from None
    if _exists(repository, ref):
        raise RepositoryError(
            f"The branch {branch} is there already. Look at it with `git switch {branch}`, or name another: --branch"
        )
    try:
        head = repository.commit("HEAD")
    except RepositoryError:
        raise RepositoryError(f"{repository.top} has no commit yet. Commit the articles first.") from None
    whole = f"{repository.prefix}{path}"
    if repository.git("ls-tree", "-z", head, "--", whole):
        raise RepositoryError(f"{whole} is there already at HEAD. Write into that article, or use --output FILE.")
    blob = repository.git("hash-object", "-w", "--stdin", given=text.encode()).strip()
    tree = _with(repository, f"{head}^{{tree}}", whole.split("/"), blob)
    known = _says_who(repository)
    commit = repository.git(*(() if known else _NOBODY), "commit-tree", tree, "-p", head, "-m", message).strip()
    try:  # the zeros have git refuse where somebody else made the branch meanwhile
        repository.git("update-ref", ref, commit, "0" * len(commit))
    except RepositoryError as error:  # or a branch "gap" is in the way of "gap/sauna", or a hook wants none
        raise RepositoryError(f"The branch {branch} cannot be made: {error} Name another with --branch.") from None
    return commit


def _with(repository: Repository, tree: str, parts: list[str], blob: str) -> str:
    """The id of a tree like `tree` ("" for an empty one) with a file more."""
    name, rest = parts[0], parts[1:]
    listed = repository.git("ls-tree", "-z", tree).split("\0") if tree else []
    entries = {line.partition("\t")[2]: line for line in listed if line}
    if not rest:
        entries[name] = f"100644 blob {blob}\t{name}"
    else:
        mode, kind, inner = entries[name].partition("\t")[0].split() if name in entries else ("", "tree", "")
        if kind != "tree":
            raise RepositoryError(f"{name} is a file at HEAD (mode {mode}), and the draft needs a folder of this name.")
        entries[name] = f"040000 tree {_with(repository, inner, rest, blob)}\t{name}"
    written = "".join(f"{line}\0" for line in entries.values())
    return repository.git("mktree", "-z", given=written.encode(errors="surrogateescape")).strip()


def _exists(repository: Repository, ref: str) -> bool:
    try:
        return bool(repository.git("rev-parse", "--verify", "--quiet", "--end-of-options", ref))
    except RepositoryError:
        return False


def _says_who(repository: Repository) -> bool:
    try:
        return bool(repository.git("var", "GIT_COMMITTER_IDENT")) and bool(repository.git("config", "user.email"))
    except RepositoryError:
        return False
