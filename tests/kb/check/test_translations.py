"""Translations against the history of a real repository."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from kb.check import check, mend
from tests.repositories import commit, git

TODAY = date(2026, 11, 22)


def test_a_translation_is_stale_where_the_text_of_its_article_changed_later(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    names = ("changed", "dated", "kept", "edited", "both")
    english = {f"kb/en/{name}.md": f"---\ntitle: {name}\nreview_by: 2027-01-01\n---\nText.\n" for name in names}
    polish = {f"kb/pl/{name}.md": f"---\ntitle: pl {name}\n---\nTekst.\n" for name in names}
    commit(tmp_path, english | polish, "2026-10-01")
    changed = english["kb/en/changed.md"] + "More.\n"
    commit(
        tmp_path,
        {
            "kb/en/changed.md": changed,
            "kb/en/dated.md": english["kb/en/dated.md"]
            .replace("2027", "2028")
            .replace("title", "questions: [How]\ntitle"),
            "kb/en/both.md": changed.replace("changed", "both"),
            "kb/pl/both.md": "---\ntitle: pl both\n---\nTekst. Więcej.\n",
        },
        "2026-10-05",
    )
    (tmp_path / "kb/en/edited.md").write_text("Not committed yet.\n", encoding="utf-8")
    report = check(tmp_path / "kb", today=TODAY)
    assert [(finding.path, finding.line, finding.rule) for finding in report.findings] == [
        ("pl/changed.md", 2, "stale-translation")
    ]
    finding = report.findings[0]
    assert finding.message == "en/changed.md changed on 2026-10-05; this translation is of 2026-10-01."
    assert finding.fix.startswith("Bring it up to date: git diff ")
    assert finding.fix.endswith(" -- :/kb/en/changed.md")


def test_files_that_were_moved_keep_their_history(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    english = {f"kb/en/{name}.md": f"---\nid: {name}\n---\n{f'Step {name} in English. ' * 4}\n" for name in "abc"}
    polish = {path.replace("/en/", "/pl/"): text.replace("English", "Polish") for path, text in english.items()}
    commit(tmp_path, english | polish, "2026-10-01")
    commit(tmp_path, {"kb/en/a.md": english["kb/en/a.md"] + "More.\n"}, "2026-10-02")
    (tmp_path / "kb/pl/moved").mkdir()
    git(tmp_path, "mv", "kb/pl/a.md", "kb/pl/moved/a.md")
    git(tmp_path, "mv", "kb/en/b.md", "kb/en/new b.md")
    git(tmp_path, "mv", "kb/en/c.md", "kb/en/c2.md")
    commit(tmp_path, {"kb/pl/moved/a.md": polish["kb/pl/a.md"].replace("---\nid", "---\nowner: it\nid")}, "2026-10-03")
    commit(tmp_path, {"kb/en/new b.md": english["kb/en/b.md"] + "More.\n"}, "2026-10-04")
    told = check(tmp_path / "kb", today=TODAY).findings
    assert [(finding.path, finding.message) for finding in told] == [
        ("pl/b.md", "en/new b.md changed on 2026-10-04; this translation is of 2026-10-01."),
        ("pl/moved/a.md", "en/a.md changed on 2026-10-02; this translation is of 2026-10-01."),
    ]
    assert told[0].fix.endswith(" -- :/kb/en/b.md ':/kb/en/new b.md'")


def test_fix_says_which_of_the_files_it_mended_had_changes_not_committed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    commit(tmp_path, {"kb/a.md": "[b](B.md)\n", "kb/b.md": "Text.\n", "kb/c.md": "[b](B.md)\n"})
    (tmp_path / "kb/c.md").write_text("New. [b](B.md)\n", encoding="utf-8")
    done = mend(tmp_path / "kb", check(tmp_path / "kb", today=TODAY).findings)
    assert (done.files, done.uncommitted) == (("a.md", "c.md"), ("c.md",))
