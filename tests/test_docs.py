"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import stale
from kb.models import SkipReason
from tests.conftest import PROJECT
from web.settings import Settings

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]


def test_generated_pages_are_in_step_with_the_code() -> None:
    assert stale() == []


def test_every_setting_is_documented() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [
        name for name, field in Settings.model_fields.items() if f"| `{name}` |" not in page or not field.description
    ] == []


def test_every_reason_to_skip_a_file_is_documented() -> None:
    page = (PROJECT / "docs" / "articles.md").read_text(encoding="utf-8")
    reasons = SkipReason.__args__  # type: ignore[attr-defined]
    assert [reason for reason in reasons if reason not in page] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = re.sub(r"`[^`]*`", "", document.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_make_target_the_documents_name_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))}
    assert named - targets == set()
