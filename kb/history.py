"""When each article was last changed, and by which team: from git and its CODEOWNERS file, never a person's name."""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kb import repository
from kb.models import Article

_log = logging.getLogger(__name__)

#: Where GitHub, GitLab and Gitea look for it; the first one counts.
_CODEOWNERS = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitea/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_COMMIT = "\x01"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a CODEOWNERS file: which paths, and whose; `team` is "" where it names persons alone."""

    paths: re.Pattern[str]
    team: str


@dataclass(frozen=True, slots=True)
class History:
    """What a repository knows of a source folder.

    `changed` maps paths below that folder to the date of their last commit (ISO 8601); paths that are not committed as
    they are, or whose last commit a shallow clone leaves out, are not in it. `prefix` is the folder's path in the
    repository, "" or with a "/" at its end.
    """

    changed: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    prefix: str = ""

    def of(self, article: Article) -> Article:
        """The article with its last change and its team, as far as they are known."""
        team = team_name(article.owner) or self._team(self.prefix + article.path)
        return replace(article, changed=self.changed.get(article.path, ""), team=team)

    def _team(self, path: str) -> str:
        return next((rule.team for rule in reversed(self.rules) if rule.paths.fullmatch(path)), "")


def history(source: Path) -> History:
    """The history of a source folder; an empty one without git, outside a repository, and for a JSONL file."""
    if not source.is_dir():
        return History()
    told = _git(source, "rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "shallow")
    if not told:
        return History()
    top, prefix, shallow = told.split("\n")[:3]
    return History(_last_commits(source, _boundary(source / shallow)), _rules(Path(top)), prefix)


def team_name(owner: str) -> str:
    """A team as people call it: `@example/identity-team` -> "identity-team"; "" for an address or a person's handle."""
    written = owner.strip()
    if written.startswith("@") and "/" in written:
        return written.rpartition("/")[2]
    return "" if "@" in written else written


# --- dates ---------------------------------------------------------------------------------------------------------


def _last_commits(source: Path, boundary: frozenset[str]) -> dict[str, str]:
    """The date of the last commit of each file that is committed as it is.

    One walk through the log, ended as soon as every file was met: one `git log` a file takes seconds.
    """
    committed = set(filter(None, _git(source, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", ".").split("\0")))
    edited = _git(source, "diff", "--name-only", "-z", "--no-renames", "--relative", "HEAD", "--", ".").split("\0")
    waiting = committed.difference(edited)
    found: dict[str, str] = {}
    for commit, date, path in _log_entries(source) if waiting else ():
        if path in waiting:
            waiting.remove(path)
            if commit not in boundary:  # there the clone was cut: all files look new
                found[path] = date
            if not waiting:
                break
    return found


def _log_entries(source: Path) -> Iterator[tuple[str, str, str]]:
    """(commit, its date, a path it changed), the newest commit first."""
    commit, date, fresh = "", "", False
    # `log.showSignature` in somebody's settings would run a program and put its words before each commit.
    options = ("-z", "--no-renames", "--no-show-signature", f"--format={_COMMIT}%H %cs", "--name-only", "--relative")
    log = repository.command(source, "log", *options)
    with subprocess.Popen(
        [*log, "--", "."], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=repository.env()
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            for entry in _split(iter(lambda: process.stdout.read(1 << 16), b"")):  # type: ignore[union-attr]
                text = os.fsdecode(entry)
                if text.startswith(_COMMIT):
                    (commit, date), fresh = text[1:].split(" "), True
                elif text:
                    yield commit, date, text.removeprefix("\n") if fresh else text
                    fresh = False
        finally:
            process.kill()


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What stands between zero bytes."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def _boundary(shallow: Path) -> frozenset[str]:
    """The commits at which a shallow clone was cut off."""
    try:
        return frozenset(shallow.read_text(encoding="ascii").split())
    except FileNotFoundError:
        return frozenset()


def _git(source: Path, *arguments: str) -> str:
    """What a git command prints; "" where there is no git, no repository or no commit."""
    try:
        done = subprocess.run(
            repository.command(source, *arguments), capture_output=True, env=repository.env(), check=False
        )
    except OSError:  # no git on this machine
        return ""
    if done.returncode and arguments[0] == "rev-parse" and b"not a git repository" not in done.stderr:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[0]
        _log.warning("articles have no dates, git does not read %s: %s", source, reason)
    return "" if done.returncode else os.fsdecode(done.stdout)


# --- teams ---------------------------------------------------------------------------------------------------------


def _rules(top: Path) -> tuple[Rule, ...]:
    for name in _CODEOWNERS:
        try:
            text = (top / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return tuple(rule for line in text.splitlines() if (rule := _rule(line)))
    return ()


def _rule(line: str) -> Rule | None:
    """A line as GitHub reads it; None for a comment, an empty line and the heading of a section (GitLab)."""
    words = re.split(r"(?<!\\)\s+", re.sub(r"(?:^|\s)#.*", "", line).strip())
    if not words[0] or words[0].startswith(("[", "^[")):
        return None
    teams = [team_name(owner) for owner in words[1:] if owner.startswith("@")]
    return Rule(_paths(words[0].replace("\\ ", " ")), next(filter(None, teams), ""))


def _paths(pattern: str) -> re.Pattern[str]:
    """The paths a pattern names, those below a folder included; `docs/*` names the files in it and none deeper."""
    anchored = "/" in pattern.rstrip("/")
    parts = [part for part in pattern.split("/") if part]
    made = "" if anchored else "(?:.*/)?"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            made += ".*" if last else "(?:.*/)?"
        else:
            made += re.sub(r"\\\*|\\\?", lambda match: "[^/]*" if match[0] == r"\*" else "[^/]", re.escape(part))
            made += "" if last else "/"
    if pattern.endswith("/"):
        made += "/.*"
    elif not parts or parts[-1] != "*":
        made += "(?:/.*)?"
    return re.compile(made, re.DOTALL)
