"""A passage of an article as plain text for a reply: numbered steps stay numbered, links keep their address."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

_BLOCKS = frozenset(
    "p div h1 h2 h3 h4 h5 h6 ul ol li table tr pre blockquote section details summary dl dt dd hr".split()
)
#: Beside these stands an empty line.
_APART = frozenset("p div h1 h2 h3 h4 h5 h6 pre blockquote table section details".split())


def plain_steps(html: str, base: str) -> str:
    """The text of sanitised HTML. `base` is the address of this site, which addresses on it are given with."""
    reader = _Reader(base)
    reader.feed(html)
    reader.close()
    text = re.sub(r"(?<![ \t])[ \t]+\n", "\n", "".join(reader.parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._base = base
        self._lists: list[int | None] = []  # the number of the last item; None for a list without numbers
        self._links: list[tuple[str, int]] = []
        self._code = 0
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("ol", "ul"):
            self._line(apart=not self._lists)
            start = given.get("start") or "1"
            self._lists.append((int(start) if start.isdigit() else 1) - 1 if tag == "ol" else None)
        elif tag == "li":
            self._line()
            depth = "   " * (len(self._lists) - 1)
            number = self._lists[-1] if self._lists else None
            if number is not None:
                self._lists[-1] = number + 1
            self.parts.append(f"{depth}{number + 1}. " if number is not None else f"{depth}- ")
        elif tag == "br":
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" | " if self._cells else "")
            self._cells += 1
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.parts)))
        elif tag in _BLOCKS:
            self._line(apart=tag in _APART and not self._lists)
            self._code += tag == "pre"
            self._cells = 0

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ol", "ul") and self._lists:
            self._lists.pop()
        if tag == "a" and self._links:
            href, start = self._links.pop()
            address = urljoin(f"{self._base}/", href) if not href.startswith("#") else ""
            if address.startswith(("http://", "https://", "mailto:")) and "".join(self.parts[start:]) not in address:
                self.parts.append(f" ({address.removeprefix('mailto:')})")
        if tag in _BLOCKS:
            self._line(apart=tag in (*_APART, "ol", "ul") and not self._lists)
            self._code -= tag == "pre"

    def handle_data(self, data: str) -> None:
        if self._code:
            self.parts.append(data)
            return
        text = re.sub(r"\s+", " ", data)
        if not self.parts or self.parts[-1].endswith(("\n", ". ", "- ")):
            text = text.lstrip()
        if text:
            self.parts.append(text)

    def _line(self, *, apart: bool = False) -> None:
        """Begins a new line; the number of a step stays on the line of its first paragraph."""
        written = self.parts[-1] if self.parts else ""
        if not written or re.fullmatch(r" *(?:\d+\.|-) ", written):
            return
        if apart:
            self.parts.append("\n\n")
        elif not written.endswith("\n"):
            self.parts.append("\n")
