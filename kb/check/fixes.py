"""Mends what cannot change what an article says: see `Edit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.check.report import Edit, Finding
from kb.errors import RepositoryError
from kb.repository import Repository


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended: how many findings in how many files, and which of the files had changes not committed before."""

    findings: int
    files: tuple[str, ...]
    uncommitted: tuple[str, ...]


def mend(source: Path, findings: Sequence[Finding]) -> Mended:
    """Writes the edits of findings. A line that is no longer as it was read stays as it is. Raises OSError."""
    wanted: dict[str, list[Edit]] = {}
    for finding in findings:
        if finding.edit:
            wanted.setdefault(finding.path, []).append(finding.edit)
    changed_before = _uncommitted(source) if wanted else frozenset()
    done, files = 0, []
    for path, edits in sorted(wanted.items()):
        if made := _write(source / path, edits):
            done += made
            files.append(path)
    return Mended(done, tuple(files), tuple(path for path in files if path in changed_before))


def _write(path: Path, edits: Sequence[Edit]) -> int:
    """How many edits were made. Line ends and all other bytes stay."""
    lines = path.read_bytes().replace(b"\r\n", b"\n\r").split(b"\n")  # `\r` goes to the next line and back
    made = 0
    for edit in dict.fromkeys(edits):
        old, new = edit.old.encode(), edit.new.encode()
        count = lines[edit.line - 1].count(old) if edit.line <= len(lines) else 0
        if count == 1 or (count and old.startswith(b"](")):  # whole addresses, of the same link twice
            lines[edit.line - 1] = lines[edit.line - 1].replace(old, new)
            made += 1
    if made:
        path.write_bytes(b"\n".join(lines).replace(b"\n\r", b"\r\n"))
    return made


def _uncommitted(source: Path) -> frozenset[str]:
    """Paths below `source` that git would lose; none outside of a repository."""
    try:
        repository = Repository.at(source)
        listed = repository.git("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
    except RepositoryError:
        return frozenset()
    paths = (entry[3:] for entry in listed.split("\0") if entry)
    return frozenset(path.removeprefix(repository.prefix) for path in paths if path.startswith(repository.prefix))
