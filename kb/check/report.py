"""What a check found: findings, the rules they come from, and whether it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one line that cannot change what the article says: `old`, as it stands there, becomes `new`."""

    line: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: `message` says what is wrong, `fix` what to do about it.

    `path` is relative to the source folder; `line` is 1-based, 0 where the file as a whole is meant. `edit` is there
    where `firstline check --fix` can mend it.
    """

    path: str
    line: int
    rule: str
    severity: Severity
    message: str
    fix: str
    edit: Edit | None = field(default=None, repr=False)

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.severity}: {self.message} {self.fix} [{self.rule}]"

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "line": self.line,
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "fix": self.fix,
            "fixable": self.edit is not None,
        }


#: Every rule and what it looks for, in the order of the documentation.
RULES: dict[str, str] = {
    "unreadable": "A file that cannot be read: not UTF-8, too large, no permission, a link that leads nowhere.",
    "conflict-marker": "The marks a merge leaves where two changes met.",
    "front-matter": "Front matter that is not YAML, or a value of ours that is not allowed.",
    "misspelled-key": "A key of the front matter that is almost one of ours.",
    "empty": "No text below the front matter.",
    "topics": "Something in topics.yml that cannot be used, or that fits no article.",
    "duplicate-id": "Two articles of one language with the same id.",
    "redirect": "An old id that a living article has, or that two articles claim.",
    "duplicate-title": "Two articles of one language with the same title.",
    "duplicate-question": "A question that two articles claim, or one both claims and refuses.",
    "dead-link": "A link to an article or a file that is not there for a reader.",
    "dead-anchor": "A link to a heading that is not there.",
    "missing-include": "A fragment that is not there, or stands where it is not read.",
    "raw-markup": "Markdown that is not read as such, or a command of another program: readers see its brackets.",
    "missing-picture": "A picture that is not there.",
    "unshown-picture": "A picture that is not shown: too large, of a kind browsers do not show, or on another site.",
    "alt-text": "A picture without words for those who do not see it.",
    "heading-jump": "A heading more than one level below the one before.",
    "second-title": "A heading of level 1 that is not the title.",
    "secret": "A key, token or password that was pasted in.",
    "personal-data": "A person's mail address or mobile number, a card or account number.",
    "review-due": "The date in review_by has passed.",
    "stale-translation": "The article in the default language changed after its translation.",
    "lone-translation": "A translation that has another id than the article it belongs to.",
    "orphan": "An article that has no topic, and that nothing links to.",
    "near-duplicate": "Two articles of one language that say the same, or nearly the same (--near-duplicates).",
    "check-off": "A rule that is switched off and does not exist.",
}


@dataclass(frozen=True, slots=True)
class Report:
    """Findings by path and line, and how many files were looked at (articles, drafts and other Markdown)."""

    findings: tuple[Finding, ...]
    files: int
    #: Warnings fail as well.
    strict: bool = False

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors

    @property
    def failed(self) -> bool:
        return bool(self.errors or (self.strict and self.findings))

    def rules(self) -> dict[str, int]:
        """How many findings each rule has, the most first."""
        return dict(Counter(finding.rule for finding in self.findings).most_common())

    def as_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "errors": self.errors,
            "warnings": self.warnings,
            "failed": self.failed,
            "findings": [finding.as_json() for finding in self.findings],
        }


def error(path: str, line: int, rule: str, message: str, fix: str, edit: Edit | None = None) -> Finding:
    return Finding(path, line, rule, "error", message, fix, edit)


def warning(path: str, line: int, rule: str, message: str, fix: str, edit: Edit | None = None) -> Finding:
    return Finding(path, line, rule, "warning", message, fix, edit)


def listed(names: Collection[str], most: int = 3) -> str:
    """The first few of some names: "`a`, `b`, `c` and 4 more"."""
    ordered = list(names)
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(f"`{name}`" for name in ordered[:most]) + more


def short(text: str, most: int = 80) -> str:
    """One line of a text, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
