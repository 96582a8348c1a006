"""The notice above the pages, such as an outage: a Markdown file that is read again when it changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape
from pathlib import Path
from typing import Literal, get_args

from kb import frontmatter
from kb.frontmatter import FrontMatter, FrontMatterProblem
from kb.markdown import Targets, render

_log = logging.getLogger(__name__)

Level = Literal["info", "warning"]
_LEVELS: tuple[Level, ...] = get_args(Level)
#: When a file was written, and its size.
_Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Notice:
    """Sanitised HTML in `lang`; `until` is when it ends, None where it stays until the file is emptied."""

    html: str
    level: Level
    until: datetime | None
    lang: str


class NoticeBoard:
    """The notice of `notice.md`, and of `notice.pl.md` beside it for those who read Polish.

    One of a language that is empty or over never hides the common one. A mistake in the front matter is logged and
    never hides the notice: an outage is no time for that.
    """

    def __init__(self, file: Path, default_lang: str) -> None:
        self._file, self._default_lang = file, default_lang
        self._read: dict[Path, tuple[_Stamp, Notice | None]] = {}

    def current(self, lang: str, now: datetime) -> Notice | None:
        """What to show to somebody who reads `lang`; None where there is nothing to say, or not any more."""
        own = self._file.with_name(f"{self._file.stem}.{lang}{self._file.suffix}")
        for path, written in ((own, lang), (self._file, self._default_lang)):
            try:
                status = path.stat()
            except OSError:
                continue
            notice = self._notice(path, (status.st_mtime_ns, status.st_size), written)
            if notice and (notice.until is None or now < notice.until):
                return notice
        return None

    def _notice(self, path: Path, stamp: _Stamp, lang: str) -> Notice | None:
        held = self._read.get(path)
        if held is None or held[0] != stamp:
            held = stamp, _open(path, lang)
            self._read[path] = held
        return held[1]


def _open(path: Path, lang: str) -> Notice | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        _log.error("the notice %s is not shown: %s", path, error)
        return None
    try:
        front = frontmatter.split(text)
        level, until = _level(front), _until(front)
    except FrontMatterProblem as problem:
        _log.error("%s:%d: %s. %s The notice is shown without it.", path, problem.line, problem.detail, problem.fix)
        front = FrontMatter({}, {}, _below(text), 1)
        level, until = "info", None
    html = _html(front.body, lang)
    return Notice(html, level, until, lang) if html else None


def _level(front: FrontMatter) -> Level:
    written = front.text("level", "info").lower()
    level = next((level for level in _LEVELS if level == written), None)
    if level is None:
        raise FrontMatterProblem(
            front.lines["level"], f"level is {written!r}", f"Write one of {', '.join(_LEVELS)}: `level: warning`."
        )
    return level


def _until(front: FrontMatter) -> datetime | None:
    """A time without a zone is one of this server's clock; a day is over at its end."""
    written = front.text("until")
    if not written:
        return None
    try:
        if len(written) == len("2026-11-21"):
            return datetime.combine(date.fromisoformat(written) + timedelta(days=1), time()).astimezone()
        return datetime.fromisoformat(written).astimezone()
    except ValueError as error:
        raise FrontMatterProblem(
            front.lines["until"], f"until is {written!r}", "Write a date and time: `until: 2026-11-21 18:00`."
        ) from error


def _below(text: str) -> str:
    """What stands below a front matter that cannot be used."""
    _, closed, body = text.partition("---")[2].partition("\n---")
    return body if closed else text


def _html(body: str, lang: str) -> str:
    """Sanitised; headings become strong words, since the banner stands above the page's own heading."""
    rendered = render(body, lang=lang, targets=Targets(image=lambda _src: ""))
    parts = [_strong(rendered.heading)]
    for section in rendered.sections:
        parts += [_strong(section.heading), section.html.strip()]
    return "\n".join(filter(None, parts))


def _strong(heading: str) -> str:
    return f"<p><strong>{escape(heading)}</strong></p>" if heading else ""
