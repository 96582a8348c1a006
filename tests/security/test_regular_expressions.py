"""No text makes a regular expression of ours take more than in proportion to its length (CWE-1333)."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.conftest import PROJECT
from tests.security.backtracking import Counter, TooManySteps, deep

_METHODS = {"search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"}
#: Twice the text may take twice the steps, and a little for what is done once.
_GROWTH = 2.6
#: Expressions that take more, and how long what they read can be at most.
BOUNDED: dict[str, str] = {
    "bot.beside": "no more than 2,200 characters at each place",
    "bot.draft": "no more than 460 characters at each place",
    "kb.articles": "the front matter of an author's own file",
    "kb.check.personal_data": "no more than 400 characters at each place, of an author's own file",
    "kb.check.raw_markup": "no more than 300 characters at each place, of an author's own file",
    "kb.credentials": "no more than 200 characters at each place; measured linear to 40,000",
    "kb.personal": "no more than 35 characters at each place",
    "web.handoff_settings": "a setting",
    "web.pages.widget": "our own script",
    "web.settings": "a setting",
}


@dataclass(frozen=True)
class Expression:
    where: str
    pattern: re.Pattern[str]
    how: frozenset[str]


def expressions() -> Iterator[Expression]:
    """Every `re.compile(…)` and `re.search(…)` of the packages, with the functions it is called by."""
    for path in sorted(file for package in ("kb", "bot", "web") for file in (PROJECT / package).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        tree = ast.parse(source)
        named = {
            id(node.value): target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")):
                continue
            function = ast.unparse(node.func).removeprefix("re.")
            if function != "compile" and function not in _METHODS:
                continue
            kept = getattr(importlib.import_module(name), named.get(id(node), ""), None)
            pattern = kept if isinstance(kept, re.Pattern) else _written(node)
            if pattern is None:
                continue
            used = (
                re.findall(rf"\b{named.get(id(node), '-')}\.(\w+)\(", source) if function == "compile" else [function]
            )
            yield Expression(f"{name}:{node.lineno}", pattern, frozenset(used) & _METHODS or frozenset({"search"}))


def _written(node: ast.Call) -> re.Pattern[str] | None:
    """An expression that stands in the call; None for one that is put together there."""
    try:
        text = ast.literal_eval(node.args[0])
    except ValueError:
        return None
    flags = [ast.unparse(word.value) for word in node.keywords if word.arg == "flags"]
    flags += [ast.unparse(one) for one in node.args[1:] if re.fullmatch(r"re\.[A-Z |.re]+", ast.unparse(one))]
    return re.compile(text, eval(flags[0], {"re": re}) if flags else 0)  # noqa: S307 (our own source)


def growth(expression: Expression) -> tuple[float, str]:
    """By how much the steps grow at most when a text gets twice as long, and the text that shows it."""
    worst = (0.0, "")
    counter = Counter(expression.pattern)
    how = "search" if expression.how - {"match", "fullmatch"} else min(expression.how)
    for before, repeated in counter.attacks():
        for after in ("\x00", "\x00\n"):
            try:
                once, twice = (counter.count(before + repeated * times + after, how) for times in (16, 32))
                factor = twice / once
            except TooManySteps:
                factor = float("inf")
            worst = max(worst, (factor, f"{before[:40]!r} + {repeated[:40]!r} * n + {after!r}"))
    return worst


def test_no_regular_expression_takes_more_than_in_proportion() -> None:
    found: dict[str, str] = {}
    number = 0
    with deep():
        for expression in expressions():
            number += 1
            if expression.where.partition(":")[0] in BOUNDED:
                continue
            factor, text = growth(expression)
            if factor > _GROWTH:
                found[expression.where] = (
                    f"{factor:.1f} {expression.pattern.pattern[:70]!r} {set(expression.how)}: {text}"
                )
    assert found == {}
    assert number > 130


@pytest.mark.parametrize("pattern", [r"\s+$", r"[a-z]+@[a-z]+", r"<!--.*?-->.*x", r"(a+)+$"])
def test_what_takes_more_is_found(pattern: str) -> None:
    with deep():
        assert growth(Expression("here", re.compile(pattern), frozenset({"search"})))[0] > _GROWTH
