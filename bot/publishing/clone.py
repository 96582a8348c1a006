"""Our own clone of the repository of articles, in the data folder: nobody's checkout is touched."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Message, RemoteUnusable
from bot.publishing.remote import Remote
from kb import repository
from kb.errors import RepositoryError, RepositoryTimeout
from kb.repository import Repository

FOLDER = "articles-clone"
_FETCHED = "refs/firstline/fetched"
#: What a git that was killed or ran out of room leaves behind, as large as all that was fetched; whoever holds the lock
#: of the publications is the only one at work here.
_LEFT = ("*.lock", "refs/**/*.lock", "objects/**/*.lock", "objects/**/tmp_*")
#: Nothing of other repositories comes along, and git tidies up before it ends, not behind our back. Files have the
#: line ends they were committed with, whatever the server's git is set to: one commit makes one snapshot everywhere.
_SETTINGS = {
    "submodule.recurse": "false",
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
    "core.autocrlf": "false",
    "core.eol": "lf",
}
#: What Git LFS keeps lies on another server, and our clone has no remote to find it by: a file stays the pointer that
#: was committed, and `bot.publishing.lfs` says so. Without this, a server that has git-lfs could check nothing out.
_NO_LFS = {"filter.lfs.smudge": "", "filter.lfs.process": "", "filter.lfs.required": "false"}
_SHOWN_BRANCHES = 5
MAX_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit of a branch: its full id, and the branch's name."""

    commit: str
    branch: str


class Clone:
    """The clone in a data folder; a damaged one is made anew. `seconds` is how long git may take at a time."""

    def __init__(self, data: Path, remote: Remote, seconds: float) -> None:
        self.top, self._data, self._remote, self._seconds = data / FOLDER, data, remote, seconds

    @property
    def source(self) -> Path:
        """Where the articles are, once a commit was checked out."""
        return self.top / self._remote.folder

    def head(self) -> Head:
        """What the remote has now. Raises RepositoryError, or RemoteUnusable for one without such a branch."""
        wanted = self._remote.branch
        told = self._ask("ls-remote", "--symref", "--", self._remote.url, "HEAD", f"refs/heads/{wanted or '*'}")
        refs = {name: commit for commit, _, name in (line.partition("\t") for line in told.splitlines())}
        named = told.partition("ref: refs/heads/")[2].partition("\t")[0] if "ref: refs/heads/" in told else ""
        branch = wanted or named
        if commit := refs.get(f"refs/heads/{branch}"):
            return Head(commit, branch)
        raise self._no_branch(branch)

    def check_out(self, head: Head) -> str:
        """Fetches a commit with its whole history and has its files lie in `source`; returns its subject line.

        Raises RepositoryError, or RemoteUnusable where the commit has no such folder.
        """
        known = (self.top / ".git").is_dir()
        try:
            subject = self._check_out(head)
        except RepositoryError:
            self._sweep()  # on a full disk this makes the room to write down why
            if not known or not self._damaged():  # a full disk, say: what was fetched is good
                raise
            shutil.rmtree(self.top, ignore_errors=True)
            subject = self._check_out(head)
        inside = self.source.resolve()
        if not inside.exists() or not inside.is_relative_to(self.top.resolve()):
            raise RemoteUnusable(
                Message(
                    "The commit has no folder %(folder)s. Set articles_path to the folder of the articles.",
                    folder=self._remote.folder,
                )
            )
        return subject

    def links_out(self) -> list[str]:
        """Paths of links that lead out of the repository, into git's own files, or round in a circle.

        Below `source` as seen from there. Where a link there leads on into other folders, those of the whole
        repository count.
        """
        top, inside = self.top.resolve(), f"{self._remote.folder}/" if self._remote.folder else ""
        # A folder that is a link itself is listed as one, without what lies in it.
        listed = repository.run(self.top, "ls-tree", "-r", "-z", "HEAD")
        rows = (row.partition("\t") for row in listed.split("\0") if row.startswith("120000"))
        links = [path for _, _, path in rows]
        if not any(f"{path}/".startswith(inside) or inside.startswith(f"{path}/") for path in links):
            return []
        return [path.removeprefix(inside) for path in links if self._leads_out(top, path)]

    @staticmethod
    def _leads_out(top: Path, path: str) -> bool:
        try:
            target = (top / path).resolve()
        except (OSError, RuntimeError):  # RuntimeError: it leads to itself (an OSError from Python 3.13 on)
            return True
        return not target.is_relative_to(top) or target.is_relative_to(top / ".git")

    def _check_out(self, head: Head) -> str:
        if not self._sound():
            shutil.rmtree(self.top, ignore_errors=True)
            self.top.mkdir(parents=True)
            repository.run(self.top, "init", "--quiet", "--template=")
        self._sweep()
        if not self._has(head.commit):
            fetched = f"+refs/heads/{head.branch}:{_FETCHED}"
            options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
            self._ask("fetch", *options, "--", self._remote.url, fetched)
        if not self._has(head.commit):  # the branch was pushed over meanwhile: the next publication takes what is there
            raise RepositoryError(f"{self._remote.url} changed while it was read. Publish again.")
        # With a limit of time: a filter that the server's git is set to may never end.
        whole = ("--quiet", "--force", "--no-recurse-submodules", "--detach", head.commit)
        repository.reach(self.top, "checkout", *whole, seconds=self._seconds, configured={**_SETTINGS, **_NO_LFS})
        repository.run(self.top, "clean", "-ffdxq")
        return repository.run(self.top, "log", "-1", "--no-show-signature", "--format=%s").strip()[:MAX_SUBJECT]

    def _sweep(self) -> None:
        for pattern in _LEFT:
            for left in (self.top / ".git").glob(pattern):
                if not left.is_dir():
                    left.unlink(missing_ok=True)

    def _sound(self) -> bool:
        """Whether git finds our repository here; from a damaged one it goes on to one that the data folder lies in."""
        if not (self.top / ".git").is_dir():
            return False
        try:
            return Repository.at(self.top).top == self.top.resolve()
        except RepositoryError:
            return False

    def _damaged(self) -> bool:
        """Whether git finds something missing or broken in what was fetched."""
        try:
            repository.reach(self.top, "fsck", "--no-progress", "--no-dangling", seconds=self._seconds)
        except RepositoryTimeout:
            return False
        except RepositoryError:
            return True
        return False

    def _has(self, commit: str) -> bool:
        """Whether it was fetched as a whole: what a killed git left behind stands in no branch."""
        try:
            repository.run(self.top, "merge-base", "--is-ancestor", commit, _FETCHED)
        except RepositoryError:
            return False
        return True

    def _ask(self, *arguments: str) -> str:
        self._data.mkdir(parents=True, exist_ok=True)
        folder = self.top if (self.top / ".git").is_dir() else self._data
        return repository.reach(
            folder, *arguments, seconds=self._seconds, configured={**_SETTINGS, **self._remote.settings}
        )

    def _no_branch(self, branch: str) -> RemoteUnusable:
        told = self._ask("ls-remote", "--heads", "--", self._remote.url)
        names = [line.partition("refs/heads/")[2] for line in told.splitlines()]
        if not names:
            words = Message("%(remote)s is empty: nothing was pushed to it yet.", remote=self._remote.url)
            return RemoteUnusable(words)
        shown = ", ".join(names[:_SHOWN_BRANCHES]) + (", …" if len(names) > _SHOWN_BRANCHES else "")
        if not branch:
            words = Message(
                "%(remote)s does not say which branch is its main one. Set articles_branch; it has: %(branches)s.",
                remote=self._remote.url,
                branches=shown,
            )
            return RemoteUnusable(words)
        return RemoteUnusable(
            Message(
                "%(remote)s has no branch %(branch)s. It has: %(branches)s. Push the branch, or set articles_branch.",
                remote=self._remote.url,
                branch=branch,
                branches=shown,
            )
        )
