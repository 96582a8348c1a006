"""Where the `questions` and `not_for` entries of an article stand: in which file, on which line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml

Kind = Literal["question", "not_for"]

_KEYS: dict[str, Kind] = {"questions": "question", "not_for": "not_for"}


def place(path: str) -> tuple[str, int]:
    """The file that `Article.path` names, and the line in it where that is named too: of an object of a JSONL file."""
    file, _, line = path.rpartition(":")
    return (file, int(line)) if file.endswith(".jsonl") and line.isdecimal() else (path, 0)


def entry_lines(source: Path, shown: str) -> dict[tuple[Kind, int], int]:
    """The 1-based line of each entry of an article by kind and number, as far as it can be told.

    `shown` is `Article.path` of a Markdown file, below the folder `source`.
    """
    try:
        text = (source / shown).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):  # it was changed since it was indexed
        return {}
    lines = text.split("\n")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    try:
        node = yaml.compose("\n".join(lines[1:end]), Loader=yaml.CSafeLoader) if end else None
    except yaml.YAMLError:
        return {}
    if not isinstance(node, yaml.MappingNode):
        return {}
    found: dict[tuple[Kind, int], int] = {}
    for key, value in node.value:
        if kind := _KEYS.get(str(key.value)):
            listed = value.value if isinstance(value, yaml.SequenceNode) else [value]
            written = [one for one in listed if one.tag != "tag:yaml.org,2002:null" and str(one.value).strip()]
            found.update({(kind, number): one.start_mark.line + 2 for number, one in enumerate(written)})
    return found
