"""Builds a snapshot from a source of articles and switches to it. Reads top to bottom."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kb import published, topics
from kb.articles import load, source_files
from kb.embedding import Embedder, open_encoder
from kb.errors import DataFolderError, SnapshotError, SourceError
from kb.export import prepare
from kb.fit import fit
from kb.history import history
from kb.lexical import Bm25
from kb.links import PICTURE_TYPES, Resolver
from kb.models import Article, Skipped
from kb.place import FolderPlace, Place
from kb.quantised import store_of
from kb.routing import AUTO, models_for
from kb.scratch import scratch
from kb.search import Searcher
from kb.sheets import Cutter, Progress, embed_sheets
from kb.snapshot import (
    Snapshot,
    complete,
    current_id,
    open_snapshot,
    snapshots_folder,
    write_snapshot,
)
from kb.trained import current as trained_encoder
from kb.vector_cache import VectorCache, cache_file


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


def build(
    source: Path,
    data: Path,
    settings: BuildSettings,
    *,
    created: str,
    progress: Progress = lambda stage, done, total: None,
    place: Place | None = None,
) -> BuildReport:
    """Makes the snapshot of `source` the current one of `place`, which is `data` itself where none is given.

    Arguments and errors as of `make`, and those of the place.
    """
    report = make(source, data, settings, created=created, progress=progress)
    publish(data, report.snapshot, place)
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
    with writing(data):
        return _make(source, data, settings, created, progress, into or snapshots_folder(data))


def publish(data: Path, snapshot_id: str, place: Place | None = None) -> None:
    """Makes a snapshot of `data` the one in use, and removes old ones. Raises SnapshotError or DataFolderError."""
    with writing(data):
        (place or FolderPlace(data)).publish(snapshot_id)


def take_back(data: Path, snapshot_id: str, place: Place | None = None) -> None:
    """Makes a snapshot that was published before the one in use again. Raises SnapshotError or DataFolderError."""
    with writing(data):
        (place or FolderPlace(data)).take_back(snapshot_id)


def _make(
    source: Path, data: Path, settings: BuildSettings, created: str, progress: Progress, snapshots: Path
) -> BuildReport:
    loaded = load(source, default_lang=settings.default_lang, on_file=lambda path: progress("Reading", 0, 0))
    if not loaded.articles:
        raise SourceError(f"{nothing_found(source, loaded.skipped)} The snapshot in use stays as it is.")
    past = history(source)
    articles = tuple(past.of(article) for article in loaded.articles)
    models = models_for(settings.model, (article.lang for article in articles))
    folders, embedders = open_encoders(data, models, progress)
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
    cutter = Cutter(embedders)
    sheets = []
    for number, article in enumerate(articles):
        progress("Splitting", number, len(articles))
        sheets.append(cutter.sheet(article, resolver))
    with VectorCache(cache_file(data)) as cache:
        made_by = [embed_sheets(sheets, embedder, embedders, cache, progress) for embedder in embedders]

    progress("Writing", 0, 0)
    snapshots.mkdir(parents=True, exist_ok=True)
    with scratch(snapshots, ".building-") as temporary:
        made = temporary / snapshot_id
        made.mkdir()
        write_snapshot(
            made,
            snapshot_id=snapshot_id,
            articles=[(sheet.article, sheet.sections, sheet.passages) for sheet in sheets],
            skipped=loaded.skipped,
            encoders=[
                (encoder, embedder, store_of(vectors))
                for encoder, embedder, (vectors, _) in zip(folders, embedders, made_by, strict=True)
            ],
            words=Bm25.of([sheet.words for sheet in sheets]),
            units=Bm25.of([terms for sheet in sheets for terms in sheet.units]),
            pictures=resolver.pictures,
            topics=loaded.topics,
            created=created,
            inputs=inputs,
        )
        snapshot = open_snapshot(made)
        progress("Calibrating", 0, 0)
        complete(made, asdict(fit(snapshot)), Searcher(snapshot).heads())
        with published.switching(
            data
        ):  # of two builders that find a damaged one, the second must not remove a good one
            if folder.exists() and not _known(folder):
                shutil.rmtree(folder, ignore_errors=True)
            try:
                made.rename(folder)
            except OSError:
                if not _known(folder):  # else another builder was faster: equal ids have equal content
                    raise
    return _report(snapshot, embedded=sum(count for _, count in made_by), changed=True)


def nothing_found(source: Path, skipped: Sequence[Skipped]) -> str:
    """What to say of a source none of whose files is an article."""
    reasons = Counter(entry.reason for entry in skipped)
    listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.items()) or "no Markdown files"
    return f"{source} holds no article ({listed})."


def open_encoders(
    data: Path, models: Sequence[str], progress: Progress = lambda stage, done, total: None
) -> tuple[list[Path], list[Embedder]]:
    """The folders of exported encoders and what opens them, one a model; exports those that were not yet.

    A model that was trained for this data folder takes the place of the one it comes from. Raises EncoderError.
    """
    names = [str(trained_encoder(data, model) or model) for model in models]
    folders = [prepare(name, data / "cache" / "encoders", lambda stage: progress(stage, 0, 0)) for name in names]
    return folders, [open_encoder(folder, threads=os.cpu_count() or 1) for folder in folders]


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
def writing(data: Path) -> Iterator[None]:
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
