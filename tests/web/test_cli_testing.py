"""The command `firstline test`, in real repositories."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
import yaml

from tests.conftest import PROJECT
from tests.kb.expect.desk import MAIL, THIEF, VPN, parsed
from tests.repositories import commit, git
from tests.web.test_cli import firstline
from web.cli import app

FILES = {"articles/en/mail.md": MAIL, "articles/en/vpn.md": VPN, "README.md": "x"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Articles in a folder of a repository, on the branch main."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, FILES, "2026-01-01")
    return folder


def test_articles_whose_questions_find_them_pass_and_nothing_is_published(repository: Path) -> None:
    done = firstline("test", "articles", cwd=repository)
    assert (done.returncode, done.stdout) == (
        0,
        "2 questions and 0 not_for of 2 articles, k = 1: 2 passed, 0 failed\n",
    )
    assert not (repository / "data" / "current").exists()


def test_a_failing_question_names_its_file_and_line_what_came_first_and_what_to_do(repository: Path) -> None:
    (repository / "articles/en/mail.md").write_text(MAIL.replace("my mailbox is full", "tunnel"))
    done = firstline("test", "articles", "--junit", "junit.xml", cwd=repository)

    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "articles/en/mail.md:5: “tunnel”: its article comes 2nd",
        "  first: articles/en/vpn.md “Connect the vpn tunnel”, its title “Connect the vpn tunnel” is near",
        "fix: If the first one answers it, move it there and add it to `not_for` here. If its own article does, "
        "reword it, or say the same in another question, the title or a heading.",
    ]
    (failing,) = (case for case in parsed((repository / "junit.xml").read_text()).iter("testcase") if len(case))
    assert failing.get("file") == "articles/en/mail.md"
    assert firstline("test", "articles", "--k", "2", cwd=repository).returncode == 0
    assert firstline("test", "articles", cwd=repository, FIRSTLINE_TEST_K="2").returncode == 0


def test_a_branch_that_takes_a_question_fails_and_names_the_thief(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "change")
    commit(repository, {"articles/en/thief.md": THIEF}, "2026-02-02")
    printed = json.loads(firstline("test", "articles", "--base", "main", "--json", cwd=repository).stdout)

    assert printed["ok"] is False
    assert {(row["path"], row["line"], row["was"], row["thief"]["path"]) for row in printed["base"]["stolen"]} == {
        ("en/mail.md", 5, 1, "en/thief.md"),
        ("en/vpn.md", 5, 1, "en/thief.md"),
    }


def test_each_base_is_what_its_own_articles_were(repository: Path) -> None:
    commit(repository, {"articles/en/mail.md": MAIL.replace("my mailbox is full", "tunnel")}, "2026-02-02")
    commit(repository, {"articles/en/vpn.md": VPN.replace("Start", "Now start")}, "2026-02-03")
    bases = [
        json.loads(firstline("test", "articles", "--base", ref, "--json", cwd=repository).stdout)["base"]
        for ref in ("HEAD~1", "HEAD~2")
    ]
    assert [[row["text"] for row in base["removed"]] for base in bases] == [[], ["my mailbox is full"]]
    assert len(list((repository / "data" / "tested").iterdir())) == 2


def test_what_others_changed_since_a_branch_began_is_not_this_change_s_doing(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "change")
    commit(repository, {"README.md": "y"}, "2026-02-02")
    git(repository, "checkout", "-q", "main")
    commit(repository, {"articles/en/mail.md": MAIL.replace("my mailbox is full", "tunnel")}, "2026-02-03")
    git(repository, "checkout", "-q", "change")
    done = firstline("test", "articles", "--base", "main", cwd=repository)
    began = git(repository, "rev-parse", "--short=7", "HEAD~1").strip()
    assert f"main has other commits since: compared with {began}, where this branch left it." in done.stderr
    assert done.stdout.splitlines()[-2:] == [f"Against main ({began}): no difference", "Passes"]


def test_only_what_stands_in_a_file_is_asked_among_all_articles(repository: Path) -> None:
    (repository / "articles/en/mail.md").write_text(MAIL.replace("my mailbox is full", "tunnel"))
    mail = firstline("test", "articles", "--only", "articles/en/mail.md", cwd=repository)
    assert mail.stdout.splitlines()[0] == "articles/en/mail.md:5: “tunnel”: its article comes 2nd"
    vpn = firstline("test", "articles", "--only", "en/vpn.md", cwd=repository)
    assert (vpn.returncode, vpn.stdout) == (0, "1 question and 0 not_for of 2 articles, k = 1: 1 passed, 0 failed\n")


def test_github_shows_a_theft_beside_the_thief_and_beside_what_it_took(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "change")
    commit(repository, {"articles/en/thief.md": THIEF}, "2026-02-02")
    done = firstline("test", "articles", "--base", "main", "--format", "github", cwd=repository)
    shown = [line.split("::")[1] for line in done.stdout.splitlines() if line.startswith("::")]
    assert shown[:3] == [
        "error file=articles/en/thief.md,title=stolen questions",
        "error file=articles/en/mail.md,line=5,title=failing question",
        "error file=articles/en/vpn.md,line=5,title=failing question",
    ]


def test_a_base_that_cannot_be_read_is_told_and_everything_counts_as_new(repository: Path) -> None:
    broken = {name: '---\ntitle: "x\n---\n' for name in FILES if name.startswith("articles")}
    commit(repository, broken, "2026-02-02")
    commit(repository, FILES, "2026-02-03")
    done = firstline("test", "articles", "--base", "HEAD~1", cwd=repository)
    assert done.returncode == 0
    assert "The articles at HEAD~1 cannot be read, so all questions count as new." in done.stderr


def test_what_failed_on_the_base_fails_only_when_asked_to(repository: Path) -> None:
    commit(repository, {"articles/en/mail.md": MAIL.replace("my mailbox is full", "tunnel")}, "2026-02-02")
    same = firstline("test", "articles", "--base", "main", cwd=repository)
    assert same.returncode == 0
    assert same.stdout.splitlines()[-2].endswith("): no difference; 1 failed before, too")
    assert same.stdout.splitlines()[-1] == "Passes"
    strict = firstline("test", "articles", "--base", "main", "--strict", cwd=repository)
    assert strict.returncode == 1
    assert "articles/en/mail.md:5: “tunnel”: its article comes 2nd" in strict.stdout
    assert strict.stdout.splitlines()[-1] == "Fails: 1 failed before"


def test_against_a_base_without_articles_all_questions_are_new(repository: Path) -> None:
    git(repository, "rm", "-q", "-r", "articles")
    git(repository, "commit", "-m", "x")
    git(repository, "tag", "empty")
    git(repository, "revert", "--no-edit", "HEAD")
    done = firstline("test", "articles", "--base", "empty", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2].endswith("): 2 new")


def test_a_file_whose_front_matter_breaks_was_not_tested_and_fails(repository: Path) -> None:
    (repository / "articles/en/mail.md").write_text('---\ntitle: "never closed\n---\nText.\n')
    done = firstline("test", "articles", "--base", "main", cwd=repository)
    assert done.returncode == 1
    assert done.stdout.startswith("articles/en/mail.md:2: its questions were not tested: broken front matter: ")
    assert "Removed" not in done.stdout
    assert done.stdout.splitlines()[-1] == "Fails: 1 not tested any more"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("articles", "--base", "gone"), "has no commit 'gone'. Name a branch, a tag or a commit that was fetched"),
        (("articles", "--strict"), "--strict needs --base"),
        (("articles", "--junit", "no/where.xml"), "the folder no does not exist"),
        (("nowhere",), "nowhere does not exist"),
        (("articles", "--base", ""), "--base is empty"),
        (("articles", "--only", "articles/en/gone.md"), "--only articles/en/gone.md does not exist"),
        (("articles", "--only", "README.md"), "--only README.md is not in articles"),
        (("articles/en/mail.md",), "firstline test articles/en --only articles/en/mail.md"),
        (("articles", "--json", "--format", "github"), "--json and --format exclude each other"),
    ],
)
def test_wrong_use_is_told(repository: Path, words: tuple[str, ...], message: str) -> None:
    done = firstline("test", *words, cwd=repository)
    assert done.returncode == 2
    assert message in done.stderr


def test_outside_of_a_repository_a_base_is_refused_and_the_articles_alone_are_tested(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "mail.md").write_text(MAIL)
    assert firstline("test", "articles", cwd=tmp_path).returncode == 0
    done = firstline("test", "articles", "--base", "main", cwd=tmp_path)
    assert done.returncode == 2
    assert "articles has to lie in a git repository" in done.stderr


def test_in_a_shallow_clone_the_message_says_how_ci_fetches_all(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"README.md": "y"}, "2026-02-02")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "clone")
    done = firstline("test", "articles", "--base", "main~1", cwd=tmp_path / "clone")
    assert done.returncode == 2
    assert "fetch-depth: 0" in done.stderr


CI = PROJECT / "docs" / "ci"


@pytest.mark.parametrize("file", sorted(CI.glob("*.yml")), ids=lambda path: path.name)
def test_the_ready_ci_files_are_yaml_and_use_commands_and_options_there_are(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    used = re.findall(r"\bfirstline (check|test)\b([^|\n]*)", re.sub(r"^ *#.*", "", text, flags=re.MULTILINE))
    assert [name for name, _ in used] == ["check", "test"]
    for name, words in used:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", words)) <= known


def test_no_ready_ci_file_names_a_package_index() -> None:
    assert [path.name for path in CI.glob("*.yml") if re.search(r"index-url[= ]+\"?http", path.read_text())] == []
