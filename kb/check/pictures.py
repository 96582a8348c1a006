"""Pictures that a reader does not see, and pictures without words for those who cannot."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from kb.check.links import from_root, relative
from kb.check.markup import Picture
from kb.check.pages import Page, Pages, fold
from kb.check.report import Edit, Finding, error, short, warning
from kb.links import EXTERNAL, MAX_PICTURE_BYTES, PICTURE_TYPES

#: What programs and templates write: "Screenshot 2026-03-11 at 10.22.33", "IMG_2031", in the interface's languages.
_NO_WORDS = re.compile(
    r"(?:alt(?:ernative)?[ -]?text|image|img|pasted image|picture|photo|screen ?shot|screen ?clip|icon|graphic|logo"
    r"|untitled|unnamed|dsc|pxl|bild|unbenannt|bildschirmfoto|obraz(?:ek)?|zrzut(?: ekranu)?|imagen"
    r"|captura(?: de pantalla)?|immagine|schermata|capture(?: d.[ée]cran)?|afbeelding|schermafbeelding"
    r"|изображение|рисунок|снимок(?: экрана)?)?"
    r"[\s_.:()-]*(?:\d[\d\s_.:,()-]*(?:(?:at|um|o|a las|alle|à|om|в|am|pm)\b[\d\s_.:,()-]*)*)?"
    r"|\S+\.(?:png|jpe?g|gif|webp|svg)",
    re.IGNORECASE,
)

_MANY = 20


def alt_texts(pages: Pages) -> Iterator[Finding]:
    for page in pages.living:
        for picture in page.markup.pictures:
            # HTML can say that a picture is decoration (`alt=""`). Markdown cannot.
            if picture.says_empty and picture.alt == "":
                continue
            written = " ".join((picture.alt or "").split())
            if not (_NO_WORDS.fullmatch(written) or _is_name(written, picture.src)):
                continue
            name = short(posixpath.basename(picture.src), 40)
            message = f"The alternative text of {name} is {written!r}, which tells nothing."
            fix = "Say what it shows in a few words."
            if not written:
                message = f"The picture {name} has no alternative text."
                fix = 'Say what it shows: `![what it shows](…)`; if it is mere decoration: `<img src="…" alt="">`.'
            yield warning(page.path, picture.line, "alt-text", message, fix)


def _is_name(written: str, src: str) -> bool:
    """Whether the words are the name of the file, which is none that people say: `step-3_b`, `zrzut12`."""
    stem = posixpath.splitext(posixpath.basename(unquote(src)))[0]
    return written.casefold() == stem.casefold() and re.search(r"[\d_-]", stem) is not None and " " not in stem


def missing_pictures(pages: Pages) -> Iterator[Finding]:
    found = list(_all_missing(pages))
    if len(found) >= _MANY and not any(posixpath.splitext(path)[1].lower() in PICTURE_TYPES for path in pages.files):
        # One cause, one finding: a copy without pictures, not hundreds of mistakes of authors.
        message = (
            f"This folder holds no pictures at all; {len({finding.path for finding in found})} files show {len(found)}."
        )
        first = found[0]
        yield error(
            first.path, first.line, "missing-picture", message, "Fetch them: are they in Git LFS, or elsewhere?"
        )
    else:
        yield from found


def _all_missing(pages: Pages) -> Iterator[Finding]:
    for page in pages.living:
        for picture in page.markup.pictures:
            if page.row or not picture.src or EXTERNAL.match(picture.src):
                continue
            target = from_root(page, re.split(r"[?#]", picture.src, maxsplit=1)[0])
            if target not in pages.files:
                yield _missing(pages, page, picture, target)


def _missing(pages: Pages, page: Page, picture: Picture, target: str) -> Finding:
    message = f"The picture {short(picture.src)} is not there."
    if target.startswith(".."):
        message = f"The picture {short(picture.src)} lies outside the folder of articles, where it is not shown."
    if same := pages.folded.get(fold(target)):
        new = relative(page, same)
        lines = page.text.split("\n", picture.line)
        once = len(lines) >= picture.line and lines[picture.line - 1].count(picture.src) == 1
        edit = Edit(picture.line, picture.src, new) if once and picture.src != new else None
        return error(page.path, picture.line, "missing-picture", message, f"Case counts: write {new}.", edit)
    named_so = pages.by_name.get(fold(posixpath.basename(target)), ())
    fix = f"Did you mean {relative(page, named_so[0])}?" if named_so else "Put the file there, or delete the picture."
    return error(page.path, picture.line, "missing-picture", message, fix)


def unshown_pictures(pages: Pages) -> Iterator[Finding]:
    kinds = ", ".join(sorted(ending[1:].upper() for ending in PICTURE_TYPES if ending != ".jpeg"))
    for page in pages.living:
        for picture in page.markup.pictures:
            if picture.src.lower().startswith("data:"):
                message, fix = "A picture within the text is not shown.", "Put it into a file of its own."
                yield warning(page.path, page.row or picture.line, "unshown-picture", message, fix)
            elif EXTERNAL.match(picture.src):
                message = f"{short(picture.src)} is on another site, and readers do not see it."
                fix = "Put the picture beside the article: a page should make nobody's browser ask another server."
                yield warning(page.path, page.row or picture.line, "unshown-picture", message, fix)
            elif not page.row:
                yield from _file(pages, page, picture, kinds)


def _file(pages: Pages, page: Page, picture: Picture, kinds: str) -> Iterator[Finding]:
    target = from_root(page, re.split(r"[?#]", picture.src, maxsplit=1)[0])
    if target not in pages.files:
        return
    if posixpath.splitext(target)[1].lower() not in PICTURE_TYPES:
        message = f"{target} is not shown: it is of another kind than {kinds}."
        yield error(page.path, picture.line, "unshown-picture", message, "Save it as one of these.")
        return
    try:
        size = (pages.source / target).stat().st_size
    except OSError:
        return
    if size > MAX_PICTURE_BYTES:
        message = f"{target} is not shown: it has {size:,} bytes, at most {MAX_PICTURE_BYTES:,} are allowed."
        yield error(
            page.path, picture.line, "unshown-picture", message, "Make it smaller: 1,600 pixels are wide enough."
        )
