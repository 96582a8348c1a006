"""Markdown that is not read as such, and commands of other programs: readers see all its brackets.

`[the form](new form.pdf)` is no link, since an address ends at a space. What readers see is looked through, so that
code and links that work are never told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from kb.check.links import from_root
from kb.check.pages import Page, Pages
from kb.check.report import Edit, Finding, short, warning

_FILE = r"\.(?:md|markdown|mdx|html?|pdf|docx?|xlsx?|pptx?|zip|png|jpe?g|gif|svg|webp)\b"
_ADDRESS = (
    rf"(?:[a-z][a-z0-9+.-]{{1,20}}:|\\\\|#|\.{{0,2}}/|\{{[{{%])[^()\n]{{1,300}}|[^()\n]{{1,200}}{_FILE}[^()\n]{{0,100}}"
)
_WORDS = r"[^\[\]\n]{1,200}"
_LINK = re.compile(rf"!?\[({_WORDS})\]\(({_ADDRESS})\)", re.IGNORECASE)
_GAP = re.compile(
    rf"(?<![\w\]])\[({_WORDS})\][ ]{{1,3}}\(((?:https?://|\.{{0,2}}/|#)[^()\s]+|[^()\s]+{_FILE})\)", re.IGNORECASE
)
_REVERSED = re.compile(
    rf"\(([^()\n]{{1,200}})\)\[((?:https?://|\.{{0,2}}/|#)[^\[\]\s]+|[^\[\]\s]+{_FILE})\]", re.IGNORECASE
)
_REFERENCE = re.compile(rf"(?<![\w\]\\$])\[({_WORDS})\]\[([^\[\]\n]{{2,100}})\](?![\[(\w])")
#: What people call an address. Messages of programs have other things there: `[Stage: Created][Agent: Approval]`.
_LABEL = re.compile(r"(?!.*[0-9a-f]{8}-[0-9a-f]{4}-)[^\W\d][\w .-]{0,59}", re.IGNORECASE)
_WIKI = re.compile(r"(?<![\w$])\[\[([^\W_][\w -]{1,80}(?:[|#][^\[\]\n]{1,80})?)\]\](?!\()")
#: Liquid (Jekyll), shortcodes (Hugo), snippets and tabs (MkDocs), MDX (Docusaurus). `{{name}}` alone may be what an
#: article is about.
_COMMAND = re.compile(
    r"\{%-?\s*(?:link|include\w*|post_url|raw|endraw|highlight|endhighlight|if|endif|for|endfor|assign|capture|endcapture"
    r"|unless|comment|endcomment|tabs?|endtabs?|hint|endhint|embed|content-ref|endcontent-ref)\b[^\n]{0,200}?%\}"
    r"|\{\{[<%][^\n]{1,200}?[>%]\}\}"
    r"|\{\{-?\s*(?:site|page|layout)\.[^\n{}]{1,100}\}\}"
    r"|\{\{-?\s*[\"'][^\n{}]{1,100}\|[^\n{}]{1,60}\}\}"
    r"|^-{1,2}8<-{1,2}[ ]\S[^\n]{0,200}"
    r"|^={3}[!+]?[ ]\"[^\n\"]{1,100}\"$"
    r"|^import[ ][\w{}*, ]{1,80}[ ]from[ ][\"'][^\n]{1,100}|^export[ ](?:const|default|let|function)[ ][^\n]{1,100}",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a pattern found, and the line of the file it stands on."""

    pages: Pages
    page: Page
    line: int
    match: re.Match[str]


def raw_markup(pages: Pages) -> Iterator[Finding]:
    for page in pages.living:
        if page.markup.shown and not page.row:
            lines = page.text.split("\n")
            for text, line in page.markup.shown:
                yield from _of(pages, page, lines, text, line)


def _of(pages: Pages, page: Page, lines: list[str], text: str, first: int) -> Iterator[Finding]:
    taken: list[tuple[int, int]] = []
    for pattern, told in _KINDS:
        for match in pattern.finditer(text):
            line = first + text.count("\n", 0, match.start())
            # What the author wrote with `\\[` is meant to be seen.
            place = next((n for n in range(line, min(line + 40, len(lines)) + 1) if match[0] in lines[n - 1]), 0)
            if not place or any(start < match.end() and match.start() < end for start, end in taken):
                continue
            if finding := told(_Seen(pages, page, place, match)):
                taken.append(match.span())
                yield finding


def _link(seen: _Seen) -> Finding | None:
    words, address = seen.match[1], seen.match[2]
    if re.match(r"\{[{%]", address):
        return _command(seen)
    picture = seen.match[0].startswith("!")
    what = "a picture" if picture else "a link"
    edit = None
    if re.match(r"(?i)(?!https?:|mailto:|tel:)[a-z][a-z0-9+.-]{1,20}:|\\\\", address):
        fix = "Browsers open no such address. Put the file where people can fetch it, and link there."
    elif re.search(r"\s", address):
        fix = f"An address ends at a space: write <{short(address)}>."
        if _ends_there(address) and _leads(seen, address) and seen.match.string.count(seen.match[0]) == 1:
            opened = f"[{words}]("
            edit = Edit(seen.line, f"{opened}{address})", f"{opened}<{address}>)")
    else:
        return None
    return _told(seen, f"is not read as {what}", fix, edit)


def _gap(seen: _Seen) -> Finding | None:
    if not re.search(r"[^\W\d_]{2}", seen.match[1]):  # `[1] (https://…)` is a way to name sources
        return None
    new = f"[{seen.match[1]}]({seen.match[2]})"
    return _told(
        seen,
        "is not read as a link",
        "Take out the space before the round bracket.",
        Edit(seen.line, seen.match[0], new) if _leads(seen, seen.match[2]) else None,
    )


def _reversed(seen: _Seen) -> Finding | None:
    new = f"[{seen.match[1]}]({seen.match[2]})"
    return _told(
        seen,
        "is not read as a link",
        f"Its brackets are reversed: write {short(new)}.",
        Edit(seen.line, seen.match[0], new) if _leads(seen, seen.match[2]) else None,
    )


def _reference(seen: _Seen) -> Finding | None:
    words, label = seen.match[1], seen.match[2]
    if not re.search(r"[^\W\d_]{2}", words) or not _LABEL.fullmatch(label):
        return None
    fix = f"Add a line `[{short(label, 40)}]: address` below, or write the address in round brackets."
    return _told(seen, "is not read as a link", fix, None)


def _wiki(seen: _Seen) -> Finding | None:
    name = re.split(r"[|#]", seen.match[1])[0].strip()
    named = quote(re.sub(r"\s+", "-", name.lower()))
    return _told(seen, "is not read as a link", f"Write the path of the article: `[{name}]({named}.md)`.", None)


def _command(seen: _Seen) -> Finding | None:
    fix = "Write it as plain Markdown; if readers are to see it, put it between backticks."
    return _told(seen, "is a command of another program", fix, None)


def _ends_there(address: str) -> bool:
    """Whether all of it is the address, and not words or a title behind one: nobody looks whether a site has it."""
    whole = re.fullmatch(rf".*{_FILE}(?:[?#]\S*)?", address, re.IGNORECASE) if "://" in address else address
    return bool(whole) and not set("<>\"'") & set(address)


def _leads(seen: _Seen, address: str) -> bool:
    """Whether a link to this address works, so that mending its brackets mends it."""
    if re.match(r"https?:|#", address, re.IGNORECASE):
        return True
    target = from_root(seen.page, re.split(r"[?#]", address, maxsplit=1)[0])
    return target in seen.pages.files or target in seen.pages.targets


def _told(seen: _Seen, what: str, fix: str, edit: Edit | None) -> Finding:
    message = f"`{short(seen.match[0])}` {what}: readers see it as it stands here."
    return warning(seen.page.path, seen.line, "raw-markup", message, fix, edit)


_KINDS = (
    (_LINK, _link),
    (_GAP, _gap),
    (_REVERSED, _reversed),
    (_REFERENCE, _reference),
    (_WIKI, _wiki),
    (_COMMAND, _command),
)
