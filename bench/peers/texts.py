"""What the peers index: pieces of articles, since all-MiniLM-L6-v2 reads no more than 256 tokens of a text.

Knows nothing of Firstline, so that a peer's process holds only what it needs itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

CHUNK_WORDS = 150


def chunks(title: str, body: str) -> Iterator[str]:
    """The body in runs of 150 words, each with the title in front."""
    words = body.split()
    for start in range(0, max(1, len(words)), CHUNK_WORDS):
        yield f"{title}\n{' '.join(words[start : start + CHUNK_WORDS])}"


def read(articles: Path) -> tuple[list[str], list[str]]:
    """All pieces of a JSONL file of articles, and beside each the id of its article."""
    ids: list[str] = []
    pieces: list[str] = []
    with articles.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for piece in chunks(row["title"], row["body"]):
                ids.append(row["id"])
                pieces.append(piece)
    return ids, pieces
