"""Loads articles: a folder of Markdown as it is, or a JSONL file; every file becomes an article or a `Skipped`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from kb import frontmatter, languages
from kb.errors import SourceError
from kb.frontmatter import FrontMatter, FrontMatterProblem
from kb.markdown import heading_text
from kb.models import INTERNAL, PUBLIC, Article, ArticleKey, Loaded, Skipped, SkipReason
from kb.topics import topics_of

MARKDOWN_SUFFIXES = (".md", ".markdown")
#: An article larger than this is a data dump; markdown-it-py would spend minutes on it.
MAX_BYTES = 1_000_000

#: Files of a repository that are about the repository.
_REPOSITORY_FILES = frozenset(
    """
    README LICENSE LICENCE CONTRIBUTING CHANGELOG CODE_OF_CONDUCT SECURITY SUPPORT TOC SUMMARY _sidebar _navbar
    """.split()
)
#: Folders that hold fragments for other pages, or tools.
_FRAGMENT_FOLDERS = frozenset({"includes", "_includes", "_partials", "_snippets", "snippets", "node_modules"})
#: Values of `audience` that Microsoft Learn uses for the kind of reader; they restrict nothing.
_READER_KINDS = frozenset({"itpro", "admin", "developer", "end-user", "enduser", "all", "everyone", "users"})

_STATUS: dict[str, SkipReason | None] = {
    "published": None,
    "draft": "draft",
    "archived": "archived",
}
_READ = frozenset(
    """
    id title lang audience questions not_for keywords status review_by owner redirect_from topic topics summary
    description draft published check_off
    """.split()
)
_FIRST_HEADING = re.compile(r"^ {0,3}#{1,2}[ \t]+(\S.*)$", re.MULTILINE)
_SETEXT_HEADING = re.compile(r"^ {0,3}(\S[^\n]*)\n=+[ \t]*$", re.MULTILINE)
#: As it stands in front matter that YAML may not be able to read.
_AUDIENCE = re.compile(r"^audience[ \t]*:[ \t]*(\S.*?)[ \t]*(?:#.*)?$", re.MULTILINE)
#: Front matter ends before, in characters.
_FRONT_MATTER = 100_000
_FENCED = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.MULTILINE | re.DOTALL)


#: Reads one file: its path, its path in the source, how many leading folders all files share, the usual language.
ReadFile = Callable[[Path, PurePosixPath, int, str], Article | Skipped]


class Unusable(Exception):  # noqa: N818 - carries a Skipped to whoever reads one file
    """A file that is no article, and why."""

    def __init__(self, skipped: Skipped) -> None:
        super().__init__(str(skipped))
        self.skipped = skipped


def source_files(source: Path) -> list[Path]:
    """All Markdown files below a folder (hidden folders aside) in a stable order, or the JSONL file itself.

    Raises SourceError where there is nothing to load.
    """
    if not source.exists():
        raise SourceError(f"{source} does not exist. Give a folder of Markdown files or a .jsonl file.")
    if source.is_file():
        if source.suffix != ".jsonl":
            raise SourceError(f"{source} is a file but no .jsonl. Give a folder of Markdown files or a .jsonl file.")
        return [source]
    return sorted(
        (
            path
            for path in source.rglob("*")
            if path.suffix.lower() in MARKDOWN_SUFFIXES
            and path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(source).parts)
        ),
        key=lambda path: path.relative_to(source).as_posix(),
    )


def load(
    source: Path,
    *,
    default_lang: str = "en",
    on_file: Callable[[Path], None] = lambda _: None,
    read: ReadFile | None = None,
) -> Loaded:
    """Every file of `source` as an article, or with the reason why it is none.

    Of two files with one id and language the first in path order is kept. `read` takes the place of `read_file`. Raises
    SourceError where `source` cannot be used at all, EvaluationFileError for a broken line of a JSONL file.
    """
    articles: dict[ArticleKey, Article] = {}
    skipped: list[Skipped] = []
    for entry in _entries(source, default_lang, on_file, read or read_file):
        if isinstance(entry, Skipped):
            skipped.append(entry if entry.harmless else replace(entry, audiences=(declared(source, entry.path),)))
        elif (first := articles.get(entry.key)) is not None:
            skipped.append(
                Skipped(
                    entry.path,
                    "duplicate id",
                    f"{entry.id!r} in {entry.lang} is already the id of {first.path}",
                    fix="Give one of the two another `id:` in its front matter.",
                    audiences=(entry.audience, first.audience),
                )
            )
        else:
            articles[entry.key] = entry
    names, wrong = topics_of(source)
    return Loaded(tuple(articles.values()), (*skipped, *wrong), names)


def _entries(
    source: Path, default_lang: str, on_file: Callable[[Path], None], read: ReadFile
) -> Iterator[Article | Skipped]:
    files = source_files(source)
    if source.is_file():
        yield from _from_jsonl(source, default_lang)
        return
    relatives = [PurePosixPath(path.relative_to(source).as_posix()) for path in files]
    root = content_root(relatives)
    for path, relative in zip(files, relatives, strict=True):
        on_file(path)
        yield read(path, relative, root, default_lang)


def content_root(files: Sequence[PurePosixPath]) -> int:
    """How many leading folders all nested files share (`content/`, `docs/`), language folders left aside."""
    nested = [path.parts[:-1] for path in files if len(path.parts) > 1]
    shared = 0
    while nested and all(len(parts) > shared + 1 and parts[shared] == nested[0][shared] for parts in nested):
        if languages.normalise(nested[0][shared]):
            break
        shared += 1
    return shared


# --- one Markdown file -------------------------------------------------------------------------------------------


def read_markdown(path: Path, shown: str) -> str:
    """The text of a Markdown file with `\\n` line ends and no byte order mark.

    Raises Unusable where it cannot be read, is too large, or is no text.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unusable(
                Skipped(
                    shown,
                    "too large",
                    f"{size:,} bytes, at most {MAX_BYTES:,} are read",
                    fix="Split it into articles that answer one question each.",
                )
            )
        data = path.read_bytes()
    except OSError as error:
        raise Unusable(
            Skipped(shown, "unreadable", error.strerror or str(error), fix="Check the file's permissions.")
        ) from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unusable(Skipped(shown, "not text", "it is UTF-16, not UTF-8", line=1, fix="Save the file as UTF-8."))
    if b"\0" in data[:8192]:
        raise Unusable(
            Skipped(
                shown,
                "not text",
                "it holds zero bytes",
                fix="Is it a picture or an archive with a wrong name?",
            )
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(
            Skipped(
                shown,
                "not text",
                f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8",
                line=data[: error.start].count(b"\n") + 1,
                fix="Save the file as UTF-8.",
            )
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_file(
    path: Path, relative: PurePosixPath, root: int, default_lang: str, *, drafts: bool = False
) -> Article | Skipped:
    """A Markdown file as an article, or why it is none; `drafts` takes a draft for an article.

    `relative` is its path in the source, whose files share `root` leading folders.
    """
    try:
        return _from_file(path, relative, root, default_lang, drafts)
    except Unusable as unusable:
        return unusable.skipped


def _from_file(path: Path, relative: PurePosixPath, root: int, default_lang: str, drafts: bool) -> Article:
    shown = str(relative)
    try:
        shown.encode()
    except UnicodeEncodeError as error:
        shown = shown.encode(errors="surrogateescape").decode(errors="replace")
        raise Unusable(
            Skipped(shown, "unreadable", "its name is not UTF-8", fix="Give the file another name.")
        ) from error
    text = read_markdown(path, shown)
    try:
        front = frontmatter.split(text)
        if reason := no_article(relative, front):
            raise Unusable(Skipped(shown, "not an article", reason))
        status = status_of(front)
        if (hidden := _STATUS.get(status)) and not (drafts and hidden == "draft"):
            raise Unusable(Skipped(shown, hidden, f"status: {status}"))
        return article_of(front, relative, root, default_lang)
    except FrontMatterProblem as problem:
        raise Unusable(
            Skipped(shown, "broken front matter", problem.detail, line=problem.line, fix=problem.fix)
        ) from problem


def no_article(relative: PurePosixPath, front: FrontMatter) -> str:
    """Why a file is about the repository or a part of other pages; "" where it is an article."""
    if relative.stem in _REPOSITORY_FILES and not front.values:
        return f"{relative.name} is about the repository"
    folder = next((part for part in relative.parts[:-1] if part.lower() in _FRAGMENT_FOLDERS), None)
    return f"a fragment for other pages (folder {folder})" if folder else ""


def status_of(front: FrontMatter) -> str:
    """ "draft", "archived", or any other word, which publishes. Raises FrontMatterProblem.

    Other programs keep other words under `status`; only ours mean that a page is not to be shown.
    """
    if front.values.get("draft") is True or front.values.get("published") is False:
        return "draft"
    return front.text("status", "published").lower()


def article_of(front: FrontMatter, relative: PurePosixPath, root: int, default_lang: str) -> Article:
    """The article of a file, whatever its status; `root` is that of `content_root`.

    Raises Unusable where it is empty or its language unknown, FrontMatterProblem for a value of the wrong kind.
    """
    shown = str(relative)
    if not front.body.strip():
        raise Unusable(Skipped(shown, "empty", "no text below the front matter", fix="Write it, or delete the file."))
    plain_id, path_lang = _id_and_language(relative, root)
    topics = front.texts("topics") or front.texts("topic")
    folders = PurePosixPath(plain_id).parts[root:-1]
    return Article(
        id=front.text("id", plain_id) or plain_id,
        lang=_language(front, shown, path_lang or default_lang),
        title=front.text("title") or _heading_title(front.body) or _name_title(relative),
        body=front.body,
        path=shown,
        body_line=front.body_line,
        audience=audience_of(front.text("audience", PUBLIC)),
        topic=topics[0] if topics else (folders[0] if folders else ""),
        summary=front.text("summary") or front.text("description"),
        questions=front.texts("questions"),
        not_for=front.texts("not_for"),
        keywords=front.texts("keywords"),
        review_by=front.text("review_by"),
        owner=front.text("owner"),
        redirect_from=front.texts("redirect_from"),
        extra=_plain({key: value for key, value in front.values.items() if key not in _READ}),
    )


def _id_and_language(relative: PurePosixPath, root: int) -> tuple[str, str | None]:
    """`pl/accounts/reset.md`, `accounts/reset.pl.md` -> ("accounts/reset", "pl")."""
    parts = list(relative.with_suffix("").parts)
    lang = languages.normalise(parts[root]) if len(parts) > root + 1 else None
    if lang:
        del parts[root]
    stem, dot, tag = parts[-1].rpartition(".")
    if dot and stem and (suffix := languages.normalise(tag)):
        parts[-1], lang = stem, suffix
    return "/".join(parts), lang


def _language(front: FrontMatter, shown: str, default: str) -> str:
    written = front.text("lang")
    if not written:
        return default
    lang = languages.normalise(written)
    if lang is None:
        raise Unusable(
            Skipped(
                shown,
                "unknown language",
                f"lang: {written}",
                line=front.lines.get("lang", 1),
                fix="Use a two-letter code of ISO 639-1 such as en, pl or pt-BR.",
            )
        )
    return lang


def audience_of(written: str) -> str:
    """Who may see an article. What is not known to be harmless restricts: a group name, or a typing error."""
    if all(part.strip().lower() in _READER_KINDS for part in written.split("|")):
        return PUBLIC
    return written.lower() if written.lower() in (PUBLIC, INTERNAL) else written


def declared(source: Path, path: str) -> str:
    """For whom a file is that became no article, a draft or one with broken front matter, as far as it says so."""
    try:
        with (source / path).open(encoding="utf-8", errors="replace") as file:
            found = _AUDIENCE.search(file.read(_FRONT_MATTER))
    except (OSError, ValueError):  # its name is not UTF-8, or it is no file
        return PUBLIC
    return audience_of(found[1].strip("'\"")) if found else PUBLIC


def _heading_title(body: str) -> str:
    text = _FENCED.sub("", body)
    match = _FIRST_HEADING.search(text) or _SETEXT_HEADING.search(text)
    return heading_text(match[1]) if match else ""


def _name_title(relative: PurePosixPath) -> str:
    stem = relative.parent.name if relative.stem in ("index", "_index") and relative.parent.name else relative.stem
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return words[:1].upper() + words[1:] or stem


def _plain(value: Any) -> Any:
    """The same value with dates as text, among the keys too, so that it goes through JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(held) for held in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


# --- one JSONL file ----------------------------------------------------------------------------------------------


def _from_jsonl(source: Path, default_lang: str) -> Iterator[Article | Skipped]:
    from kb.jsonl import read_objects

    for line, row in read_objects(source, required=("id",)):
        shown = f"{source.name}:{line}"
        body = str(row.get("body") or "")
        given = row.get("questions") or ()
        listed = given if isinstance(given, list | tuple) else [given]
        questions = tuple(str(q) for q in listed if q is not None and str(q).strip())
        if not body.strip() and not questions:
            yield Skipped(shown, "empty", "neither a body nor questions", line=line)
            continue
        written = str(row.get("lang") or default_lang)
        lang = languages.normalise(written)
        if lang is None:
            fix = "Use a two-letter code of ISO 639-1 such as en, pl or pt-BR."
            yield Skipped(shown, "unknown language", f"lang: {written}", line=line, fix=fix)
            continue
        yield Article(
            id=str(row["id"]),
            lang=lang,
            title=str(row.get("title") or "").strip() or _heading_title(body) or (questions or (str(row["id"]),))[0],
            body=body,
            path=shown,
            summary=str(row.get("summary") or ""),
            questions=questions,
        )
