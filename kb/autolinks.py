"""Bare addresses become links in a time that grows with the text, whatever somebody wrote.

The rules of the plugin look back over all text since the last tag, and forward to the end of the paragraph, at each
`:`, `@` and `www.`: 60,000 characters of `://a:` took more than a minute. Here they see one word and little before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

#: Longer words hold no address that a person wrote; browsers and servers refuse such addresses from 2,000 to 8,000 on.
LONGEST_WORD = 4_000
#: A word that has more of these ahead is no address. One that leads through an archive and a proxy has four.
MOST_BEGINNINGS = 20
_BEGINNING = re.compile(r"://|www\.|@|mailto:|xmpp:")
_PROTOCOLS = ("http", "https", "mailto", "xmpp")
_SPACE = re.compile(r"\s")

_Rule = Callable[[StateInline, bool], bool]


def bound(md: MarkdownIt) -> None:
    """Has the rules of `gfm_autolink_plugin` look at no more than a word."""
    rules = dict(zip(md.inline.ruler.get_active_rules(), md.inline.ruler.getRules(""), strict=True))
    for name, mark in (("www", "w"), ("protocol", ":"), ("email", "@")):
        md.inline.ruler.at(f"gfm_autolink_{name}", _within_a_word(rules[f"gfm_autolink_{name}"], mark))


def _within_a_word(rule: _Rule, mark: str) -> _Rule:
    def bounded(state: StateInline, silent: bool) -> bool:
        start, end = state.pos, state.posMax
        if silent or state.linkLevel > 0 or state.src[start] != mark:
            return False
        if mark == ":" and not state.pending.endswith(_PROTOCOLS):
            return False
        if mark == "w" and not state.src.startswith("www.", start):
            return False
        if start < getattr(state, "no_address_before", 0):
            return False
        space = _SPACE.search(state.src, start, min(end, start + LONGEST_WORD + 1))
        word_end = space.end() if space else end
        if word_end - start > LONGEST_WORD + 1 or len(_BEGINNING.findall(state.src, start, word_end)) > MOST_BEGINNINGS:
            state.no_address_before = min(word_end, start + LONGEST_WORD)  # type: ignore[attr-defined]
            return False
        if len(state.pending) > 2 * LONGEST_WORD:  # it stands in the text as before; words that touch are joined later
            rest = state.pending[-LONGEST_WORD:]
            state.pending = state.pending[:-LONGEST_WORD]
            state.pushPending()
            state.pending = rest
        state.posMax = word_end
        try:
            return rule(state, silent)
        finally:
            state.posMax = end

    return bounded
