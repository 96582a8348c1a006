"""The attacks in `corpus/`: a file has its sources at the top, then one attack below each line `--- name`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CORPUS = Path(__file__).parent / "corpus"
#: A character that no editor shows, as `{U+202E}`.
_WRITTEN = re.compile(r"\{U\+([0-9A-F]{4,6})\}")
#: What a parser of Markdown or HTML may read on into what stands below.
_OPENS = re.compile(
    r"<!|<\?|<(script|style|pre|textarea|title|plaintext|xmp|iframe|noscript|noembed|noframes|svg|math|select|"
    r"template|table|div|listing|form|audio|video|object|frameset|dialog|marquee|portal|body|xss)|```|^[ >!|]",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Vector:
    """`name` is file and attack: `svg/onload`."""

    name: str
    text: str

    @property
    def swallows(self) -> bool:
        """Whether it may take what stands below it for a part of itself."""
        return bool(_OPENS.search(self.text))


@cache
def vectors() -> tuple[Vector, ...]:
    found = []
    for file in sorted(_CORPUS.glob("*.txt")):
        for part in file.read_text(encoding="utf-8").split("\n--- ")[1:]:
            name, _, text = part.partition("\n")
            plain = _WRITTEN.sub(lambda match: chr(int(match[1], 16)), text.removesuffix("\n"))
            found.append(Vector(f"{file.stem}/{name}", plain))
    return tuple(found)
