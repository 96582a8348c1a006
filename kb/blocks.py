"""Blocks of a parsed page as plain text: what is counted, embedded and searched."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import nh3
from markdown_it.token import Token


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


def top_level(tokens: list[Token]) -> Iterator[list[Token]]:
    """The runs of tokens that make one block each."""
    start, depth = 0, 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : index + 1]
            start = index + 1


def lines_of(tokens: Sequence[Token], first_line: int) -> tuple[int, int]:
    """First and last line of a run of tokens, 1-based in the file; (0, 0) where they have none."""
    maps = [token.map for token in tokens if token.map]
    if not maps:
        return (0, 0)
    return (min(m[0] for m in maps) + first_line, max(m[1] for m in maps) + first_line - 1)


def plain(markup: str) -> str:
    """The text of some HTML, without tags and entities."""
    text = nh3.clean(re.sub(r"<(?:br|/p|/li|/tr|/h\d)\b[^>]*>", "\n", markup, flags=re.IGNORECASE), tags=set())
    return html.unescape(text).strip()


def plain_block(run: list[Token], first_line: int) -> Block | None:
    """The run of tokens of one block as plain text, or None where it has none."""
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
    return Block(kind, tuple(parts), lines_of(run, first_line), lead)


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
            rows[-1].append(inline_text(run[index + 1]).strip())
    return [" | ".join(cells) for cells in rows]


def _texts(tokens: Sequence[Token]) -> list[str]:
    texts: list[str] = []
    for token in tokens:
        if token.type == "inline":
            texts.append(inline_text(token))
        elif token.type in ("fence", "code_block"):
            texts.append(token.content.rstrip("\n"))
        elif token.type == "html_block":
            texts.append(plain(token.content))
    return [text.strip() for text in texts if text.strip()]


def inline_text(token: Token) -> str:
    """The text of an inline token as a reader sees it, alternative texts of pictures included."""
    if not token.children:
        return token.content
    parts: list[str] = []
    for child in token.children:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "html_inline":
            parts.append("\n" if child.content.lower().startswith("<br") else "")
        elif child.type == "image":
            parts.append(inline_text(child))
        elif child.type in ("footnote_ref", "footnote_anchor"):
            continue
        else:
            parts.append(html.unescape(child.content) if child.type == "text" else child.content)
    return "".join(parts)
