"""Markdown to sections of sanitised HTML and plain blocks with line numbers.

CommonMark and GitHub's tables, alerts, task lists, footnotes and heading slugs, plus what other help centres write:
`:::note` containers, `!!! note` admonitions, Microsoft Learn's `:::image` and `[!INCLUDE]`, `{#custom-id}` headings.
Raw HTML is parsed and then sanitised with nh3 (an allow list), so that none of it can run.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.gfm import gfm_plugin

from kb.models import Section

#: Other dialects' words for the five alerts of GitHub.
_ALERTS = {
    "note": "note", "info": "note", "abstract": "note", "summary": "note", "todo": "note", "example": "note",
    "question": "note", "quote": "note", "seealso": "note", "more-info": "note", "moniker": "note",
    "tip": "tip", "hint": "tip", "success": "tip", "check": "tip", "done": "tip",
    "important": "important", "attention": "important",
    "warning": "warning", "warn": "warning",
    "caution": "caution", "danger": "caution", "error": "caution", "failure": "caution", "bug": "caution",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"id", "class", "lang", "dir"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "details": {"open"},
}
_TAGS = set(
    """
    a abbr b blockquote br caption code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i
    img input ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot
    th thead tr u ul var
    """.split()
)
#: Classes our stylesheet knows; others could make a page look like something it is not.
_CLASSES = {
    "div": {"alert", "table-wrap", *(f"alert-{kind}" for kind in set(_ALERTS.values()))},
    "p": {"alert-title"},
    "li": {"task-list-item", "footnote-item"},
    "ul": {"contains-task-list"},
    "ol": {"footnotes-list"},
    "sup": {"footnote-ref"},
    "a": {"footnote-backref"},
    "section": {"footnotes"},
    "input": {"task-list-item-checkbox"},
}
_IMAGE_LINE = re.compile(r"^:::\s*image\s+(\S.*)$")
_IMAGE_ATTRIBUTE = re.compile(r'(?<![a-z-])([a-z-]+)="([^"]*)"')
_INCLUDE = re.compile(r"^\[!INCLUDE\s*\[[^\]]*\]\s*\(([^)]+)\)\s*\]\s*$", re.IGNORECASE)
_CUSTOM_ID = re.compile(r"(?<!\s)\s*\{#([\w.:-]+)\}\s*$")
#: Letters, marks, digits and connectors: `\p{Word}` of GitHub's Ruby.
_SLUG_CATEGORIES = frozenset("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl Pc".split())


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block as plain text: `kind` is "text", "list", "table" or "code".

    `parts` are the pieces a long block may be cut into (list items, table rows, code lines, sentences' paragraph);
    `lead` is repeated before each piece (a table's head row). `lines` are 1-based lines of the file. `html` is the
    whole block, sanitised.
    """

    kind: str
    parts: tuple[str, ...]
    lines: tuple[int, int]
    lead: str = ""
    html: str = ""

    @property
    def text(self) -> str:
        return "\n".join((self.lead, *self.parts) if self.lead else self.parts)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An article as sections, each with its plain blocks, and the targets its links and pictures name."""

    sections: tuple[Section, ...]
    blocks: tuple[tuple[Block, ...], ...]
    links: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Targets:
    """What links and pictures of a page become: each function takes what the author wrote and returns an address.

    `include` returns the Markdown of a fragment, or None where there is none. `seen` collects what was written with its
    0-based line, `made` what became of it.
    """

    link: Callable[[str], str] = lambda href: href
    image: Callable[[str], str] = lambda src: src
    include: Callable[[str], str | None] = lambda path: None
    seen: list[tuple[str, int]] = field(default_factory=list)
    made: set[str] = field(default_factory=set)


def github_slug(heading: str) -> str:
    """The anchor GitHub gives a heading: lower case, punctuation dropped, spaces to hyphens."""
    kept = (c for c in heading.strip().lower() if c in "- " or unicodedata.category(c) in _SLUG_CATEGORIES)
    return "".join(kept).replace(" ", "-")


def heading_text(source: str) -> str:
    """The words of a heading, without its Markdown, closing `#` and `{#id}`."""
    source = _CUSTOM_ID.sub("", re.sub(r"(?<=[ \t])#+$", "", source.strip()).strip())
    return " ".join(_inline_text(parser().parseInline(source, {"targets": Targets()})[0]).split())


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """The parser of all pages. `html` is on: what it lets through is sanitised in `sanitise`."""
    md = MarkdownIt("commonmark", {"html": True}).use(gfm_plugin).use(admon_plugin)
    container_plugin(md, "note", validate=lambda params, *_: bool(_container_kind(params)))
    md.block.ruler.before("fence", "learn_image", _learn_image, {"alt": ["paragraph", "list"]})
    md.block.ruler.before("fence", "learn_include", _learn_include, {"alt": ["paragraph", "list"]})
    md.core.ruler.push("alerts_of_other_dialects", _alerts)
    md.core.ruler.push("heading_anchors", _heading_anchors)
    md.core.ruler.push("link_targets", _link_targets)
    md.add_render_rule("table_open", lambda *_: '<div class="table-wrap"><table>\n')
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


def render(body: str, *, first_line: int = 1, targets: Targets | None = None) -> Rendered:
    """Sections of an article in reading order, the text before the first heading first.

    `first_line` is the line of the file on which `body` starts; all lines returned count from the file's top. A first
    `#` heading is taken for the title and opens no section of its own.
    """
    targets = targets or Targets()
    tokens = parser().parse(body, {"targets": targets})
    sections: list[Section] = []
    blocks: list[tuple[Block, ...]] = []
    path: list[tuple[int, str]] = []
    for level, heading, anchor, run in _split(tokens):
        path = [entry for entry in path if entry[0] < level]
        if heading:
            path.append((level, heading))
        found = tuple(_blocks(run, first_line, targets))
        sections.append(
            Section(
                level=level,
                heading=heading,
                heading_path=tuple(text for _, text in path),
                anchor=anchor,
                html=sanitise(_render_tokens(run, targets), targets),
                text="\n\n".join(block.text for block in found),
                lines=_lines(run, first_line),
            )
        )
        blocks.append(found)
    links = tuple((target, line + first_line) for target, line in targets.seen)
    return Rendered(tuple(sections), tuple(blocks), links)


def sanitise(markup: str, targets: Targets | None = None) -> str:
    """The markup with every tag, attribute, class and address removed that is not on the allow list.

    Links and pictures of raw HTML become what `targets` makes of them, as those of Markdown have before.
    """
    targets = targets or Targets()
    functions = {("a", "href"): targets.link, ("img", "src"): targets.image}

    def address(tag: str, attribute: str, value: str) -> str | None:
        function = functions.get((tag, attribute))
        return value if function is None or value in targets.made else function(value.strip()) or None

    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes={tag: {a for a in names if a != "class"} for tag, names in _ATTRIBUTES.items()},
        attribute_filter=address,
        allowed_classes=_CLASSES,
        clean_content_tags={
            "script",
            "style",
            "iframe",
            "object",
            "template",
            "noscript",
            "title",
            "textarea",
        },
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def plain(markup: str) -> str:
    """The text of some HTML, without tags and entities."""
    text = nh3.clean(re.sub(r"<(?:br|/p|/li|/tr|/h\d)\b[^>]*>", "\n", markup, flags=re.IGNORECASE), tags=set())
    return html.unescape(text).strip()


# --- rules -------------------------------------------------------------------------------------------------------


def _container_kind(params: str) -> str | None:
    word = re.match(r"\s*(?:\{\s*)?\.?([A-Za-z-]+)", params)
    return _ALERTS.get(word[1].lower()) if word else None


def _learn_image(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """`:::image type="content" source="a.png" alt-text="…":::` of Microsoft Learn becomes a picture."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _IMAGE_LINE.match(line)
    if not match:
        return False
    if not silent:
        given = dict(_IMAGE_ATTRIBUTE.findall(match[1]))
        state.line = start + 1
        opening = state.push("paragraph_open", "p", 1)
        opening.map = [start, start + 1]
        inline = state.push("inline", "", 0)
        inline.content = f"![{given.get('alt-text', '')}](<{given.get('source', '')}>)"
        inline.map = [start, start + 1]
        inline.children = []
        state.push("paragraph_close", "p", -1)
    return True


def _learn_include(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """`[!INCLUDE [name](../includes/name.md)]` becomes the fragment's blocks, or nothing where it is missing."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _INCLUDE.match(line)
    if not match:
        return False
    if silent:
        return True
    state.line = start + 1
    fragment = state.env["targets"].include(match[1]) if not state.env.get("included") else None
    if fragment:
        tokens: list[Token] = []
        state.md.block.parse(fragment, state.md, {**state.env, "included": True}, tokens)
        for token in tokens:
            token.map = [start, start + 1] if token.map else None
            token.level += state.level
        state.tokens.extend(tokens)
    return True


def _alerts(state: StateCore) -> None:
    """All dialects' admonitions get one markup: `<div class="alert alert-tip"><p class="alert-title">`."""
    tokens: list[Token] = []
    for token in state.tokens:
        if token.type in ("alert_open", "admonition_open", "container_note_open"):
            word = token.meta.get("kind") or token.meta.get("tag") or _container_kind(token.info) or "note"
            kind = _ALERTS.get(str(word).lower(), "note")
            token.attrSet("class", f"alert alert-{kind}")
            tokens.append(token)
            if token.type == "container_note_open":
                tokens.extend(_title(token, kind))
                token.type = "alert_open"
            continue
        if token.type in ("alert_title_open", "admonition_title_open"):
            token.attrSet("class", "alert-title")
        elif token.type == "container_note_close":
            token.type = "alert_close"
        tokens.append(token)
    state.tokens = tokens


def _title(opening: Token, kind: str) -> list[Token]:
    """The title of a `:::` container: `:::note Read this`, `:::note[Read this]`, `{.note title="…"}`, else the kind."""
    rest = re.sub(r"^\s*[{.]*\s*[A-Za-z-]+\s*\}?", "", opening.info)
    given = re.search(r'\btitle="([^"]*)"', rest) or re.match(r"\s*\[([^\]]*)\]", rest)
    words = given[1].strip() if given else re.sub(r'[\w-]+="[^"]*"', "", rest).strip(" []{}")
    text = Token("text", "", 0, content=words or kind.capitalize())
    inline = Token("inline", "", 0, content=text.content, children=[text], map=opening.map)
    start = Token("alert_title_open", "p", 1, attrs={"class": "alert-title"}, block=True)
    return [start, inline, Token("alert_title_close", "p", -1, block=True)]


def _heading_anchors(state: StateCore) -> None:
    """Each heading gets GitHub's slug as `id`, or the `{#id}` its author gave it; repeated ones count up."""
    used: dict[str, int] = {}
    for opening, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if opening.type != "heading_open":
            continue
        custom = _CUSTOM_ID.search(inline.content)
        if custom and inline.children:
            last = inline.children[-1]
            last.content = _CUSTOM_ID.sub("", last.content)
        slug = custom[1] if custom else github_slug(_inline_text(inline))
        name = slug
        while name in used:
            used[slug] += 1
            name = f"{slug}-{used[slug]}"
        used[name] = 0
        opening.attrSet("id", name)


def _link_targets(state: StateCore) -> None:
    targets: Targets = state.env["targets"]
    for block in state.tokens:
        for token in block.children or ():
            name = {"link_open": "href", "image": "src"}.get(token.type)
            if name is None or not (written := str(token.attrGet(name) or "")):
                continue
            targets.seen.append((written, block.map[0] if block.map else 0))
            if name == "href":
                token.attrSet("href", address := targets.link(written))
                targets.made.add(address)
            elif address := targets.image(written):
                token.attrSet("src", address)
                targets.made.add(address)
            else:  # a picture that is not there: its words stay
                token.type, token.tag = "text", ""
                token.content = _inline_text(token)
                token.children = None


# --- sections ----------------------------------------------------------------------------------------------------


def _split(tokens: Sequence[Token]) -> list[tuple[int, str, str, list[Token]]]:
    """(level, heading, anchor, tokens) of each section; only headings of the top level divide."""
    sections: list[tuple[int, str, str, list[Token]]] = [(0, "", "", [])]
    index, depth, seen_text = 0, 0, False
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and depth == 0:
            heading = " ".join(_inline_text(tokens[index + 1]).split())
            level = int(token.tag[1])
            if level > 1 or seen_text:
                sections.append((level, heading, str(token.attrGet("id") or ""), []))
            seen_text = True
            index += 3
            continue
        seen_text = True
        depth += token.nesting
        sections[-1][3].append(token)
        index += 1
    return [entry for entry in sections if entry[1] or entry[3]]


def _render_tokens(tokens: list[Token], targets: Targets) -> str:
    md = parser()
    return str(md.renderer.render(tokens, md.options, {"targets": targets}))


def _lines(tokens: Sequence[Token], first_line: int) -> tuple[int, int]:
    maps = [token.map for token in tokens if token.map]
    if not maps:
        return (0, 0)
    return (min(m[0] for m in maps) + first_line, max(m[1] for m in maps) + first_line - 1)


# --- plain blocks ------------------------------------------------------------------------------------------------


def _blocks(tokens: list[Token], first_line: int, targets: Targets) -> list[Block]:
    """The top-level blocks of a section."""
    found: list[Block] = []
    start, depth = 0, 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            run = tokens[start : index + 1]
            start = index + 1
            if block := _block(run, first_line):
                found.append(replace(block, html=sanitise(_render_tokens(run, targets), targets)))
    return found


def _block(run: list[Token], first_line: int) -> Block | None:
    kind, lead = "text", ""
    if run[0].type in ("bullet_list_open", "ordered_list_open"):
        kind, parts = "list", _items(run)
    elif run[0].type == "table_open":
        rows = _rows(run)
        kind, lead, parts = "table", rows[0] if rows else "", rows[1:]
    elif run[0].type in ("fence", "code_block"):
        kind, parts = "code", run[0].content.rstrip("\n").split("\n")
    else:
        parts = _texts(run)
    parts = [part for part in parts if part.strip()]
    if not parts and not lead:
        return None
    return Block(kind, tuple(parts), _lines(run, first_line), lead)


def _items(run: list[Token]) -> list[str]:
    """A text for each item of a list, nested lists within their item; ordered items keep their number."""
    ordered = run[0].type == "ordered_list_open"
    number = int(run[0].attrGet("start") or 1)
    items: list[str] = []
    base = run[0].level
    start = 0
    for index, token in enumerate(run):
        if token.type == "list_item_open" and token.level == base + 1:
            start = index
        elif token.type == "list_item_close" and token.level == base + 1:
            text = "\n".join(_texts(run[start + 1 : index]))
            items.append(f"{number}. {text}" if ordered else f"- {text}")
            number += 1
    return items


def _rows(run: list[Token]) -> list[str]:
    rows: list[list[str]] = []
    for index, token in enumerate(run):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(_inline_text(run[index + 1]).strip())
    return [" | ".join(cells) for cells in rows]


def _texts(tokens: Sequence[Token]) -> list[str]:
    texts: list[str] = []
    for token in tokens:
        if token.type == "inline":
            texts.append(_inline_text(token))
        elif token.type in ("fence", "code_block"):
            texts.append(token.content.rstrip("\n"))
        elif token.type == "html_block":
            texts.append(plain(token.content))
    return [text.strip() for text in texts if text.strip()]


def _inline_text(token: Token) -> str:
    if not token.children:
        return token.content
    parts: list[str] = []
    for child in token.children:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "html_inline":
            parts.append("\n" if child.content.lower().startswith("<br") else "")
        elif child.type == "image":
            parts.append(_inline_text(child))
        elif child.type in ("footnote_ref", "footnote_anchor"):
            continue
        else:
            parts.append(html.unescape(child.content) if child.type == "text" else child.content)
    return "".join(parts)


def outline(sections: Sequence[Section], deepest: int = 3) -> list[dict[str, Any]]:
    """The headings for a table of contents, down to level `deepest`."""
    return [
        {"level": section.level, "heading": section.heading, "anchor": section.anchor}
        for section in sections
        if section.heading and section.level <= deepest
    ]
