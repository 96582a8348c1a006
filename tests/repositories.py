"""Real git repositories for tests: nothing of whoever runs them counts, and every commit has a day."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(folder: Path, *arguments: str, date: str = "2026-01-01") -> str:
    """What a git command prints; commits are Ann's, at noon of `date` in UTC."""
    at = f"{date}T12:00:00+00:00"
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "protocol.file.allow=always")
    named = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env = {**named, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, env=env, text=True).stdout


def commit(folder: Path, files: Mapping[str, str | None], date: str = "2026-01-01", message: str = "x") -> str:
    """Writes files, removes those that are None, and commits all there is; the full id."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    git(folder, "add", "-A", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", message, date=date)
    return git(folder, "rev-parse", "HEAD").strip()
