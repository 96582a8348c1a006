from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.gfm import gfm_plugin

from kb import autolinks
from kb.markdown import render


def plain() -> MarkdownIt:
    return MarkdownIt("commonmark").use(gfm_plugin)


UNBOUND, BOUND = plain(), plain().use(autolinks.bound)
PARTS = ["http", "https", "://", ":", "www.", "a", "b.example", "@", "mailto:", "xmpp:", "_", "*", "(", ")", "/", " "]


@given(st.lists(st.sampled_from([*PARTS, "  \n", "[x](", "`", "<", "ż", "!"]), max_size=25).map("".join))
def test_what_a_person_writes_becomes_the_same_links(text: str) -> None:
    assert BOUND.render(text) == UNBOUND.render(text)


def test_long_paragraphs_and_long_addresses_stay_as_they_are() -> None:
    words = "Words of a paragraph. " * 1_000
    text = (
        f"{words}see https://a.example/{'x' * 3_000}, or www.b.example ({words} ann@c.example) {words}http_ @ x: www. "
    )
    assert BOUND.render(text) == UNBOUND.render(text)
    assert BOUND.render(text).count("<a ") == 3


@pytest.mark.parametrize(
    "unit", ["://a:", "http:", "http://_ ", "www._ ", "_www.", "a@", "a@ ", "mailto:a ", "mailto:a@"]
)
def test_the_rules_see_no_more_of_a_hostile_text_than_grows_with_it(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    monkeypatch.setattr(autolinks, "LONGEST_WORD", 200)
    assert seen(unit * (16_000 // len(unit))) < 5 * max(seen(unit * (4_000 // len(unit))), 4_000)


def seen(text: str) -> int:
    """How many characters the rules of the plugin were given, over all their calls."""
    characters = 0

    def counted(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
        def count(state: StateInline, silent: bool) -> bool:
            nonlocal characters
            characters += len(state.pending) + state.posMax - state.pos
            return rule(state, silent)

        return count

    md = plain()
    for name, rule in zip(md.inline.ruler.get_active_rules(), md.inline.ruler.getRules(""), strict=True):
        if name.startswith("gfm_autolink"):
            md.inline.ruler.at(name, counted(rule))
    md.use(autolinks.bound).render(text)
    return characters


def test_an_article_of_100_000_hostile_characters_is_text() -> None:
    (section,) = render("# A\n\n" + "://a:" * 20_000).sections
    assert section.text == "://a:" * 20_000
