"""Folders of articles and what a check tells about them: tests/kb/check/cases.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from kb.check import RULES, check
from tests.conftest import Write

TODAY = date(2026, 11, 22)
_CASE = re.compile(r"^(\S[^\n]*)\n\.\n(.*?)^\.\n(.*?)^\.$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    title: str
    files: dict[str, str]
    told: list[str]


def cases() -> list[Case]:
    text = Path(__file__).with_name("cases.md").read_text(encoding="utf-8")
    found = []
    for title, files, told in _CASE.findall(text):
        parts = re.split(r"^=== (.+)\n", files, flags=re.MULTILINE)
        found.append(Case(title, dict(zip(parts[1::2], parts[2::2], strict=True)), told.splitlines()))
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.title)
def test_a_check_tells_exactly_this(case: Case, write: Write) -> None:
    report = check(write(case.files), today=TODAY)
    assert [str(finding) for finding in report.findings] == case.told


def test_every_rule_that_a_folder_of_files_can_break_stands_in_the_cases() -> None:
    told = {rule for case in cases() for rule in re.findall(r"\[([\w-]+)\]$", "\n".join(case.told), re.MULTILINE)}
    # These need a repository, or files that are no text.
    assert RULES.keys() - told == {"stale-translation", "unreadable"}
