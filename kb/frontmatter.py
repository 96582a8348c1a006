"""YAML front matter: the block between two `---` lines at the top of a Markdown file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

_FENCE = "---"
_KEY = re.compile(r"^[^\s#][^:\n]*:", re.MULTILINE)
#: A value with a colon in it, and nothing around it.
_UNQUOTED = re.compile(r"(?P<key>\s*(?:- )?[\w.-]+:\s+)(?P<value>[^\s\"'\[{|>&*!%@`].*: .*\S)\s*")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?\Z")
#: Few lines of aliases of aliases would otherwise fill the memory ("billion laughs").
_MOST_NODES = 50_000
_DEEPEST = 50


class FrontMatterProblem(ValueError):  # noqa: N818 - reads as what happened
    """A front matter that cannot be used. `line` is 1-based in the file; `fix` says what to write instead."""

    def __init__(self, line: int, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.line, self.detail, self.fix = line, detail, fix


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The keys of a file's front matter, the lines they stand on, and the body below.

    `body_line` is the 1-based line of the file on which `body` starts.
    """

    values: dict[str, Any]
    lines: dict[str, int]
    body: str
    body_line: int

    def text(self, key: str, default: str = "") -> str:
        """The value of `key` as text; numbers and dates are taken as written.

        Raises FrontMatterProblem where the value is a list or a mapping.
        """
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, dict | list):
            raise FrontMatterProblem(
                self.lines.get(key, 1), f"{key} is a {_kind(value)}", f"Write one value: `{key}: some text`."
            )
        return _scalar(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The value of `key` as a tuple of texts; one value counts as a list of one.

        Raises FrontMatterProblem where an entry is a list or a mapping (most often an unquoted colon).
        """
        value = self.values.get(key)
        if value is None:
            return ()
        if isinstance(value, dict):
            raise FrontMatterProblem(
                self.lines.get(key, 1), f"{key} is a mapping", f"Write a list: `{key}: [first, second]`."
            )
        entries = value if isinstance(value, list) else [value]
        for entry in entries:
            if isinstance(entry, dict | list):
                raise FrontMatterProblem(
                    self.lines.get(key, 1),
                    f"an entry of {key} is a {_kind(entry)}: {entry!r}",
                    "Put quotes around an entry that contains a colon or brackets.",
                )
        return tuple(text for entry in entries if entry is not None and (text := _scalar(entry)))


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()


def _kind(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"


def split(text: str) -> FrontMatter:
    """Splits a file into front matter and body.

    A horizontal rule at the top of a page is legal Markdown, so a block that holds no `key:` at all counts as text.
    Raises FrontMatterProblem where the block has keys but is never closed, or is not a YAML mapping.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE or len(lines) == 1:
        return FrontMatter({}, {}, text, 1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in (_FENCE, "...")), None)
    block = "\n".join(lines[1:end])
    if block.strip() and not _KEY.search(block if end else lines[1]):
        return FrontMatter({}, {}, text, 1)
    if end is None:
        raise FrontMatterProblem(1, "the front matter is never closed", "Add a line with `---` below the last key.")
    values, where = _mapping(block)
    return FrontMatter(values, where, "\n".join(lines[end + 1 :]), end + 2)


def _mapping(block: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The YAML mapping and the 1-based file line of each key (the block starts on line 2 of the file)."""
    node = None
    try:
        node = yaml.compose(block, Loader=yaml.CSafeLoader)
        if not _is_small(node):
            raise FrontMatterProblem(
                2, "it is nested too deeply, or its aliases (`*name`) repeat without end", "Write the values out flat."
            )
        values = yaml.load(block, Loader=yaml.CSafeLoader)
        repr(values)  # a number too long to be written raises ValueError
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        source = block.split("\n")
        written = source[line - 2] if line - 2 < len(source) else ""
        detail, fix = _not_yaml(str(getattr(error, "problem", None) or error), written)
        raise FrontMatterProblem(line, detail, fix) from error
    except FrontMatterProblem:
        raise
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # A date that does not exist; or PyYAML stumbled over a tag such as `!!bool maybe`.
        detail = str(error) if isinstance(error, ValueError) else "it does not fit its tag"
        line, key, written = _unreadable(node)
        fix = "Write a day of the calendar: `2027-05-01`." if _DATE.match(written) else "Put the value in quotes."
        what = f"the value of {key}" if key else "a value"
        raise FrontMatterProblem(line, f"{what} cannot be read ({detail})", fix) from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise FrontMatterProblem(
            2, f"expected keys and values, found a {type(values).__name__}", "Write one `key: value` a line."
        )
    where = {str(key.value): key.start_mark.line + 2 for key, _ in node.value}
    return {str(key): value for key, value in values.items()}, where


def _not_yaml(problem: str, written: str) -> tuple[str, str]:
    """What is wrong with a line that YAML does not take, and how to mend it."""
    found = written.strip()
    if "\t" in written[: len(written) - len(written.lstrip(" \t-"))]:
        return f"a tab stands before `{found}`, where YAML takes spaces alone", "Put spaces in the place of the tab."
    fix = 'Put quotes around a value that contains `: `, `#` or starts with a quote: `title: "a: b"`.'
    value = _UNQUOTED.fullmatch(written)
    if value and '"' not in value["value"] and "\\" not in value["value"]:
        fix = f'Put quotes around the value: `{value["key"].strip()} "{value["value"]}"`.'
    return f"not valid YAML ({problem}); found `{found}`", fix


def _unreadable(node: yaml.Node | None) -> tuple[int, str, str]:
    """The line, the key and the text of the first value that YAML's types do not take."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        try:
            yaml.SafeLoader("").construct_object(value, deep=True)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
            return value.start_mark.line + 2, str(key.value), str(value.value)
    return 2, "", ""


def _is_small(node: yaml.Node | None) -> bool:
    """Whether a tree is shallow and has few nodes once its aliases are written out; a circular one has not."""
    waiting: list[tuple[Any, int]] = [(node, 0)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return True
        parent, depth = waiting.pop()
        children = parent.value if isinstance(parent, yaml.CollectionNode) else []
        if depth > _DEEPEST:
            return False
        for child in children:
            waiting.extend((one, depth + 1) for one in (child if isinstance(child, tuple) else (child,)))
    return not waiting
