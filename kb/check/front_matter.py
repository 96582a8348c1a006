"""Front matter against its schema (schema.json), and keys that are almost ours."""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from rapidfuzz.distance import OSA

from kb import languages
from kb.check.pages import Page, Pages
from kb.check.report import Edit, Finding, error, warning

SCHEMA = Path(__file__).with_name("schema.json")
_STATUS = ("draft", "archived", "published")
_TOP_KEY = re.compile(r"^([^\s#'\"\[{&*!|>%@-][^:\n]{0,100}):(?=\s|$)", re.MULTILINE)
#: A block like front matter, at the top but for empty lines, spaces and a comment.
_BLOCK = re.compile(
    r"\s{0,200}(?:<!--(?:(?!-->).){0,500}-->\s{0,200})?(?P<fence>---|\+\+\+)[ \t]*\n"
    r"(?P<keys>(?:[ \t]*(?:[\w.-]+[ \t]*[:=]|-[ \t]|#|\])[^\n]*\n|[ \t]*\n){1,200})[ \t]*(?P=fence)[ \t]*(?:\n|$)",
    re.DOTALL,
)
_OURS = re.compile(
    r"^[ \t]*(?:id|title|lang|audience|questions|not_for|keywords|topics?|summary|description|status|draft|review_by"
    r"|owner|redirect_from)[ \t]*:",
    re.MULTILINE,
)
_LISTS = ("questions", "not_for", "keywords", "topic", "topics", "redirect_from", "check_off")
_FIXES = {
    "lang": "Use a two-letter code of ISO 639-1 such as en, pl or pt-BR.",
    "review_by": "Write a day of the calendar: `review_by: 2027-05-01`.",
    "draft": "Write `draft: true` or `draft: false`, without quotes; as it is, the article is published.",
}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of the front matter, for editors and for `front_matter`."""
    read: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return read


@lru_cache(maxsize=1)
def _validator() -> Any:
    return jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker(["date"]))


def front_matter(pages: Pages) -> Iterator[Finding]:
    for page in pages.pages:
        values = page.front.values if page.front else {}
        told: set[int] = set()
        if page.front and not page.row:
            for finding in (*_wrong(page, values), *_twice(page)) if values else _unread(page):
                told |= {finding.line, page.line(finding.message.partition(":")[0])}
                yield finding
        problem = page.problem
        if problem and problem.reason in ("broken front matter", "unknown language") and problem.line not in told:
            detail = problem.detail[:1].upper() + problem.detail[1:]
            yield error(page.path, problem.line, "front-matter", f"{detail}.", problem.fix)


def _wrong(page: Page, values: dict[str, Any]) -> Iterator[Finding]:
    """What the schema does not allow, and what it cannot say."""
    for problem in _validator().iter_errors(_as_json(values)):
        path = [*problem.absolute_path]
        key = str(path[0]) if path else ""
        wrong = [entry for entry in problem.instance if isinstance(entry, dict | list)] if key in _LISTS else []
        found = reprlib.repr(wrong[0] if wrong else problem.instance)
        quoted = isinstance(problem.instance, bool) and key != "review_by"
        fix = (not quoted and _FIXES.get(key)) or _fix(key, problem.instance)
        yield error(page.path, _line(page, path), "front-matter", f"{key}: {found} is not allowed.", fix)
    lang = values.get("lang")
    if (
        isinstance(lang, str)
        and re.fullmatch(r"\s*[A-Za-z]{2}([-_]\w{2,4})?\s*", lang)
        and not languages.normalise(lang)
    ):
        fix = _FIXES["lang"]
        yield error(page.path, page.line("lang"), "front-matter", f"lang: {lang!r} is no language.", fix)
    status = values.get("status")
    if isinstance(status, str) and (meant := _near(status.strip().lower(), _STATUS)):
        message = f"status: {status!r} is none of {', '.join(_STATUS)}, so the article is published."
        yield error(page.path, page.line("status"), "front-matter", message, f"Did you mean `status: {meant}`?")


def _fix(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'Put quotes around it, such as `{key}: "no"`: YAML takes yes, no, on and off for true and false.'
    if key in ("id", "title", "audience", "owner", "summary", "description", "status"):
        return f"Write one value: `{key}: some text`."
    if isinstance(value, list):  # an entry that is no text makes `anyOf` fail for the whole list
        wrong = next((entry for entry in value if isinstance(entry, dict | list)), None)
        if isinstance(wrong, dict) and len(wrong) == 1 and isinstance(meant := next(iter(wrong.values())), str):
            return f'Put quotes around the entry: `"{next(iter(wrong))}: {meant}"`.'
        return f"Put quotes around the entry {reprlib.repr(wrong)}: it holds a colon or brackets."
    return f"Write a list of texts: `{key}: [first, second]`."


def _unread(page: Page) -> Iterator[Finding]:
    """A block that was meant for front matter and is text: readers see it, and `audience: internal` hides nothing."""
    block = _BLOCK.match(page.text)
    if block is None or (block["fence"] == "---" and not _OURS.search(block["keys"])):
        return
    line = page.text.count("\n", 0, block.start("fence")) + 1
    if block["fence"] == "+++":
        message = "This front matter is TOML, which is not read: readers see it, and none of it counts."
        yield error(page.path, line, "front-matter", message, "Write it as YAML, between two lines `---`.")
    elif line > 1 or block.start("fence"):
        message = "The front matter does not begin on the first line: readers see it, and none of it counts."
        yield error(page.path, line, "front-matter", message, "Delete what stands above its first `---`.")


def _twice(page: Page) -> Iterator[Finding]:
    """Of a key that stands twice, YAML takes the last one and says nothing."""
    assert page.front is not None  # noqa: S101 - asked by the caller
    block = _block(page)
    repeated = [
        key for key, count in Counter(_TOP_KEY.findall(block)).items() if count > 1 and key in page.front.values
    ]
    if not repeated:
        return
    node = yaml.compose(block, Loader=yaml.CSafeLoader)
    lines: dict[str, list[int]] = {}
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        lines.setdefault(str(key.value), []).append(key.start_mark.line + 2)
    for key, places in lines.items():
        if len(places) > 1:
            message = f"{key} stands on line {places[0]} already; only the last one counts."
            yield error(page.path, places[-1], "front-matter", message, "Put both into one.")


def misspelled_keys(pages: Pages) -> Iterator[Finding]:
    """Keys that are one of ours with another case, a hyphen, or one letter wrong."""
    ours = tuple(schema()["properties"])
    for page in pages.pages:
        if page.article is None or page.front is None:
            continue
        for key in page.front.values:
            if key in ours or (meant := _near(key, ours)) is None or meant in page.front.values:
                continue
            line = page.line(key)
            sure = _folded(key) == meant
            edit = Edit(line, f"{key}:", f"{meant}:") if sure and _starts(page, line, f"{key}:") else None
            message = f"{key} is no key of ours and does nothing."
            yield warning(page.path, line, "misspelled-key", message, f"Did you mean `{meant}`?", edit)


def _near(word: str, known: Sequence[str]) -> str | None:
    """The known word that somebody meant, or None where the word is known or like none of them."""
    if word in known:
        return None
    folded = _folded(word)
    if folded in known:
        return folded
    if len(word) < 4:
        return None
    distances = {one: OSA.distance(folded, one) for one in known if len(one) >= 4}
    best = min(distances, key=lambda one: distances[one])
    return best if distances[best] <= (1 if len(best) < 8 else 2) else None


def _folded(key: str) -> str:
    return key.strip().lower().replace("-", "_").replace(" ", "_")


def _starts(page: Page, line: int, words: str) -> bool:
    lines = page.text.split("\n", line)
    return len(lines) >= line and lines[line - 1].startswith(words)


def _block(page: Page) -> str:
    """The YAML of a page, without the lines around it."""
    assert page.front is not None  # noqa: S101 - asked by the caller
    return "\n".join(page.text.split("\n", page.front.body_line)[1 : page.front.body_line - 2])


def _line(page: Page, path: Sequence[str | int]) -> int:
    """The line of a value: `["questions", 2]` is the third entry of that list."""
    line = page.line(str(path[0])) if path else 1
    node = yaml.compose(_block(page), Loader=yaml.CSafeLoader)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 2
    if isinstance(node, yaml.SequenceNode):  # the first entry that is no text
        wrong = next((entry for entry in node.value if not isinstance(entry, yaml.ScalarNode)), None)
        line = wrong.start_mark.line + 2 if wrong else line
    return line


def _as_json(value: Any) -> Any:
    """The value as JSON would hold it: dates as text."""
    if isinstance(value, dict):
        return {str(key): _as_json(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(held) for held in value]
    return value.isoformat()[:10] if isinstance(value, date) else value
