"""Links that lead nowhere for a reader: articles, headings, fragments.

A link is followed as the help centre follows it (`kb.links.Resolver`), on any machine told apart by case. What other
programs resolve by themselves is left alone: addresses from the top of a site (`/azure/…`), tabs of Microsoft Learn
(`#tab/…`), text fragments.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from rapidfuzz import fuzz, process

from kb import languages
from kb.check.markup import Link
from kb.check.pages import Page, Pages, digits, fold
from kb.check.report import Edit, Finding, error, listed, short, warning
from kb.links import EXTERNAL, PICTURE_TYPES, article_path
from kb.models import ArticleKey

_OWN = re.compile(r"^/([a-z]{2})/articles/(.+)$")
#: Anchors that mean something to a browser or to another program.
_ANCHOR_BY_DESIGN = re.compile(r"^(?:$|top$|tab/|:~:|[!/])", re.IGNORECASE)
_CODE = "If this is code, put it between backticks."


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a link stands, and how it was written."""

    page: Page
    link: Link

    @property
    def line(self) -> int:
        return self.page.row or self.link.line

    def edit(self, old: str, new: str) -> Edit | None:
        """Writes the link anew where it stands as it was read: in its line, or where its reference is defined."""
        lines = self.page.text.split("\n")
        if self.page.row or len(lines) < self.line or old == new:
            return None
        line = lines[self.line - 1]
        # The parser encodes what the author did not: a space, a backslash.
        # Of a reference the address stands elsewhere, and part of it may stand in another link here: a.md in data.md.
        here = any(
            re.search(rf"(?<![\w./-]){re.escape(one)}", line) for one in (self.link.href, unquote(self.link.href))
        )
        for written in (old, unquote(old)) if here else ():
            if line.count(written) == 1:
                return Edit(self.line, written, new)
        whole = self.link.href.replace(old, new, 1)
        for written in (self.link.href, unquote(self.link.href)):
            count = line.count(written) if here else 0
            if count and line.count(f"]({written})") == count:
                return Edit(self.line, f"]({written})", f"]({whole})")
            defined = re.compile(rf"[\s>]{{0,20}}\[[^\]]+\]:\s*<?{re.escape(written)}(?=[\s>]|$)")
            where = [] if count else [number for number, text in enumerate(lines, 1) if defined.match(text)]
            if len(where) == 1 and lines[where[0] - 1].count(written) == 1:
                return Edit(where[0], written, whole)
        return None


def links(pages: Pages, base_url: str = "") -> Iterator[Finding]:
    own = base_url.rstrip("/") + "/" if base_url else ""
    for page in pages.living:
        for link in page.markup.links:
            yield from _link(pages, _Place(page, link), own)
        for path, line in page.markup.includes:
            yield from _include(pages, page, path, line)


def _link(pages: Pages, place: _Place, own: str) -> Iterator[Finding]:
    page, href = place.page, place.link.href
    if not href:
        yield error(
            page.path, place.line, "dead-link", "This link leads nowhere.", "Write its address, or only its words."
        )
        return
    if own and href.startswith(own):
        href = href[len(own) - 1 :]
    if EXTERNAL.match(href):
        return
    path, fragment = _parts(href)
    if place.link.include:
        message = f"The fragment {short(path)} stands within a line, where it is not read."
        yield warning(page.path, place.line, "missing-include", message, "Put `[!INCLUDE …]` on a line of its own.")
    elif not path:
        if href.startswith("#"):
            yield from _anchor(place, page, fragment)
    elif match := _OWN.match(path):
        yield from _address(pages, place, match[1], unquote(match[2]), fragment)
    else:
        yield from _relative(pages, place, path, fragment)


def _address(pages: Pages, place: _Place, lang: str, article_id: str, fragment: str) -> Iterator[Finding]:
    """A link to an address of ours."""
    page = place.page
    if target := pages.by_key.get((lang, article_id)):
        yield from _draft(place, target)
        yield from _anchor(place, target, fragment)
        return
    key = (lang, article_id.strip("/"))
    if moved := pages.moved.get(key):
        assert moved.article is not None  # noqa: S101 - of `moved` by definition
        new = article_path(ArticleKey(moved.article.id, moved.article.lang))
        edit = place.edit(_path_as_written(place.link.href), new)
        message = f"{article_id!r} is the old id of {moved.path}."
        yield warning(page.path, place.line, "dead-link", message, f"Write {new}.", edit)
        return
    others = sorted(code for code, known in pages.by_key if known == article_id and code != lang)
    if others:
        message = f"There is no {article_id!r} in {lang}; it is there in {', '.join(others)}."
        fix = f"Link to the one in {others[0]}, or write the translation."
        yield error(page.path, place.line, "dead-link", message, fix)
        return
    known = [known for code, known in pages.by_key if code == lang]
    yield error(page.path, place.line, "dead-link", f"No article has the id {article_id!r}.", _meant(article_id, known))


def _relative(pages: Pages, place: _Place, path: str, fragment: str) -> Iterator[Finding]:
    page = place.page
    if page.row:  # a line of JSONL has no files beside it
        return
    target_path = from_root(page, path)
    if target := pages.targets.get(target_path):
        yield from _draft(place, target)
        yield from _anchor(place, target, fragment)
    elif (other := pages.by_path.get(target_path)) and other.problem is None:
        message = (
            f"{target_path} is {'archived' if other.status == 'archived' else 'no article'}: readers find no page."
        )
        yield error(page.path, place.line, "dead-link", message, "Link to another article, or only write the words.")
    elif target_path in pages.by_path:
        return  # what is wrong with that file is told there
    elif target_path in pages.files:
        picture = posixpath.splitext(target_path)[1].lower() in PICTURE_TYPES
        message = f"{target_path} is a file beside the articles. Only articles and pictures they show are served."
        fix = (
            "Show it: `![what it shows](path)`."
            if picture
            else "Put the file where people can fetch it, and link there."
        )
        yield warning(page.path, place.line, "dead-link", message, fix)
    elif meant := _address_meant(pages, page, path):
        new = relative(page, meant)
        message, edit = f"{short(path)} is no address of this site.", place.edit(_path_as_written(place.link.href), new)
        yield warning(page.path, place.line, "dead-link", message, f"Write {new}.", edit)
    elif not _by_design(path):
        yield from _dead(pages, place, path, target_path)


def target_of(pages: Pages, page: Page, href: str) -> Page | None:
    """The living article that a link of a page leads to; None where it leads elsewhere, or nowhere."""
    path, _ = _parts(href)
    if EXTERNAL.match(href) or not path:
        return None
    if match := _OWN.match(path):
        return pages.by_key.get((match[1], unquote(match[2])))
    return pages.targets.get(from_root(page, path))


def from_root(page: Page, path: str) -> str:
    """The path of a link's target below the source folder; begins with `..` where it leads out of it."""
    path = unquote(path)
    if path.startswith(("/", "~/")):
        return posixpath.normpath(path.lstrip("~/"))
    return posixpath.normpath(posixpath.join(posixpath.dirname(page.path), path))


def _by_design(path: str) -> bool:
    """Addresses that another program resolves: from the top of a site, or from another repository."""
    return path.startswith("~/../") or (
        path.startswith(("/", "~/")) and not path.lower().endswith((".md", ".markdown"))
    )


def _address_meant(pages: Pages, page: Page, path: str) -> str:
    """The article somebody means by an address from the top of a site: `/en/accounts/reset`, `/accounts/reset`, or
    `/en-US/kb/reset`, as it was in another help centre.
    """
    parts = [part for part in unquote(path).split("/") if part] if path.startswith("/") else []
    if len(parts) < 2 or posixpath.splitext(parts[-1])[1]:
        return ""
    lang = languages.normalise(parts[0])
    if lang is None:
        found = pages.by_key.get((page.lang, "/".join(parts)))
        return found.path if found else ""
    for code in (lang, lang.partition("-")[0]):
        for start in range(1, len(parts)):
            if found := pages.by_key.get((code, "/".join(parts[start:]))):
                return found.path
    return ""


def _dead(pages: Pages, place: _Place, path: str, target: str) -> Iterator[Finding]:
    page, shown = place.page, short(unquote(path))
    message = f"{shown} leads nowhere: there is no {short(target)}."
    if target.startswith(".."):
        message = f"{shown} leads out of the folder of articles, where readers find nothing."
    certain, guess = _instead(pages, page, target)
    written = _path_as_written(place.link.href)
    if certain:
        new = relative(page, certain)
        fix = f"Write {new}."
        yield error(page.path, place.line, "dead-link", message, fix, place.edit(written, new))
    elif guess:
        yield error(page.path, place.line, "dead-link", message, f"Did you mean {relative(page, guess)}?")
    else:
        code = not re.search(r"\.(md|markdown|html?)$|/", path, re.IGNORECASE)
        fix = "Write the path of an article, from this file on."
        yield error(page.path, place.line, "dead-link", message, f"{fix} {_CODE}" if code else fix)


def _instead(pages: Pages, page: Page, target: str) -> tuple[str, str]:
    """(what is certainly meant, what may be meant): paths, or two empty texts."""
    plain, ending = posixpath.splitext(target)
    if "\\" in target:  # as Windows writes paths
        turned = from_root(page, posixpath.relpath(target, posixpath.dirname(page.path) or ".").replace("\\", "/"))
        return (turned, "") if turned in pages.targets else ("", "")
    for other in (f"{target}/index.md", f"{target}/_index.md", f"{target}/README.md"):
        if target in pages.folders and other in pages.targets:
            return other, ""
    if ending.lower() in (".html", ".htm") and plain in pages.targets:
        return pages.targets[plain].path, ""
    for written in (target, f"{target}.md"):
        if (same := pages.folded.get(fold(written))) and same in pages.by_path:
            return same, ""
    without_lang = plain.partition("/")[2]
    for old in (plain, without_lang, posixpath.basename(plain)):
        if old and (moved := pages.moved.get((page.lang, old))):
            return moved.path, ""
    for named in (plain, without_lang, posixpath.basename(plain)):
        if named and (same_id := pages.by_key.get((page.lang, named))):
            return "", same_id.path
    parts = target.split("/")
    below = ("/".join(parts[start:]) for start in range(1, len(parts)))
    if inside := next((path for path in below if path in pages.targets and "/" in path), ""):
        return "", pages.targets[inside].path  # written from the top of the repository
    name = posixpath.basename(target)
    named_so = [path for path in pages.by_name.get(fold(name), ()) if path in pages.targets]
    if named_so:
        same_lang = [path for path in named_so if pages.targets[path].lang == page.lang]
        return "", (same_lang or named_so)[0]
    if ending.lower() in (".md", ".markdown", ".html"):
        known = pages.by_digits.get(digits(target), ())  # error codes that are alike are not the same
        near = process.extractOne(target, known, scorer=fuzz.ratio, score_cutoff=90)
        return "", near[0] if near else ""
    return "", ""


def relative(page: Page, target: str) -> str:
    """The path of a file as a link in a page writes it."""
    return quote(posixpath.relpath(target, posixpath.dirname(page.path) or "."), safe="/!$&'*+,;=:@~")


def _draft(place: _Place, target: Page) -> Iterator[Finding]:
    if target.status == "draft" and place.page.status != "draft":
        message = f"{target.path} is a draft: until it is published readers find no page."
        yield warning(place.page.path, place.line, "dead-link", message, "Publish both together, or link later.")


def _anchor(place: _Place, target: Page, fragment: str) -> Iterator[Finding]:
    """A heading that a link names. The title's own anchor leads to the top of the page, where the reader is."""
    anchor = unquote(fragment)
    if _ANCHOR_BY_DESIGN.match(anchor) or anchor in target.markup.anchors:
        return
    page, where = place.page, "" if target is place.page else f" in {target.path}"
    message = f"There is no heading #{short(anchor)}{where}."
    folded = {fold(known): known for known in sorted(target.markup.anchors, reverse=True)}
    if same := folded.get(fold(anchor)):
        edit = place.edit(f"#{fragment}", f"#{same}")
        yield error(page.path, place.line, "dead-anchor", message, f"Case counts: write #{same}.", edit)
        return
    # Other programs make anchors with other signs: `node-js` for Node.js, `#w_the-title` in Mozilla's help centre.
    plain = _letters(anchor.removeprefix("w_"))
    alike = [known for known in sorted(target.markup.anchors) if plain and _letters(known) == plain]
    if len(alike) == 1:
        edit = place.edit(f"#{fragment}", f"#{alike[0]}")
        yield error(page.path, place.line, "dead-anchor", message, f"Write #{alike[0]}.", edit)
        return
    yield error(page.path, place.line, "dead-anchor", message, _heading_meant(anchor, target))


def _letters(anchor: str) -> str:
    return re.sub(r"[\W_]+", "", fold(anchor))


def _heading_meant(anchor: str, target: Page) -> str:
    known = sorted(filter(None, target.markup.anchors))
    if not known:
        return "That page has no headings: leave out the part from # on."
    near = process.extractOne(anchor, known, scorer=fuzz.ratio, score_cutoff=60)
    return f"Did you mean #{near[0]}?" if near else f"It has {listed([f'#{one}' for one in known])}."


def _include(pages: Pages, page: Page, path: str, line: int) -> Iterator[Finding]:
    target = from_root(page, path)
    if page.row or target in pages.files or path.startswith("~/../"):
        return
    same = pages.folded.get(fold(target))
    message = f"The fragment {target} is not there, so its text is missing."
    if target.startswith(".."):
        message = f"The fragment {path} lies outside the folder of articles, so its text is missing."
    fix = f"Write {relative(page, same)}." if same else "Put the file there, or delete the line."
    yield error(page.path, line, "missing-include", message, fix)


def _meant(word: str, known: list[str]) -> str:
    near = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=75)
    return f"Did you mean {near[0]}?" if near else "Write the id of an article, or its relative path."


def _parts(href: str) -> tuple[str, str]:
    try:
        parts = urlsplit(href)
    except ValueError:  # such as `[::`
        return href.partition("#")[0], ""
    return parts.path, parts.fragment


def _path_as_written(href: str) -> str:
    return re.split(r"[?#]", href, maxsplit=1)[0]
