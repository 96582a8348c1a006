"""What is wrong with the articles, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kb.live import Edition
from kb.models import Skipped


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` is 0 where no line of the file is meant."""

    path: str
    line: int
    severity: Literal["error", "warning"]
    message: str
    fix: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


def findings(edition: Edition) -> tuple[Finding, ...]:
    """What is known once a folder was read, in the order of paths and lines."""
    found = [_of(skipped) for skipped in edition.loaded.skipped if not skipped.harmless]
    return tuple(sorted(found, key=lambda each: (each.path, each.line)))


def _of(skipped: Skipped) -> Finding:
    detail = f"{skipped.reason}: {skipped.detail}" if skipped.detail else skipped.reason
    return Finding(skipped.path, skipped.line, "error", detail, skipped.fix)
