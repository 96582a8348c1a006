"""All files of a source, read once: what the rules look at."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from kb import frontmatter
from kb.articles import (
    MARKDOWN_SUFFIXES,
    Unusable,
    article_of,
    content_root,
    load,
    no_article,
    read_markdown,
    source_files,
    status_of,
)
from kb.check.markup import Markup, markup
from kb.check.report import Finding, error, warning
from kb.errors import SourceError
from kb.frontmatter import FrontMatter, FrontMatterProblem
from kb.links import Resolver
from kb.models import Article, Skipped

#: "other" files are no articles: fragments, the repository's own, and broken ones.
Status = Literal["published", "draft", "archived", "other"]
_NO_MARKUP = Markup()


@dataclass(slots=True)
class Page:
    """A Markdown file, or a line of a JSONL file. `text` has `\\n` line ends; `article` is None for "other" ones.

    `row` is the line all findings of a JSONL article stand on, else 0. `problem` is what keeps it from being read.
    """

    path: str
    text: str = ""
    front: FrontMatter | None = None
    article: Article | None = None
    status: Status = "other"
    problem: Skipped | None = None
    row: int = 0
    markup: Markup = _NO_MARKUP

    @property
    def lang(self) -> str:
        return self.article.lang if self.article else ""

    def line(self, key: str) -> int:
        """The line of a key of the front matter; 1 where there is none."""
        return self.row or (self.front.lines.get(key, 1) if self.front else 1)


@dataclass
class Pages:
    """A source as a whole. `files` and `folders` are all paths below it, told apart by case as a server does.

    `found` is what was noticed while reading.
    """

    source: Path
    pages: list[Page]
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    found: list[Finding] = field(default_factory=list)
    default_lang: str = "en"

    @cached_property
    def living(self) -> list[Page]:
        """Published articles and drafts, which are about to be."""
        return [page for page in self.pages if page.article and page.status in ("published", "draft")]

    @cached_property
    def published(self) -> list[Page]:
        return [page for page in self.living if page.status == "published"]

    @cached_property
    def by_path(self) -> dict[str, Page]:
        return {page.path: page for page in self.pages}

    @cached_property
    def targets(self) -> dict[str, Page]:
        """What a relative link may name, as `kb.links.Resolver` has it: the path, or the path without its ending."""
        found = {page.path: page for page in self.living}
        for page in self.living:
            found.setdefault(posixpath.splitext(page.path)[0], page)
        return found

    @cached_property
    def by_key(self) -> dict[tuple[str, str], Page]:
        """(language, id) -> the first living article that has it."""
        found: dict[tuple[str, str], Page] = {}
        for page in self.living:
            if page.article:
                found.setdefault((page.article.lang, page.article.id), page)
        return found

    @cached_property
    def moved(self) -> dict[tuple[str, str], Page]:
        """(language, old id) -> the article that took its place."""
        found: dict[tuple[str, str], Page] = {}
        for page in self.living:
            for old in page.article.redirect_from if page.article else ():
                found.setdefault((page.lang, old.strip("/")), page)
        return found

    @cached_property
    def folded(self) -> dict[str, str]:
        """Path without regard to case and composition -> the path."""
        return {fold(path): path for path in sorted(self.files, reverse=True)}

    @cached_property
    def by_digits(self) -> dict[str, list[str]]:
        """The digits in a path -> the paths of living articles with these."""
        found: dict[str, list[str]] = {}
        for page in self.living:
            found.setdefault(digits(page.path), []).append(page.path)
        return found

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """File name -> the paths that have it."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.files):
            found.setdefault(fold(posixpath.basename(path)), []).append(path)
        return found


def digits(path: str) -> str:
    """The numbers in a path, with spaces between."""
    return " ".join(re.findall(r"\d+", path))


def fold(path: str) -> str:
    """What two paths have in common that differ in case, or in how their accents are composed."""
    return unicodedata.normalize("NFC", path).casefold()


@dataclass(slots=True)
class Memory:
    """What an earlier look at a folder read, for one that is looked at again and again.

    A file that did not change is not read again; after a change of one that is no article all are, since others may
    include it. `stamps` tell one state of a file from another.
    """

    pages: dict[Path, Page] = field(default_factory=dict)
    stamps: dict[Path, tuple[int, ...]] = field(default_factory=dict)
    root: int = 0

    def look(self, files: Sequence[Path], root: int) -> None:
        """Forgets what is not as it was."""
        now = {path: _stamp(path) for path in files}
        changed = {path for path in now.keys() | self.stamps.keys() if now.get(path) != self.stamps.get(path)}
        included = any(self.pages[path].article is None for path in changed & self.pages.keys())
        new = any(path not in self.stamps for path in changed)
        self.stamps = now
        if root != self.root or included or new:
            self.pages.clear()
        for path in changed:
            self.pages.pop(path, None)
        self.root = root


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def read(
    source: Path,
    default_lang: str,
    on_file: Callable[[Path], None] = lambda _: None,
    memory: Memory | None = None,
) -> Pages:
    """Raises SourceError where there is nothing to check, EvaluationFileError for a broken line of a JSONL file."""
    files = source_files(source)
    if source.is_file():
        return _jsonl(source, default_lang)
    tree = _Tree.of(source)
    relatives = [PurePosixPath(path.relative_to(source).as_posix()) for path in files]
    root = content_root(relatives)
    pages = Pages(source, [], frozenset(tree.files), frozenset(tree.folders), tree.found, default_lang)
    memory = memory or Memory()
    memory.look(files, root)
    known = frozenset(page.path for page in memory.pages.values())
    for path, relative in zip(files, relatives, strict=True):
        on_file(path)
        if path not in memory.pages:
            memory.pages[path] = _page(path, relative, root, default_lang)
        pages.pages.append(memory.pages[path])
    if not pages.pages and not tree.found:
        raise SourceError(f"{source} holds no Markdown files. Give the folder that the articles lie in.")
    resolver = Resolver(source, {})
    for page in pages.pages:
        if page.front and page.status != "archived" and page.path not in known:
            _parse(page, resolver)
    return pages


def _parse(page: Page, resolver: Resolver) -> None:
    assert page.front is not None  # noqa: S101 - asked for above
    article = page.article or Article(page.path, "", "", page.front.body, page.path)
    page.markup = markup(page.front.body, page.front.body_line, lambda path: resolver.fragment(article, path))


def _page(path: Path, relative: PurePosixPath, root: int, default_lang: str) -> Page:
    shown = _printable(str(relative))
    page = Page(shown)
    if shown != str(relative):
        page.problem = Skipped(shown, "unreadable", "its name is not UTF-8", fix="Give the file another name.")
        return page
    try:
        page.text = read_markdown(path, shown)
        page.front = frontmatter.split(page.text)
        if no_article(relative, page.front):
            return page
        status = status_of(page.front)
        page.article = _article(page, relative, root, default_lang)
        page.status = "draft" if status == "draft" else "archived" if status == "archived" else "published"
    except Unusable as unusable:
        # A draft that says nothing yet is a draft.
        if not (unusable.skipped.reason == "empty" and page.front and status_of(page.front) in ("draft", "archived")):
            page.problem = unusable.skipped
    except FrontMatterProblem as problem:
        page.problem = Skipped(shown, "broken front matter", problem.detail, problem.line, problem.fix)
    return page


def _article(page: Page, relative: PurePosixPath, root: int, default_lang: str) -> Article:
    """The article without the values that cannot be used, so that its text is checked at the same time.

    The first of these is kept as the page's problem. Raises Unusable where it is empty.
    """
    assert page.front is not None  # noqa: S101 - asked by the caller
    front = page.front
    while True:
        try:
            return article_of(front, relative, root, default_lang)
        except FrontMatterProblem as problem:
            line, told = (
                problem.line,
                Skipped(page.path, "broken front matter", problem.detail, problem.line, problem.fix),
            )
        except Unusable as unusable:
            if unusable.skipped.reason != "unknown language":
                raise
            line, told = unusable.skipped.line, unusable.skipped
        page.problem = page.problem or told
        kept = {key: value for key, value in front.values.items() if front.lines.get(key, 1) != line}
        if len(kept) == len(front.values):
            raise Unusable(told)
        front = replace(front, values=kept)


def _printable(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")


@dataclass(slots=True)
class _Tree:
    """All paths below a folder; the links among them that lead nowhere, or to folders, are told."""

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    found: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, source: Path) -> _Tree:
        tree = cls()

        def unreadable(failed: OSError) -> None:
            path = _printable(os.path.relpath(failed.filename or source, source))
            reason = failed.strerror or str(failed)
            tree.found.append(
                error(path, 0, "unreadable", f"The folder cannot be read: {reason}.", "Check its permissions.")
            )

        for folder, folders, names in os.walk(source, onerror=unreadable):
            relative = PurePosixPath(Path(folder).relative_to(source).as_posix())
            if ".git" in folders:
                folders.remove(".git")
            hidden = any(part.startswith(".") for part in relative.parts)
            for name in (*folders, *names):
                path = str(relative / name)
                at = Path(folder, name)
                if at.is_symlink() and not hidden and not name.startswith("."):
                    tree.found.extend(_link(at, _printable(path)))
                (tree.folders if name in folders else tree.files).add(path)
        return tree


def _link(path: Path, shown: str) -> Iterator[Finding]:
    """What is wrong with a symbolic link."""
    if path.is_dir():
        message = "It is a symbolic link to a folder. Those are not followed: articles behind it are not published."
        yield warning(shown, 0, "unreadable", message, "Put the folder itself here.")
    elif path.suffix.lower() in MARKDOWN_SUFFIXES and not path.exists():
        target = _printable(str(path.readlink()))
        message = f"It is a symbolic link to {target!r}, where there is no file."
        yield error(shown, 0, "unreadable", message, "Let it lead to a file, or delete it.")


def _jsonl(source: Path, default_lang: str) -> Pages:
    loaded = load(source, default_lang=default_lang)
    pages = Pages(source, [], default_lang=default_lang)
    for article in loaded.articles:
        row = int(article.path.rpartition(":")[2])
        page = Page(source.name, article.body, article=article, status="published", row=row)
        found = markup(article.body, 1)
        page.markup = Markup(headings=found.headings, anchors=found.anchors)
        pages.pages.append(page)
    for entry in loaded.skipped:
        pages.pages.append(Page(source.name, problem=entry, row=entry.line or int(entry.path.rpartition(":")[2] or 0)))
    return pages
