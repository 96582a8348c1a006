"""Markdown to sections of sanitised HTML and plain blocks with line numbers.

CommonMark and GitHub's tables, alerts, task lists, footnotes and heading slugs, plus what other help centres write:
`:::note` containers, `!!! note` admonitions, Microsoft Learn's `:::image` and `[!INCLUDE]`, `{#custom-id}` headings.
Raw HTML is parsed and then sanitised with nh3 (an allow list), so that none of it can run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
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

from kb import alerts, autolinks
from kb.blocks import Block, inline_text, lines_of, plain_block, top_level
from kb.models import Section

_ATTRIBUTES = {
    "*": {"id", "class", "lang", "dir"},
    "a": {"href", "title", "name"},
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
    "div": {"alert", "table-wrap", *(f"alert-{kind}" for kind in set(alerts.KINDS.values()))},
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
#: `{#id}`; `{: #id .class }` and `{ #id }` of Python-Markdown and kramdown, with the closing `##` before it.
_CUSTOM_ID = re.compile(r"(?<!\s)(?:\s+#+)?\s*\{:?\s{0,3}#([\w.:-]+)(?:\s[^{}\n]{0,100})?\}\s*$")
#: Letters, marks, digits and connectors: `\p{Word}` of GitHub's Ruby.
_SLUG_CATEGORIES = frozenset("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl Pc".split())


@dataclass(frozen=True, slots=True)
class Rendered:
    """An article as sections, each with its plain blocks, and the targets its links and pictures name.

    `heading` is the `#` heading the text opens with, taken for its title and no part of any section; "" without one.
    """

    sections: tuple[Section, ...]
    blocks: tuple[tuple[Block, ...], ...]
    heading: str = ""
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
    return " ".join(inline_text(parser().parseInline(source, {"targets": Targets()})[0]).split())


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """The parser of all pages. `html` is on: what it lets through is sanitised in `sanitise`."""
    md = MarkdownIt("commonmark", {"html": True}).use(gfm_plugin).use(autolinks.bound).use(admon_plugin)
    container_plugin(md, "note", validate=lambda params, *_: bool(alerts.container_kind(params)))
    md.block.ruler.before("fence", "learn_image", _learn_image, {"alt": ["paragraph", "list"]})
    md.block.ruler.before("fence", "learn_include", _learn_include, {"alt": ["paragraph", "list"]})
    md.core.ruler.push("alerts_of_other_dialects", alerts.unify)
    md.core.ruler.push("heading_anchors", _heading_anchors)
    md.core.ruler.push("link_targets", _link_targets)
    md.add_render_rule("table_open", lambda *_: '<div class="table-wrap"><table>\n')
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


def render(body: str, *, first_line: int = 1, lang: str = "en", targets: Targets | None = None) -> Rendered:
    """Sections of an article in reading order, the text before the first heading first.

    `first_line` is the line of the file on which `body` starts; all lines returned count from the file's top. A first
    `#` heading is taken for the title and opens no section of its own. `lang` gives untitled alerts their title.
    """
    targets = targets or Targets()
    tokens = parser().parse(body, {"targets": targets, "lang": lang})
    sections: list[Section] = []
    blocks: list[tuple[Block, ...]] = []
    path: list[tuple[int, str]] = []
    opening, parts = _split(tokens)
    for level, heading, anchor, run in parts:
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
                lines=lines_of(run, first_line),
            )
        )
        blocks.append(found)
    links = tuple((target, line + first_line) for target, line in targets.seen)
    return Rendered(tuple(sections), tuple(blocks), opening, links)


def sanitise(markup: str, targets: Targets | None = None) -> str:
    """The markup with every tag, attribute, class and address removed that is not on the allow list.

    Links and pictures of raw HTML become what `targets` makes of them, as those of Markdown have before.
    """
    targets = targets or Targets()
    functions = {("a", "href"): targets.link, ("img", "src"): targets.image}

    def address(tag: str, attribute: str, value: str) -> str | None:
        function = functions.get((tag, attribute))
        return value if function is None or value in targets.made else function(value.strip()) or None

    cleaned = nh3.clean(
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
    # A wide table scrolls; the keyboard has to reach it for that, and Safari does not see to it.
    return cleaned.replace('<div class="table-wrap">', '<div class="table-wrap" tabindex="0">')


# --- rules -------------------------------------------------------------------------------------------------------


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
        slug = custom[1] if custom else github_slug(inline_text(inline))
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
                token.content = inline_text(token)
                token.children = None


# --- sections ----------------------------------------------------------------------------------------------------


def _split(tokens: Sequence[Token]) -> tuple[str, list[tuple[int, str, str, list[Token]]]]:
    """The opening `#` heading, and (level, heading, anchor, tokens) of each section; nested headings divide nothing."""
    sections: list[tuple[int, str, str, list[Token]]] = [(0, "", "", [])]
    index, depth, seen_text, opening = 0, 0, False, ""
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and depth == 0:
            heading = " ".join(inline_text(tokens[index + 1]).split())
            level = int(token.tag[1])
            if level == 1 and not seen_text:
                opening = heading
            else:
                sections.append((level, heading, str(token.attrGet("id") or ""), []))
            seen_text = True
            index += 3
            continue
        seen_text = True
        depth += token.nesting
        sections[-1][3].append(token)
        index += 1
    return opening, [entry for entry in sections if entry[1] or entry[3]]


def _render_tokens(tokens: list[Token], targets: Targets) -> str:
    md = parser()
    return str(md.renderer.render(tokens, md.options, {"targets": targets}))


def _blocks(tokens: list[Token], first_line: int, targets: Targets) -> Iterator[Block]:
    """The top-level blocks of a section."""
    for run in top_level(tokens):
        if block := plain_block(run, first_line):
            yield replace(block, html=sanitise(_render_tokens(run, targets), targets))


def outline(sections: Sequence[Section], deepest: int = 3) -> list[dict[str, Any]]:
    """The headings for a table of contents, down to level `deepest`."""
    return [
        {"level": section.level, "heading": section.heading, "anchor": section.anchor}
        for section in sections
        if section.heading and section.level <= deepest
    ]
