"""Passages and sections as a snapshot keeps them: one is read from its file when it is asked for.

An answer shows a handful of a million of them, and a start has no time to read any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, get_args, overload

import numpy as np
from numpy.typing import NDArray

from kb import arrays
from kb.errors import SnapshotDamaged
from kb.models import Article, Passage, Section, UnitKind

_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
_BODY = _KINDS.index("body")
#: Passages and articles that stay parsed; what is read again and again is among them.
_PASSAGES_HELD, _ARTICLES_HELD = 4_096, 512


@dataclass(frozen=True, slots=True)
class Entry:
    """An article, and the rows of the vector store that hold its passages. Its sections are read when asked for.

    The article of an opened snapshot has no body: `sections` are what it became.
    """

    article: Article
    rows: range
    read: Callable[[], tuple[Section, ...]]

    @classmethod
    def of(cls, article: Article, rows: range, sections: tuple[Section, ...]) -> Entry:
        """One whose sections are in memory already."""
        return cls(article, rows, lambda: sections)

    @property
    def sections(self) -> tuple[Section, ...]:
        """Raises SnapshotDamaged where the file was changed while it is in use."""
        return self.read()


class Passages(Sequence[Passage]):
    """All passages in row order, those of one article together.

    Of each, `owner` is the number of its article (int32), `is_body` whether it is no title and no author question, and
    `section` the index of its section (int32); these need no passage to be read.
    """

    def __init__(
        self,
        read: Callable[[int], Passage],
        owner: NDArray[np.int32],
        kinds: NDArray[np.uint8],
        section: NDArray[np.int32],
    ) -> None:
        self._read, self.owner, self.section = read, owner, section
        self._kinds, self.is_body = kinds, kinds == _BODY

    @classmethod
    def of(cls, passages: Sequence[Passage], owner: NDArray[np.int32]) -> Passages:
        """Those that are in memory already."""
        columns = _columns(passages)
        return cls(passages.__getitem__, owner, columns["kind"], columns["section"])

    def kind(self, row: int) -> UnitKind:
        return _KINDS[int(self._kinds[row])]

    def __len__(self) -> int:
        return len(self.owner)

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[Passage, ...]: ...
    def __getitem__(self, row: int | slice) -> Passage | tuple[Passage, ...]:
        if isinstance(row, slice):
            return tuple(self._read(each) for each in range(*row.indices(len(self))))
        return self._read(range(len(self))[row])

    def __iter__(self) -> Iterator[Passage]:
        return map(self._read, range(len(self)))


class Lines:
    """A file of JSON, one value a line, each read where `at` (int64, one more than there are lines) says."""

    def __init__(self, path: Path, at: NDArray[np.int64]) -> None:
        self._path, self._at = path, at
        try:
            self._held = arrays.mapped(path)
        except OSError as error:
            raise SnapshotDamaged(f"{path} cannot be read: {error}. Build the snapshot again.") from error
        if not len(at) or at[-1] != len(self._held):
            raise SnapshotDamaged(f"{path} is not as long as it was when it was built. Build the snapshot again.")

    def __len__(self) -> int:
        return len(self._at) - 1

    def __getitem__(self, number: int) -> Any:
        try:
            return json.loads(self._held[self._at[number] : self._at[number + 1]])
        except ValueError as error:
            raise SnapshotDamaged(f"{self._path}, line {number + 1}: {error}. Build the snapshot again.") from error


def write(folder: Path, articles: Iterable[tuple[Article, Sequence[Section], Sequence[Passage]]]) -> tuple[int, int]:
    """Writes the sections and passages of articles, one after another; returns how many articles and passages."""
    pages, lines = [0], [0]
    columns: list[dict[str, NDArray[Any]]] = []
    sizes: list[int] = []
    with (folder / "sections.jsonl").open("wb") as of_sections, (folder / "passages.jsonl").open("wb") as of_passages:
        for _, sections, passages in articles:
            pages.append(pages[-1] + of_sections.write(_line([asdict(section) for section in sections])))
            for passage in passages:
                lines.append(lines[-1] + of_passages.write(_line(asdict(passage))))
            columns.append(_columns(passages))
            sizes.append(len(passages))
    joined = {name: np.concatenate([empty, *(each[name] for each in columns)]) for name, empty in _columns(()).items()}
    owner = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    places = {"section_at": np.array(pages, np.int64), "passage_at": np.array(lines, np.int64)}
    arrays.write(folder / "rows.arrays", {"owner": owner, **joined, **places})
    return len(sizes), len(owner)


def read(folder: Path, articles: Sequence[Article]) -> tuple[tuple[Entry, ...], Passages]:
    """What `write` wrote, beside the articles it was given. Raises SnapshotDamaged."""
    held = arrays.read(folder / "rows.arrays", "owner", "kind", "section", "section_at", "passage_at")
    pages, lines = (
        Lines(folder / "sections.jsonl", held["section_at"]),
        Lines(folder / "passages.jsonl", held["passage_at"]),
    )

    @lru_cache(_ARTICLES_HELD)
    def sections(number: int) -> tuple[Section, ...]:
        return tuple(
            Section(**{**row, "heading_path": tuple(row["heading_path"]), "lines": tuple(row["lines"])})
            for row in pages[number]
        )

    @lru_cache(_PASSAGES_HELD)
    def passage(number: int) -> Passage:
        row = lines[number]
        return Passage(**{**row, "heading_path": tuple(row["heading_path"]), "lines": tuple(row["lines"])})

    ends = np.searchsorted(held["owner"], np.arange(len(articles)), side="right").tolist()
    entries = tuple(
        Entry(article, range(start, end), partial(sections, number))
        for number, (article, start, end) in enumerate(zip(articles, [0, *ends], ends, strict=False))
    )
    return entries, Passages(passage, held["owner"], held["kind"], held["section"])


def _columns(passages: Sequence[Passage]) -> dict[str, NDArray[Any]]:
    return {
        "kind": np.array([_KINDS.index(passage.kind) for passage in passages], np.uint8),
        "section": np.array([passage.section for passage in passages], np.int32),
    }


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
