"""A snapshot: everything a server needs to answer, in one folder that never changes once written.

DATA/current                        the id of the snapshot in use (one line, replaced atomically)
DATA/snapshots/<id>/manifest.json   format, id, encoders, counts, skipped files, confidence, SHA-256 of all other files
                    articles.jsonl  articles without their text
                    sections.jsonl  their sections as sanitised HTML
                    passages.jsonl  passages in row order, those of one article together
                    rows.arrays     what is known of passages without reading them, and where each line begins
                    words.arrays, units.arrays          lexical indexes over articles and over passages
                    pictures/                     pictures the articles show
                    encoders/<name>/              graph, tokenizer, spec, vectors.faiss, head.arrays
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from kb import stored
from kb.calibrate import DEFAULT, Calibration
from kb.embedding import GRAPH_FILE, SPEC_FILE, TOKENIZER_FILE, Embedder, open_encoder, sha256_of
from kb.errors import EncoderError, SnapshotDamaged, SnapshotForeign, SnapshotMissing
from kb.head import Head
from kb.lexical import Bm25
from kb.models import PUBLIC, Article, ArticleKey, Passage, Section, Skipped, version_of
from kb.quantised import QuantisedStore, open_store
from kb.stored import Entry, Passages
from kb.topics import TopicNames
from kb.vectors import FaissStore, VectorStore

#: Opens the vectors of one encoder: their file, which has been verified, the snapshot's id, and the file's SHA-256.
OpenVectors = Callable[[Path, str, str], VectorStore]

FORMAT = 4
MANIFEST_FILE = "manifest.json"
VECTORS_FILE = "vectors.faiss"
HEAD_FILE = "head.arrays"
_PROGRAM = "firstline"
_MANIFEST_KEYS = ("id", "created", "encoders", "counts", "skipped", "files", "calibration", "topics")


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoder and the vectors it made: row n belongs to passage n.

    `heads` are those fitted when the snapshot was built, by what they were fitted on (`Schooled.of`).
    """

    embedder: Embedder
    vectors: VectorStore
    heads: Mapping[bytes, Head] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """An opened snapshot. Texts and pictures are read when they are asked for, the rest is in memory.

    `owner` has one entry a passage: the number of its article in `entries`. `languages` are those articles are written
    in, the one with most articles first; `pictures` the files of those they show, by name.
    """

    id: str
    folder: Path
    manifest: dict[str, Any]
    entries: tuple[Entry, ...]
    passages: Passages
    owner: NDArray[np.int32]
    encoders: tuple[Encoded, ...]
    words: Bm25
    units: Bm25
    by_key: dict[ArticleKey, int]
    languages: tuple[str, ...]
    calibration: Calibration
    pictures: Mapping[str, Path]

    def __repr__(self) -> str:
        return f"<Snapshot {self.id}: {len(self.entries)} articles, {len(self.passages)} passages>"

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        rows = self.manifest["skipped"]  # those of an older snapshot name no audiences
        return tuple(Skipped(**{**row, "audiences": tuple(row.get("audiences", (PUBLIC,)))}) for row in rows)

    def entry(self, key: ArticleKey) -> Entry | None:
        number = self.by_key.get(key)
        return None if number is None else self.entries[number]

    @property
    def topics(self) -> TopicNames:
        """The names that the source gives its topics."""
        return cast(TopicNames, self.manifest["topics"])

    def picture(self, name: str) -> Path | None:
        """The file of a picture, or None for a name that none has."""
        return self.pictures.get(name)


def snapshots_folder(data: Path) -> Path:
    return data / "snapshots"


def current_id(data: Path) -> str:
    """The id of the snapshot in use. Raises SnapshotMissing where none was built."""
    try:
        return (data / "current").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SnapshotMissing(
            f"{data} holds no snapshot yet. Build one first: firstline index ARTICLES --data {data}, or firstline pull"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotDamaged(f"{data / 'current'} cannot be read: {error}. Build the snapshot again.") from error


def switch(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot the one in use; readers see the old id or the new one, never half of either."""
    temporary = data / f".current-{os.getpid()}"
    with temporary.open("w", encoding="ascii") as file:
        file.write(snapshot_id + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, data / "current")  # noqa: PTH105 - the atomic one
    _sync_folder(data)


def open_current(data: Path) -> Snapshot:
    """The snapshot in use, verified. Raises SnapshotMissing, SnapshotDamaged or SnapshotForeign."""
    return open_snapshot(snapshots_folder(data) / current_id(data))


def open_snapshot(folder: Path, vectors: OpenVectors | None = None) -> Snapshot:
    """Opens and verifies a snapshot: format, the hash of every file, counts, dimensions.

    Its vectors are read from their files, unless `vectors` opens them elsewhere.

    Raises SnapshotMissing, SnapshotForeign or SnapshotDamaged, each naming the file and what to do.
    """
    manifest = read_manifest(folder)
    with ThreadPoolExecutor(1) as pool:  # a hash needs a processor and no Python: reading goes on meanwhile
        verified = pool.submit(_verify, folder, manifest["files"])
        try:
            return _open(folder, manifest, vectors, verified.result)
        finally:
            verified.result()  # says more exactly what is wrong


def _verify(folder: Path, files: Mapping[str, str]) -> None:
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise SnapshotDamaged(f"{path} is missing. Build the snapshot again with firstline index.")
        if sha256_of(path) != expected:
            raise SnapshotDamaged(f"{path} was changed after it was built. Build the snapshot again.")


def _open(
    folder: Path, manifest: dict[str, Any], vectors: OpenVectors | None, verified: Callable[[], None]
) -> Snapshot:
    """`verified` returns once all files are what they were: what C++ reads must be, or the process may die of it."""
    entries, passages = stored.read(folder, _read_articles(folder))
    words, units = Bm25.open(folder / "words.arrays"), Bm25.open(folder / "units.arrays")
    verified()
    encoders = tuple(_open_encoder(folder, row, manifest, vectors) for row in manifest["encoders"])
    snapshot = Snapshot(
        id=manifest["id"],
        folder=folder,
        manifest=manifest,
        entries=entries,
        passages=passages,
        owner=passages.owner,
        encoders=encoders,
        words=words,
        units=units,
        by_key={entry.article.key: n for n, entry in enumerate(entries)},
        languages=languages_of(entries),
        calibration=_calibration(folder, manifest),
        pictures={
            name.removeprefix("pictures/"): folder / name for name in manifest["files"] if name.startswith("pictures/")
        },
    )
    _check_counts(snapshot)
    return snapshot


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot. Raises SnapshotMissing, SnapshotForeign or SnapshotDamaged."""
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SnapshotMissing(f"{folder} holds no snapshot ({MANIFEST_FILE} is missing).") from error
    except (OSError, ValueError) as error:
        raise SnapshotDamaged(f"{path} cannot be read: {error}. Build the snapshot again.") from error
    if not isinstance(manifest, dict) or manifest.get("program") != _PROGRAM:
        raise SnapshotForeign(f"{path} was not written by Firstline.")
    if manifest.get("format") != FORMAT:
        raise SnapshotForeign(
            f"{path} has format {manifest.get('format')}, this version reads format {FORMAT}. "
            "Build the snapshot again with firstline index."
        )
    if missing := [key for key in _MANIFEST_KEYS if key not in manifest]:
        raise SnapshotDamaged(f"{path} has no {', '.join(missing)}. Build the snapshot again.")
    return manifest


def write_snapshot(
    folder: Path,
    *,
    snapshot_id: str,
    articles: Sequence[tuple[Article, Sequence[Section], Sequence[Passage]]],
    skipped: Sequence[Skipped],
    encoders: Sequence[tuple[Path, Embedder, VectorStore]],
    words: Bm25,
    units: Bm25,
    pictures: dict[str, Path],
    topics: TopicNames,
    created: str,
    inputs: dict[str, str],
) -> None:
    """Writes all files of a snapshot, the manifest last, and has the disk keep them. `folder` exists and is empty."""
    _write_lines(
        folder / "articles.jsonl",
        ({**asdict(article), "version": version_of(article), "body": ""} for article, _, _ in articles),
    )
    stored.write(folder, articles)
    words.save(folder / "words.arrays")
    units.save(folder / "units.arrays")
    (folder / "pictures").mkdir()
    for name, path in pictures.items():
        shutil.copyfile(path, folder / "pictures" / name)
    for source, embedder, vectors in encoders:
        target = folder / "encoders" / embedder.name
        target.mkdir(parents=True)
        for name in (GRAPH_FILE, TOKENIZER_FILE, SPEC_FILE):
            if (source / name).is_file():
                shutil.copyfile(source / name, target / name)
        assert isinstance(vectors, FaissStore | QuantisedStore)  # noqa: S101 - those that live in a folder
        vectors.save(target / VECTORS_FILE)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "program": _PROGRAM,
        "format": FORMAT,
        "id": snapshot_id,
        "created": created,
        "inputs": inputs,
        "encoders": [{"name": e.name, "fingerprint": e.fingerprint, "dimension": e.dimension} for _, e, _ in encoders],
        "counts": {
            "files": len(articles) + len(skipped),
            "articles": len(articles),
            "skipped": len(skipped),
            "passages": sum(len(passages) for _, _, passages in articles),
        },
        "skipped": [asdict(entry) for entry in skipped],
        "topics": topics,
        "calibration": {"shift": 0.0},
        "files": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
    }
    _write_manifest(folder, manifest)
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def complete(folder: Path, calibration: Mapping[str, Any], heads: Mapping[str, tuple[bytes, Head]]) -> None:
    """Adds to a snapshot what can only be known by searching it.

    `calibration` is how sure it may be, `shift`, and beside it what that comes from; `heads` are those of encoders by
    name, with what they were fitted on. Raises SnapshotMissing, SnapshotForeign or SnapshotDamaged.
    """
    manifest = read_manifest(folder)
    files = dict(manifest["files"])
    for name, (of, head) in heads.items():
        path = folder / "encoders" / name / HEAD_FILE
        head.save(path, of)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[path.relative_to(folder).as_posix()] = sha256_of(path)
    _write_manifest(folder, {**manifest, "calibration": dict(calibration), "files": dict(sorted(files.items()))})


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    path = folder / MANIFEST_FILE
    with path.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def languages_of(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The languages articles are written in, the one with most articles first."""
    counts = Counter(entry.article.lang for entry in entries)
    return tuple(sorted(counts, key=lambda lang: (-counts[lang], lang)))


# --- reading -----------------------------------------------------------------------------------------------------


def _read_articles(folder: Path) -> list[Article]:
    lists = ("questions", "not_for", "keywords", "redirect_from")
    return [
        Article(**{**values, **{name: tuple(values[name]) for name in lists}})
        for values in _read_lines(folder / "articles.jsonl")
    ]


def _calibration(folder: Path, manifest: Mapping[str, Any]) -> Calibration:
    found = manifest["calibration"]
    shift = found.get("shift") if isinstance(found, dict) else None
    if isinstance(shift, bool) or not isinstance(shift, int | float) or not math.isfinite(shift):
        raise SnapshotDamaged(
            f"{folder / MANIFEST_FILE}: calibration.shift is {shift!r}, expected a number. Build the snapshot again."
        )
    return DEFAULT.shifted(shift)


def _open_encoder(
    snapshot: Path, row: dict[str, Any], manifest: dict[str, Any], vectors: OpenVectors | None
) -> Encoded:
    folder = snapshot / "encoders" / row["name"]
    try:
        embedder = open_encoder(folder)
    except EncoderError as error:
        raise SnapshotDamaged(str(error)) from error
    if embedder.fingerprint != row["fingerprint"]:
        raise SnapshotDamaged(
            f"{folder} holds the encoder {embedder.name} {embedder.fingerprint}, "
            f"the manifest names {row['fingerprint']}. Build the snapshot again."
        )
    heads = dict([Head.open(folder / HEAD_FILE)]) if (folder / HEAD_FILE).is_file() else {}
    file = folder / VECTORS_FILE
    if vectors is None:
        return Encoded(embedder, open_store(file), heads)
    sha256 = manifest["files"][file.relative_to(snapshot).as_posix()]
    return Encoded(embedder, vectors(file, manifest["id"], sha256), heads)


def _check_counts(snapshot: Snapshot) -> None:
    counts = snapshot.manifest["counts"]
    found = {"articles": len(snapshot.entries), "passages": len(snapshot.passages)}
    for name, number in found.items():
        if counts[name] != number:
            raise SnapshotDamaged(
                f"{snapshot.folder} holds {number} {name}, its manifest says {counts[name]}. Build it again."
            )
    for encoded in snapshot.encoders:
        if encoded.vectors.size != len(snapshot.passages) or encoded.vectors.dimension != encoded.embedder.dimension:
            raise SnapshotDamaged(
                f"{snapshot.folder}: the vectors of {encoded.embedder.name} are "
                f"{encoded.vectors.size} × {encoded.vectors.dimension}, expected {len(snapshot.passages)} × "
                f"{encoded.embedder.dimension}. Build it again."
            )


def _read_lines(path: Path) -> Iterable[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)
    except (OSError, ValueError) as error:
        raise SnapshotDamaged(f"{path} cannot be read: {error}. Build the snapshot again.") from error


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
