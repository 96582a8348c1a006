"""Files that Git LFS keeps elsewhere: what is committed is a pointer, a few lines of text that name the file.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bot.publishing.publication import Finding
from kb.articles import MARKDOWN_SUFFIXES

_BEGINS = b"version https://git-lfs.github.com/spec/"
#: Pointers are smaller than this, says the specification.
_LARGEST = 1024


def missing(source: Path) -> tuple[tuple[Finding, ...], bool]:
    """An error for each article below `source` that is a pointer, and a warning for other files that are.

    And whether there is such an article.
    """
    found = sorted(_pointers(source))
    articles = [path for path in found if path.lower().endswith(MARKDOWN_SUFFIXES)]
    others = [path for path in found if path not in set(articles)]
    fix = "Git LFS is not fetched. Keep the file in git itself: git lfs migrate export --include='{}'"
    findings = [
        Finding(
            path,
            1,
            "lfs-pointer",
            "error",
            "This article is kept in Git LFS: here is only its pointer.",
            fix.format(path),
        )
        for path in articles
    ]
    if others:
        many = {0: "", 1: " So is 1 other file."}.get(len(others) - 1, f" So are {len(others) - 1} other files.")
        words = f"This file is kept in Git LFS, so readers do not see it.{many}"
        findings.append(
            Finding(others[0], 0, "lfs-pointer", "warning", words, fix.format(f"*{Path(others[0]).suffix}"))
        )
    return tuple(findings), bool(articles)


def _pointers(source: Path) -> Iterator[str]:
    """Paths below `source`, which may be one file."""
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and path.stat().st_size < _LARGEST and path.read_bytes().startswith(_BEGINS):
                yield path.relative_to(source).as_posix()
