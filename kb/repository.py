"""The git repository that articles are kept in: what it holds, and files of it as they were.

git itself does the work. It is run so that nothing of a repository's own settings starts a program and nothing waits
for somebody to type a password.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from kb.errors import RepositoryError

#: Set by git for its hooks; they name the repository of the hook, whatever folder is asked about.
_OF_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and a folder of it. `prefix` is the folder's path from `top`, "" or with a "/" at its end."""

    top: Path
    prefix: str = ""

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """The repository a folder lies in. Raises RepositoryError where there is none, or no git."""
        top, prefix = run(folder, "rev-parse", "--show-toplevel", "--show-prefix").split("\n")[:2]
        return cls(Path(top), prefix)

    @property
    def folder(self) -> Path:
        return self.top / self.prefix

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """What a git command prints; it runs at `top` and reads `given`. Raises RepositoryError with git's reason."""
        return run(self.top, *arguments, given=given)

    def commit(self, ref: str) -> str:
        """The full id of the commit that a branch, tag or id names. Raises RepositoryError where there is none."""
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
        except RepositoryError:
            raise RepositoryError(
                f"{self.top} has no commit {ref!r}. Name a branch, a tag or a commit that was fetched: git fetch --all"
            ) from None

    def export(self, ref: str, target: Path) -> Path:
        """Writes all files of a commit below `target`; returns where `prefix` is there, which may not exist.

        Raises RepositoryError.
        """
        commit = self.commit(ref)
        packed = subprocess.run(command(self.top, "archive", commit), capture_output=True, env=env(), check=False)
        if packed.returncode:
            raise RepositoryError(f"{self.top} at {ref}: {_reason(packed.stderr)}.")
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(target, filter="data")  # nothing outside of `target`, no devices
        return target / self.prefix


def run(folder: Path, *arguments: str, given: bytes | None = None) -> str:
    """What a git command prints in a folder. Raises RepositoryError with the first line of git's reason."""
    try:
        done = subprocess.run(command(folder, *arguments), input=given, capture_output=True, env=env(), check=False)
    except OSError as error:
        raise RepositoryError("git cannot be started. Install git, or see that it is in PATH.") from error
    if done.returncode:
        raise RepositoryError(f"git {arguments[0]} in {folder}: {_reason(done.stderr)}.")
    return os.fsdecode(done.stdout)


def command(folder: Path, *arguments: str) -> list[str]:
    """A git command that runs no program a repository names: no file system monitor, no hooks."""
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
    return ["git", "-C", str(folder), *quiet, *arguments]


def env() -> dict[str, str]:
    """The environment git runs in: messages in English, and an error where it would ask for a password."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def _reason(stderr: bytes) -> str:
    lines = [line for line in stderr.decode(errors="replace").strip().split("\n") if line]
    told = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "it failed")
    return told.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
