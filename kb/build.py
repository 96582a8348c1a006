"""Builds a snapshot from a source of articles and switches to it. Reads top to bottom."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from kb import analysis, published, topics
from kb.articles import load, source_files
from kb.embedding import Embedder, Vectors, open_encoder
from kb.errors import DataFolderError, SnapshotError, SourceError
from kb.export import prepare
from kb.fit import fit
from kb.history import history
from kb.lexical import Bm25
from kb.links import PICTURE_TYPES, Resolver
from kb.markdown import Targets, render
from kb.models import Article, Passage, Section, Skipped
from kb.passages import article_terms, split
from kb.routing import AUTO, models_for, readers
from kb.scratch import scratch
from kb.snapshot import (
    Snapshot,
    calibrate,
    current_id,
    open_snapshot,
    snapshots_folder,
    write_snapshot,
)
from kb.trained import current as trained_encoder
from kb.vector_cache import VectorCache, cache_file
from kb.vectors import FaissStore

_EMBED_AT_ONCE = 64

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What a build depends on besides the articles."""

    model: str = AUTO
    default_lang: str = "en"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `embedded` counts the texts that went through the encoder; `files` = articles + skipped."""

    snapshot: str
    articles: int
    skipped: tuple[Skipped, ...]
    passages: int
    embedded: int
    changed: bool

    @property
    def files(self) -> int:
        return self.articles + len(self.skipped)


@dataclass(slots=True)
class _Prepared:
    """Articles with their sections and passages, in the order of the rows."""

    rows: list[tuple[Article, tuple[Section, ...], list[Passage]]] = field(default_factory=list)

    @property
    def passages(self) -> list[Passage]:
        return [passage for _, _, passages in self.rows for passage in passages]


def build(
    source: Path,
    data: Path,
    settings: BuildSettings,
    *,
    created: str,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Makes the snapshot of `source` the current one of `data`; arguments and errors as of `make`."""
    report = make(source, data, settings, created=created, progress=progress)
    publish(data, report.snapshot)
    return report


def make(
    source: Path,
    data: Path,
    settings: BuildSettings,
    *,
    created: str,
    progress: Progress = lambda stage, done, total: None,
    into: Path | None = None,
) -> BuildReport:
    """Writes the snapshot of `source` into `data`, embedding only texts not embedded before; the one in use stays.

    Nothing is written where nothing changed. Killed at any moment, it leaves the snapshot in use untouched. `created`
    is the time written into the manifest (ISO 8601). One that is not meant to be published goes `into` another folder
    than those that are. Raises SourceError, EvaluationFileError, EncoderError or DataFolderError.
    """
    source_files(source)  # a wrong path is told before the encoder is exported
    with _writing(data):
        return _make(source, data, settings, created, progress, into or snapshots_folder(data))


def publish(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot of `data` the one in use, and removes old ones. Raises SnapshotError or DataFolderError."""
    with _writing(data):
        published.publish(data, snapshot_id)


def take_back(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot that was published before the one in use again. Raises SnapshotError or DataFolderError."""
    with _writing(data):
        published.take_back(data, snapshot_id)


def _make(
    source: Path, data: Path, settings: BuildSettings, created: str, progress: Progress, snapshots: Path
) -> BuildReport:
    loaded = load(source, default_lang=settings.default_lang, on_file=lambda path: progress("Reading", 0, 0))
    if not loaded.articles:
        reasons = Counter(entry.reason for entry in loaded.skipped)
        listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.items()) or "no Markdown files"
        raise SourceError(f"{source} holds no article ({listed}). The snapshot in use stays as it is.")
    past = history(source)
    articles = tuple(past.of(article) for article in loaded.articles)
    models = models_for(settings.model, (article.lang for article in articles))
    names = [str(trained_encoder(data, model) or model) for model in models]
    folders = [prepare(name, data / "cache" / "encoders", lambda stage: progress(stage, 0, 0)) for name in names]
    embedders = [open_encoder(folder, threads=os.cpu_count() or 1) for folder in folders]
    inputs = {
        "source": fingerprint_source(source, data),
        "history": fingerprint_history(articles),
        "encoders": " ".join(embedder.fingerprint for embedder in embedders),
        "default_lang": settings.default_lang,
        "code": _fingerprint_code(),
    }
    snapshot_id = hashlib.sha256(repr(sorted(inputs.items())).encode()).hexdigest()[:16]
    folder = snapshots / snapshot_id
    if known := _known(folder):
        return _report(known, embedded=0, changed=_current_or_none(data) != snapshot_id)

    resolver = Resolver.of(source if source.is_dir() else None, articles)
    prepared = _prepare(articles, resolver, embedders, progress)
    with VectorCache(cache_file(data)) as cache:
        made_by = [_read(prepared, embedder, embedders, cache, progress) for embedder in embedders]

    progress("Writing", 0, 0)
    snapshots.mkdir(parents=True, exist_ok=True)
    with scratch(snapshots, ".building-") as temporary:
        made = temporary / snapshot_id
        made.mkdir()
        write_snapshot(
            made,
            snapshot_id=snapshot_id,
            articles=prepared.rows,
            skipped=loaded.skipped,
            encoders=[
                (encoder, embedder, FaissStore.of(vectors))
                for encoder, embedder, (vectors, _) in zip(folders, embedders, made_by, strict=True)
            ],
            words=Bm25.of([article_terms(article, passages) for article, _, passages in prepared.rows]),
            units=Bm25.of(
                [
                    analysis.terms(passage.embedded, (article.lang,))
                    for article, _, passages in prepared.rows
                    for passage in passages
                ]
            ),
            pictures=resolver.pictures,
            topics=loaded.topics,
            created=created,
            inputs=inputs,
        )
        snapshot = open_snapshot(made)
        progress("Calibrating", 0, 0)
        calibrate(made, asdict(fit(snapshot)))
        if folder.exists() and not _known(folder):  # damaged
            shutil.rmtree(folder, ignore_errors=True)
        try:
            made.rename(folder)
        except OSError:
            if not _known(folder):  # else another builder was faster: equal ids have equal content
                raise
    return _report(snapshot, embedded=sum(count for _, count in made_by), changed=True)


def _read(
    prepared: _Prepared, embedder: Embedder, among: Sequence[Embedder], cache: VectorCache, progress: Progress
) -> tuple[Vectors, int]:
    """As `embed`, with rows of zeros for articles in languages this encoder does not read."""
    langs = [article.lang for article, _, passages in prepared.rows for _ in passages]
    mine = {lang: embedder in readers(among, lang) for lang in set(langs)}
    rows = np.array([row for row, lang in enumerate(langs) if mine[lang]], np.int64)
    passages = prepared.passages
    vectors = np.zeros((len(passages), embedder.dimension), np.float32)
    vectors[rows], embedded = embed([passages[row] for row in rows], embedder, cache, progress)
    return vectors, embedded


def embed(
    passages: Sequence[Passage],
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Vectors, int]:
    """Vectors of all passages, float32 of shape (len(passages), dimension), and how many texts had to be embedded.

    Author questions are read as questions, since questions are what they are compared with.
    """
    roles = ["query" if passage.kind == "question" else "passage" for passage in passages]
    keys = [
        cache.key(embedder.fingerprint, role, passage.embedded) for role, passage in zip(roles, passages, strict=True)
    ]
    vectors = np.empty((len(passages), embedder.dimension), np.float32)
    missing: dict[bytes, list[int]] = {}
    for row, key in enumerate(keys):
        if (vector := cache.get(key)) is not None:
            vectors[row] = vector
        else:
            missing.setdefault(key, []).append(row)
    # Texts of one length together fill a batch without padding.
    order = sorted(missing, key=lambda key: len(passages[missing[key][0]].embedded))
    for start in range(0, len(order), _EMBED_AT_ONCE):
        progress("Embedding", start, len(order))
        batch = order[start : start + _EMBED_AT_ONCE]
        for role, method in (("query", embedder.embed_queries), ("passage", embedder.embed_passages)):
            part = [key for key in batch if roles[missing[key][0]] == role]
            if not part:
                continue
            made = method([passages[missing[key][0]].embedded for key in part])
            cache.put(part, made)
            for key, vector in zip(part, made, strict=True):
                vectors[missing[key]] = vector
    progress("Embedding", len(order), len(order))
    return vectors, len(order)


def _prepare(
    articles: Sequence[Article], resolver: Resolver, embedders: Sequence[Embedder], progress: Progress
) -> _Prepared:
    counts = {id(embedder): lru_cache(maxsize=4096)(embedder.count_tokens) for embedder in embedders}
    prepared = _Prepared()
    for number, article in enumerate(articles):
        progress("Splitting", number, len(articles))

        def link(href: str, article: Article = article) -> str:
            return resolver.link(article, href)

        def picture(src: str, article: Article = article) -> str:
            return resolver.picture(article, src)

        def include(path: str, article: Article = article) -> str | None:
            return resolver.fragment(article, path)

        rendered = render(
            article.body, first_line=article.body_line, lang=article.lang, targets=Targets(link, picture, include)
        )
        reader = readers(embedders, article.lang)[0]
        passages = split(article, rendered, counts[id(reader)], reader.max_tokens)
        prepared.rows.append((article, rendered.sections, passages))
    return prepared


# --- identity ----------------------------------------------------------------------------------------------------


def fingerprint_source(source: Path, data: Path) -> str:
    """Of every file a build may read: Markdown and pictures by relative path and content, or the one JSONL file.

    A data folder within the source does not count: each build would change what the next one reads. A source may lie
    within the data folder, where what is published was fetched to.
    """
    digest = hashlib.sha256()
    if source.is_file():
        digest.update(source.read_bytes())
        return digest.hexdigest()[:16]
    suffixes = {".md", ".markdown", *PICTURE_TYPES}
    source, own = source.resolve(), data.resolve()
    for path in sorted(source.rglob("*")):
        named = path.suffix.lower() in suffixes or path == source / topics.FILE
        ours = own.is_relative_to(source) and path.is_relative_to(own)
        if not named or ours or not path.is_file():
            continue
        digest.update(os.fsencode(path.relative_to(source)) + b"\0")
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:  # told as a skipped file when it is loaded
            digest.update(type(error).__name__.encode())
    return digest.hexdigest()[:16]


def fingerprint_history(articles: Sequence[Article]) -> str:
    """Of when each article was changed and by whom: a commit of what was there before changes no file."""
    told = [(article.path, article.changed, article.team) for article in articles]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def fingerprint_basis(data: Path, settings: BuildSettings) -> str:
    """Of all a build depends on besides the source: 16 hexadecimal digits, known in milliseconds."""
    trained = [path.read_bytes() for path in sorted((data / "trained").glob("*/current"))]
    told = [settings.model, settings.default_lang, _fingerprint_code(), *trained]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _fingerprint_code() -> str:
    """Of this package: a snapshot is a function of its inputs and of the code that made it."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _writing(data: Path) -> Iterator[None]:
    """Raises DataFolderError for whatever the disk refuses."""
    try:
        yield
    except OSError as error:
        raise DataFolderError(
            f"{error.filename or data} cannot be written: {error.strerror or error}. "
            f"{data} has to be a folder this user may write to, with room on its disk."
        ) from error
    except sqlite3.Error as error:
        raise DataFolderError(f"{cache_file(data)} cannot be used: {error}. It is only a cache: delete it.") from error


def _current_or_none(data: Path) -> str | None:
    try:
        return current_id(data)
    except SnapshotError:
        return None


def _known(folder: Path) -> Snapshot | None:
    """The snapshot in `folder` if it is there and whole."""
    try:
        return open_snapshot(folder)
    except SnapshotError:
        return None


def _report(snapshot: Snapshot, *, embedded: int, changed: bool) -> BuildReport:
    return BuildReport(
        snapshot=snapshot.id,
        articles=len(snapshot.entries),
        skipped=snapshot.skipped,
        passages=len(snapshot.passages),
        embedded=embedded,
        changed=changed,
    )
