"""Links, pictures, headings and anchors of a page, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from markdown_it.token import Token

from kb.blocks import inline_text
from kb.markdown import Targets, parser


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it was written. `include` where it stands within `[!INCLUDE …]`."""

    href: str
    line: int
    include: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was written. `alt` is None where there is none, `says_empty` where "" says it is decoration."""

    src: str
    line: int
    alt: str | None
    says_empty: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Markup:
    """What a page holds. `fences` are first and last lines of code blocks, `includes` (path, line).

    `shown` is what readers see of blocks that may hold Markdown which was not read as such: (text, line).
    """

    links: tuple[Link, ...] = ()
    pictures: tuple[Picture, ...] = ()
    headings: tuple[Heading, ...] = ()
    includes: tuple[tuple[str, int], ...] = ()
    anchors: frozenset[str] = frozenset()
    fences: tuple[tuple[int, int], ...] = ()
    shown: tuple[tuple[str, int], ...] = ()


#: Signs of which Markdown, or another program's commands, are made.
_SIGNS = ("](", ")[", "] (", "][", "[[", "{{", "{%", "--8<--", "===", "import ", "export ")
#: Stands in `Markup.shown` where readers see a link, a picture or code.
_READ = "\ue000"
#: Bounded, so that a text of nothing but `<a` takes no longer than any other.
_TAG = re.compile(
    r"""<(a|img|h[1-6]|[a-z][a-z0-9]{0,10})\b((?:[^<>"']|"[^"]{0,2000}"|'[^']{0,2000}'){0,400}+)>""", re.I
)
_ATTRIBUTE = re.compile(r"""(?<![\w-])(href|src|alt|id|name)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_EMPTY_ALT = re.compile(r"(?<![\w-])alt(?![\w-])", re.I)
_ICON = re.compile(r"""^[\s>*+\d.-]{0,40}:::\s*image\s[^\n]{0,400}\btype="icon\"""", re.I)
_INCLUDE_LINE = re.compile(r"^[\s>*+\d.)-]{0,40}\[!INCLUDE", re.I)


@dataclass(slots=True)
class _Found:
    links: list[Link] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    includes: list[tuple[str, int]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    fences: list[tuple[int, int]] = field(default_factory=list)
    shown: list[tuple[str, int]] = field(default_factory=list)


def markup(body: str, first_line: int, fragment: Callable[[str], str | None] = lambda path: None) -> Markup:
    """What stands in a body of which line 1 is `first_line` of the file; `fragment` as in `kb.markdown.Targets`."""
    found = _Found()
    asked: list[str] = []

    def include(path: str) -> str | None:
        asked.append(path)
        return fragment(path)

    tokens = parser().parse(body, {"targets": Targets(include=include), "lang": "en"})
    lines = body.split("\n")
    for token in tokens:
        if token.type == "fence" and token.map:
            found.fences.append((token.map[0] + first_line, token.map[1] + first_line - 1))
    if asked:
        written = [n for n, line in enumerate(lines) if _INCLUDE_LINE.match(line)]
        found.includes = _located(asked, written, lines, first_line)
    included = {line - first_line for _, line in found.includes}
    for number, token in enumerate(tokens):
        start = token.map[0] if token.map else 0
        if token.type == "heading_open":
            found.anchors.add(str(token.attrGet("id") or ""))
            if token.level == 0 and start not in included:
                words = " ".join(inline_text(tokens[number + 1]).split())
                found.headings.append(Heading(int(token.tag[1]), words, start + first_line))
        elif token.type == "html_block":
            _html(token.content, start + first_line, found, told=start not in included)
        elif token.type == "inline" and token.children:
            _inline(token, start, lines, first_line, found, told=start not in included)
    found.headings.sort(key=lambda heading: heading.line)
    return Markup(
        tuple(found.links),
        tuple(found.pictures),
        tuple(found.headings),
        tuple(found.includes),
        frozenset(found.anchors),
        tuple(found.fences),
        tuple(found.shown),
    )


def _located(asked: Sequence[str], written: Sequence[int], lines: list[str], first_line: int) -> list[tuple[str, int]]:
    """Each include with the line it stands on; the parser asks for them in the order of the text."""
    located, place = [], 0
    for path in asked:
        while place < len(written) and f"({path})" not in lines[written[place]]:
            place += 1
        if place < len(written):
            located.append((path, written[place] + first_line))
            place += 1
    return located


def _inline(token: Token, start: int, lines: list[str], first_line: int, found: _Found, *, told: bool) -> None:
    """The children of a block; those a line further down come after a break."""
    end = token.map[1] if token.map else start + 1
    line, before = start, ""
    if told and any(sign in token.content for sign in _SIGNS):
        found.shown.append((_shown(token), start + first_line))
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line = min(line + 1, end - 1)
        elif child.type == "html_inline":
            _html(child.content, _line_of(child.content, line, end, lines) + first_line, found, told=told)
        elif not told:
            continue
        elif child.type == "link_open":
            href = str(child.attrGet("href") or "")
            place = _line_of(href, line, end, lines) + first_line
            if child.info != "auto":
                found.links.append(Link(href, place, before.rstrip().upper().endswith("[!INCLUDE")))
        elif child.type == "image":
            src = str(child.attrGet("src") or "")
            at = _line_of(src, line, end, lines)
            # Microsoft Learn's way to say that a picture is decoration, as `alt=""` is HTML's.
            icon = _ICON.match(lines[at]) is not None if at < len(lines) else False
            found.pictures.append(Picture(src, at + first_line, inline_text(child), says_empty=icon))
        before = child.content if child.type == "text" else ""


def _shown(token: Token) -> str:
    """What readers see of a block as it stands there; links, pictures, code and tags are one sign each."""
    parts: list[str] = []
    within = 0
    for child in token.children or ():
        if child.type == "link_open" and child.info != "auto":
            within += 1
        elif child.type == "link_close" and child.info != "auto":
            within -= 1
            parts.append(_READ)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif not within and child.type in ("text", "code_inline", "image", "html_inline"):
            parts.append(child.content if child.type == "text" else _READ)
    return "".join(parts)


def _line_of(written: str, line: int, end: int, lines: list[str]) -> int:
    """The first line from `line` on that holds what was written; breaks within code and titles are not counted."""
    if not written:
        return line
    forms = {written, unquote(written)}
    return next((n for n in range(line, min(end, len(lines))) if any(form in lines[n] for form in forms)), line)


def _html(content: str, line: int, found: _Found, *, told: bool) -> None:
    content = without_comments(content)
    for match in _TAG.finditer(content):
        tag = match[1].lower()
        given = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(match[2])}
        found.anchors.update(filter(None, (given.get("id"), given.get("name") if tag == "a" else None)))
        place = line + content.count("\n", 0, match.start())
        if not told:
            continue
        if tag == "a" and "href" in given:
            found.links.append(Link(given["href"].strip(), place))
        elif tag == "img" and given.get("src"):
            alt = given.get("alt", "" if _EMPTY_ALT.search(match[2]) else None)
            found.pictures.append(Picture(given["src"].strip(), place, alt, says_empty=True))
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            found.headings.append(Heading(int(tag[1]), "", place))


def without_comments(content: str) -> str:
    """The HTML without its comments, on as many lines."""
    kept: list[str] = []
    place = 0
    while (start := content.find("<!--", place)) >= 0:
        end = content.find("-->", start + 4)
        kept.append(content[place:start])
        if end < 0:
            return "".join(kept)
        kept.append("\n" * content.count("\n", start, end))
        place = end + 3
    kept.append(content[place:])
    return "".join(kept)
