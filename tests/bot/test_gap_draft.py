"""The draft of a gap, and how it gets onto a branch without touching what an author has checked out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.gaps.branch import commit_on_branch
from bot.gaps.draft import draft
from bot.gaps.models import Gap, Standing, Wording
from bot.service import HelpDesk
from kb.articles import load
from kb.errors import RepositoryError
from kb.models import PUBLIC
from kb.repository import Repository
from tests.bot.samples import NOON
from tests.repositories import git

_TEXT = "---\ntitle: Sauna\n---\nUpstairs.\n"


def gap(*texts: str) -> Gap:
    wordings = tuple(Wording(text, 1, "en") for text in texts)
    return Gap(
        "abc", texts[0], "en", Standing(), 3, NOON, NOON, 3, 0, 0, 0, frozenset({"unanswered"}), ("en",), "no_article",
        "", wordings,
    )  # fmt: skip


def test_a_draft_has_the_real_wordings_as_its_questions(small_desk: HelpDesk) -> None:
    made = draft(
        gap("Hello, where is the sauna?", "is there a *sauna*"), small_desk.library.searcher, frozenset({PUBLIC})
    )
    front = yaml.safe_load(made.text.split("---")[1])
    assert front["questions"] == ["where is the sauna?", "is there a *sauna*"]
    assert (front["id"], front["status"], front["lang"]) == ("where-is-the-sauna", "draft", "en")
    assert "> is there a \\*sauna\\*" in made.text
    assert made.path == f"en/{front['id']}.md"


def test_a_draft_of_whatever_people_type_is_an_article_that_loads(small_desk: HelpDesk, tmp_path: Path) -> None:
    letter = "Hello. I cannot log in since Monday. " + "And it goes on and on. " * 40
    typed = ("--- how: [to", "<script>alert(1)</script>", "# {{ x }}", "😀", "كيف أعيد تعيين كلمة المرور؟", letter)
    made = draft(gap(*typed), small_desk.library.searcher, frozenset({PUBLIC}))
    file = tmp_path / "articles" / made.path
    file.parent.mkdir(parents=True)
    file.write_text(made.text.replace("status: draft\n", ""), encoding="utf-8")
    (article,) = load(tmp_path / "articles").articles
    assert article.questions == (*typed[:-1], "I cannot log in since Monday.")
    assert "<script>" not in made.text.split("---")[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with articles in a folder, one of them half written and one staged."""
    (tmp_path / "help" / "en").mkdir(parents=True)
    (tmp_path / "help" / "en" / "vpn.md").write_text("# VPN\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "config", "user.name", "Ann")  # kept there: the draft is committed by who works in it
    git(tmp_path, "config", "user.email", "ann@example.com")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "First")
    (tmp_path / "help" / "en" / "vpn.md").write_text("# VPN, half written\n", encoding="utf-8")
    (tmp_path / "help" / "en" / "new.md").write_text("# Staged\n", encoding="utf-8")
    git(tmp_path, "add", "help/en/new.md")
    return tmp_path


def test_a_draft_on_a_branch_leaves_the_checkout_as_it_is(checkout: Path) -> None:
    index = (checkout / ".git" / "index").read_bytes()
    before = [
        git(checkout, *ask) for ask in (("rev-parse", "HEAD"), ("symbolic-ref", "HEAD"), ("status", "--porcelain"))
    ]
    repository = Repository.at(checkout / "help")

    commit = commit_on_branch(repository, "gap/sauna", "en/wellness/sauna.md", _TEXT, "Draft: Sauna")

    assert (checkout / ".git" / "index").read_bytes() == index
    after = [
        git(checkout, *ask) for ask in (("rev-parse", "HEAD"), ("symbolic-ref", "HEAD"), ("status", "--porcelain"))
    ]
    assert after == before
    assert git(checkout, "rev-parse", "gap/sauna").strip() == commit
    assert git(checkout, "show", "gap/sauna:help/en/wellness/sauna.md") == _TEXT
    assert git(checkout, "diff", "--name-only", "main", "gap/sauna").split() == ["help/en/wellness/sauna.md"]
    assert git(checkout, "log", "-1", "--format=%an %s", "gap/sauna").strip() == "Ann Draft: Sauna"
    git(checkout, "fsck", "--strict")


def test_what_is_there_already_is_never_overwritten(checkout: Path) -> None:
    repository = Repository.at(checkout / "help")
    commit_on_branch(repository, "gap/sauna", "en/sauna.md", _TEXT, "Draft")
    with pytest.raises(RepositoryError, match="gap/sauna is there already"):
        commit_on_branch(repository, "gap/sauna", "en/sauna.md", _TEXT, "Draft")
    with pytest.raises(RepositoryError, match=r"help/en/vpn\.md is there already"):
        commit_on_branch(repository, "gap/vpn", "en/vpn.md", _TEXT, "Draft")
    with pytest.raises(RepositoryError, match="cannot be the name"):
        commit_on_branch(repository, "gap/../sauna", "en/other.md", _TEXT, "Draft")


def test_a_repository_without_a_commit_says_what_to_do(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(RepositoryError, match="Commit the articles first"):
        commit_on_branch(Repository.at(tmp_path), "gap/sauna", "sauna.md", _TEXT, "Draft")
