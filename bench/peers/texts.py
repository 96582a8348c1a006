"""What the peers index: whole articles or pieces of them. all-MiniLM-L6-v2 was trained to read 256 tokens of a text.

Knows nothing of Firstline, so that a peer's process holds only what it needs itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

_CHUNK_WORDS = 150


def chunks(title: str, body: str) -> Iterator[str]:
    """The body in runs of 150 words, each with the title in front."""
    words = body.split()
    for start in range(0, max(1, len(words)), _CHUNK_WORDS):
        yield f"{title}\n{' '.join(words[start : start + _CHUNK_WORDS])}"


def read(articles: Path, *, whole: bool = False) -> tuple[list[str], list[str]]:
    """All texts of a JSONL file of articles, and beside each the id of its article, ids first."""
    ids: list[str] = []
    texts: list[str] = []
    with articles.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for text in [f"{row['title']}\n{row['body']}"] if whole else chunks(row["title"], row["body"]):
                ids.append(row["id"])
                texts.append(text)
    return ids, texts
