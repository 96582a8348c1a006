"""The command `firstline check`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kb.check import schema
from tests.conftest import PROJECT, Write
from tests.web.test_cli import firstline

ARTICLES = {"a.md": "See [this](B.md).\n\n### Deep: 100 %\n", "b.md": "## A heading\n\n### Fine\n"}


def test_check_names_file_line_and_fix_and_fails(write: Write, tmp_path: Path) -> None:
    source = write(ARTICLES)
    done = firstline("check", source, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "articles/a.md:1: error: B.md leads nowhere: there is no B.md. Write b.md. [dead-link]",
        "articles/a.md:3: warning: The heading 'Deep: 100 %' of level 3 comes after the title. Make it level 2. "
        "[heading-jump]",
        "",
        "2 files: 1 error, 1 warning",
        "  1 × dead-link",
        "  1 × heading-jump",
        "1 can be mended with --fix",
    ]


def test_check_mends_what_is_certain_and_then_only_warns(write: Write, tmp_path: Path) -> None:
    source = write(ARTICLES)
    done = firstline("check", source, "--fix", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "firstline: mended articles/a.md\n")
    assert done.stdout.splitlines()[-2:] == ["2 files: 0 errors, 1 warning", "  1 × heading-jump"]
    assert firstline("check", source, "--strict", cwd=tmp_path).returncode == 1
    assert firstline("check", source, "--strict", "--off", "heading-jump", cwd=tmp_path).returncode == 0
    settings = {"FIRSTLINE_CHECK_OFF": "heading-jump"}
    assert firstline("check", source, "--strict", cwd=tmp_path, **settings).returncode == 0


def test_check_speaks_to_programs_and_to_github(write: Write, tmp_path: Path) -> None:
    source = write(ARTICLES)
    told = json.loads(firstline("check", source, "--format", "json", cwd=tmp_path).stdout)
    assert (told["files"], told["errors"], told["failed"]) == (2, 1, True)
    assert [finding["path"] for finding in told["findings"]] == ["a.md", "a.md"]
    assert firstline("check", source, "--format", "github", cwd=tmp_path).stdout.splitlines() == [
        "::error file=articles/a.md,line=1,title=dead-link::B.md leads nowhere: there is no B.md. Write b.md.",
        "::warning file=articles/a.md,line=3,title=heading-jump::The heading 'Deep: 100 %25' of level 3 comes after "
        "the title. Make it level 2.",
    ]


def test_check_says_what_it_cannot_use(tmp_path: Path) -> None:
    done = firstline("check", tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("holds no Markdown files. Give the folder that the articles lie in.\n")
    (tmp_path / "a.md").write_text("Text.\n")
    done = firstline("check", tmp_path, "--off", "dead-lnk", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no rule dead-lnk to switch off." in done.stderr


def test_check_prints_the_schema_for_editors(tmp_path: Path) -> None:
    assert json.loads(firstline("check", "--schema", cwd=tmp_path).stdout) == schema()


def test_our_own_articles_are_clean() -> None:
    done = firstline("check", os.fspath(PROJECT / "articles"), "--strict", cwd=PROJECT)
    assert (done.returncode, done.stdout) == (0, "206 files: 0 errors, 0 warnings\n")
