"""The git repository that articles are kept in: what it holds, and files of it as they were.

git itself does the work. It is run so that nothing of a repository's own settings starts a program and nothing waits
for somebody to type a password.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from kb.errors import RepositoryError, RepositoryTimeout

#: Of the repository that git's hooks, or whoever started us, work in: they count whatever folder is asked about.
#: (`git rev-parse --local-env-vars`, without the settings that a server is started with; and the namespace.)
_OF_ANOTHER = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
#: What git traces would stand in error messages, and a trace of what it sends holds passwords.
_TRACES = ("GIT_TRACE", "GIT_CURL_VERBOSE")
#: What git adds whatever the reason was.
_AFTERWARDS = (
    "Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists",
    "Cloning into",
    "remote: Enumerating",
    "remote: Counting",
    "remote: Compressing",
)
_MOST_SAID = 500


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
        """Writes the files of a commit below `target`; returns where `prefix` is there, which may not exist.

        Raises RepositoryError.
        """
        commit = self.commit(ref)
        packed = subprocess.run(command(self.top, "archive", commit), capture_output=True, env=env(), check=False)
        if packed.returncode:
            raise RepositoryError(f"{self.top} at {ref}: {_reason(packed.stderr)}.")
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(target, filter=_harmless)  # noqa: S202 - as `data` does, without an error
        return target / self.prefix


def _harmless(member: tarfile.TarInfo, target: str) -> tarfile.TarInfo | None:
    """Nothing outside of `target`, no devices. A link that leads out is left out: nobody may read what it leads to."""
    try:
        return tarfile.data_filter(member, target)
    except tarfile.FilterError:
        return None


def run(folder: Path, *arguments: str, given: bytes | None = None) -> str:
    """What a git command prints in a folder. Raises RepositoryError with the first line of git's reason."""
    try:
        done = subprocess.run(command(folder, *arguments), input=given, capture_output=True, env=env(), check=False)
    except OSError as error:
        raise RepositoryError("git cannot be started. Install git, or see that it is in PATH.") from error
    if done.returncode:
        raise RepositoryError(f"git {arguments[0]} in {folder}: {_reason(done.stderr)}.")
    return os.fsdecode(done.stdout)


def reach(folder: Path, *arguments: str, seconds: float, configured: Mapping[str, str] = MappingProxyType({})) -> str:
    """As `run`, for a command that talks to another repository or starts programs of the server's own settings, such
    as filters: ended with all it started after some seconds.

    `configured` are settings of git for this command that no list of running programs shows. Nobody is asked for a
    password. Raises RepositoryTimeout, or RepositoryError with all that git and what it started said of the reason.
    """
    told = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(told) if told.isdecimal() else 0  # settings that the server was started with stay
    pairs = enumerate(configured.items(), first)
    given = {f"GIT_CONFIG_{kind}_{n}": text for n, pair in pairs for kind, text in _named(pair)}
    more = {**given, "GIT_CONFIG_COUNT": str(first + len(configured)), "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
    try:
        process = subprocess.Popen(
            command(folder, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**env(), **more},
            start_new_session=True,
        )
    except OSError as error:
        raise RepositoryError("git cannot be started. Install git, or see that it is in PATH.") from error
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise RepositoryTimeout(f"git {arguments[0]} took longer than {seconds:g} seconds and was ended.") from None
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise RepositoryError(f"git {arguments[0]}: {_reasons(err)}.")
    return os.fsdecode(out)


def _named(pair: tuple[str, str]) -> Iterator[tuple[str, str]]:
    return zip(("KEY", "VALUE"), pair, strict=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command with what it started: `git fetch` leaves the talking to other programs."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def command(folder: Path, *arguments: str) -> list[str]:
    """A git command that runs no program a repository names: no file system monitor, no hooks. It writes UTF-8."""
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "i18n.logOutputEncoding=UTF-8")
    return ["git", "-C", str(folder), *quiet, *arguments]


def env() -> dict[str, str]:
    """The environment git runs in: messages in English, and an error where it would ask for a password."""
    kept = {
        name: value for name, value in os.environ.items() if name not in _OF_ANOTHER and not name.startswith(_TRACES)
    }
    return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def _reasons(stderr: bytes) -> str:
    """All that was said, since ssh says more than git does; without what git says after every failure."""
    lines = (line.strip() for line in stderr.decode(errors="replace").replace("\r", "\n").split("\n"))
    told = [line.removeprefix("fatal: ").removeprefix("error: ").rstrip(".") for line in lines if line]
    telling = [line for line in told if not line.startswith(_AFTERWARDS)] or told or ["it failed"]
    return "; ".join(dict.fromkeys(telling))[:_MOST_SAID]


def _reason(stderr: bytes) -> str:
    lines = [line for line in stderr.decode(errors="replace").strip().split("\n") if line]
    told = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "it failed")
    return told.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
