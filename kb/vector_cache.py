"""Vectors of texts that were embedded before, so that a build embeds only what changed."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType

import numpy as np

from kb.embedding import Vectors

_log = logging.getLogger(__name__)


def cache_file(data: Path) -> Path:
    """The file of vectors of a data folder. It may be deleted at any time."""
    return data / "cache" / "vectors.db"


class VectorCache:
    """A SQLite file of vectors by encoder and text. Each `put` is durable, so a killed build resumes where it was."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
        )

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @staticmethod
    def key(fingerprint: str, role: str, text: str) -> bytes:
        """Names one vector: which encoder, read as "query" or "passage", of which text."""
        return hashlib.sha256(f"{fingerprint}\0{role}\0{text}".encode()).digest()

    def get(self, key: bytes) -> Vectors | None:
        """float32 of shape (dimension,), or None where it is not known."""
        row = self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)

    def put(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)],
            )


@contextmanager
def open_if_possible(file: Path | None) -> Iterator[VectorCache | None]:
    """The cache, or none where the disk does not let it be used: what it saves is time."""
    try:
        vectors = VectorCache(file) if file else None
    except (OSError, sqlite3.Error) as error:
        _log.warning("vectors are computed anew, %s cannot be used: %s", file, error)
        vectors = None
    with vectors or nullcontext():
        yield vectors
