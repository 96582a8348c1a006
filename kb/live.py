"""A knowledge base as its folder stands, in memory: looked at again after every change, and never written down.

Rendering, passages, vectors and heads are the same as a build makes; what did not change is kept from the look before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from kb import topics
from kb.articles import MARKDOWN_SUFFIXES, load, read_file
from kb.build import BuildSettings, nothing_found, open_encoders, writing
from kb.calibrate import DEFAULT, Calibration
from kb.embedding import Embedder, Vectors
from kb.errors import KbError, SourceError
from kb.history import History, history
from kb.lexical import Bm25
from kb.links import PICTURE_TYPES, Resolver
from kb.models import Article, ArticleKey, Loaded, Skipped
from kb.quantised import store_of
from kb.routing import models_for
from kb.search import Searcher
from kb.sheets import Cutter, Progress, Sheet, embed_sheets
from kb.snapshot import Encoded, Snapshot, languages_of
from kb.stored import Entry, Passages
from kb.vector_cache import VectorCache, cache_file

_SUFFIXES = frozenset({*MARKDOWN_SUFFIXES, *PICTURE_TYPES})
#: Tells one state of a file from another: when it was written and changed, its size, its number on the disk.
_Stamp = tuple[int, int, int, int]
#: How often is looked whether something was saved while texts are embedded, in seconds.
_LOOK_EVERY_S = 0.5


class _Saved(Exception):  # noqa: N818 - never leaves the module
    """Something was saved while texts were embedded."""


def _silent(_stage: str, _done: int, _total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Edition:
    """What a folder says at one moment.

    `sheets` are the articles by key in the order of their paths. `broken` has the files, by path, that cannot be used
    as they are now and whose last good version stands in `sheets`; `drafts` are the paths of articles that are not
    published yet. `changed` are the paths that differ from the edition before. `problem` is why the folder as a whole
    cannot be read; all else is then as it was before.
    """

    number: int
    sheets: dict[ArticleKey, Sheet]
    loaded: Loaded
    resolver: Resolver
    broken: dict[str, Skipped] = field(default_factory=dict)
    drafts: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    problem: str = ""

    def entry(self, key: ArticleKey) -> Entry | None:
        """An article to read; it has no rows, since nothing searches it here."""
        sheet = self.sheets.get(key)
        return Entry.of(sheet.article, range(0), sheet.sections) if sheet else None


@dataclass(frozen=True, slots=True)
class _File:
    """What a file was when it was read: `root` is as in kb.articles.read_file."""

    stamp: _Stamp
    root: int
    found: Article | Skipped
    draft: bool


class Live:
    """Follows one source. `look` and `catch_up` belong to one thread; `edition` and `searcher` may be read by any.

    Opening it reads and embeds everything; `drafts` has drafts be articles too. Vectors are kept in the cache of the
    data folder, which builds use; nothing else is written. Raises SourceError, EvaluationFileError, EncoderError or
    DataFolderError.
    """

    def __init__(
        self,
        source: Path,
        data: Path,
        settings: BuildSettings,
        *,
        drafts: bool = True,
        calibration: Calibration = DEFAULT,
        progress: Progress = _silent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source, self._clock = source, clock
        self._data, self._settings, self._drafts = data, settings, drafts
        self._progress: Progress = progress
        self._calibration = calibration
        self._files: dict[str, _File] = {}
        self._read_drafts: set[str] = set()
        self._stamps: dict[str, _Stamp] = {}
        self._models: tuple[str, ...] = ()
        self._embedders: Sequence[Embedder] = ()
        self._past = History()
        self._edited: set[str] = set()
        self._vectors: dict[ArticleKey, tuple[Sheet, list[Vectors]]] = {}
        self.edition = self._edition(None)
        self.searcher = self._searcher(None)
        self._progress = _silent  # nobody watches what takes milliseconds

    def look(self) -> Edition | None:
        """The next edition, with the articles that changed rendered; None where nothing did.

        What cannot be read at all is told in its `problem`. Raises EncoderError or DataFolderError where an article in
        a new language needs an encoder that cannot be had.
        """
        before = self.edition
        try:
            found = self._edition(before)
        except (KbError, OSError) as error:
            if not isinstance(error, SourceError | OSError) and not self.source.is_file():
                raise
            if str(error) == before.problem:
                return None
            found = replace(before, number=before.number + 1, changed=frozenset(), problem=str(error))
        if found is before:
            return None
        self.edition = found
        return found

    def catch_up(self) -> Searcher | None:
        """A searcher of the edition in use: embeds what is new in it.

        None where something was saved meanwhile: to embed a branch of hundreds of articles takes a minute, and what is
        written then is to be looked at first. What was embedded until then is in the cache.
        """
        if self.edition.number and not self.edition.problem:
            try:
                self.searcher = self._searcher(self.searcher)
            except _Saved:
                return None
        return self.searcher

    # --- reading -----------------------------------------------------------------------------------------------------

    def _edition(self, before: Edition | None) -> Edition:
        stamps = dict(_stamps(self.source, self._data.resolve()))
        changed = {path for path in stamps.keys() | self._stamps.keys() if stamps.get(path) != self._stamps.get(path)}
        if before and not changed and not before.problem:
            return before
        self._read_drafts = set()
        loaded = load(self.source, default_lang=self._settings.default_lang, read=self._read)
        articles, broken = self._with_last_good(loaded, before)
        if not articles:
            raise SourceError(nothing_found(self.source, loaded.skipped))
        articles = self._dated(articles, changed, before)
        self._take_encoders(articles)
        resolver = Resolver.of(self.source if self.source.is_dir() else None, articles)
        sheets = self._sheets(articles, resolver, changed, before)
        self._stamps = stamps
        self._files = {path: file for path, file in self._files.items() if path in stamps}
        number = before.number + 1 if before else 0
        drafts = frozenset(self._read_drafts)
        return Edition(number, sheets, loaded, resolver, broken, drafts, frozenset(changed) if before else frozenset())

    def _read(self, path: Path, relative: PurePosixPath, root: int, default_lang: str) -> Article | Skipped:
        """A file as it is now; one that did not change is not read again."""
        name = str(relative)
        try:
            stamp = _stamp(path.stat())
        except OSError:  # gone since the files were listed
            return Skipped(name, "unreadable", "it is not there any more")
        known = self._files.get(name)
        if known is None or (known.stamp, known.root) != (stamp, root):
            found = read_file(path, relative, root, default_lang)
            draft = self._drafts and isinstance(found, Skipped) and found.reason == "draft"
            if draft:
                found = read_file(path, relative, root, default_lang, drafts=True)
            known = self._files[name] = _File(stamp, root, found, draft)
        if known.draft:
            self._read_drafts.add(name)
        return known.found

    @staticmethod
    def _with_last_good(loaded: Loaded, before: Edition | None) -> tuple[list[Article], dict[str, Skipped]]:
        """The articles in the order of their paths, and which of them stand for files that are broken now."""
        articles = {article.key: article for article in loaded.articles}
        good = {sheet.article.path: sheet.article for sheet in before.sheets.values()} if before else {}
        broken: dict[str, Skipped] = {}
        for skipped in loaded.skipped:
            last = good.get(skipped.path)
            if last and not skipped.harmless and last.key not in articles:
                articles[last.key], broken[skipped.path] = last, skipped
        return sorted(articles.values(), key=lambda article: article.path), broken

    def _dated(self, articles: Sequence[Article], changed: set[str], before: Edition | None) -> list[Article]:
        """With team and last change: git is asked at the start and after changes of many files, such as a checkout."""
        if before is None or len(changed) > 1:
            self._past, self._edited = history(self.source), set()
        else:
            self._edited |= changed
        dated = (self._past.of(article) for article in articles)
        return [replace(each, changed="") if each.path in self._edited else each for each in dated]

    def _take_encoders(self, articles: Sequence[Article]) -> None:
        models = models_for(self._settings.model, (article.lang for article in articles))
        if models != self._models:
            with writing(self._data):
                _, self._embedders = open_encoders(self._data, models, self._progress)
            self._models, self._cutter, self._vectors = models, Cutter(self._embedders), {}

    def _sheets(
        self, articles: Sequence[Article], resolver: Resolver, changed: set[str], before: Edition | None
    ) -> dict[ArticleKey, Sheet]:
        known = before.sheets if before else {}
        # Where nothing but the text of articles changed, links and pictures of the others lead where they led.
        same = before is not None and before.resolver.articles == resolver.articles
        if before and same and changed <= resolver.articles.keys():
            resolver.pictures.update(before.resolver.pictures)
        else:
            same = False
        found: dict[ArticleKey, Sheet] = {}
        for number, article in enumerate(articles):
            self._progress("Splitting", number, len(articles))
            sheet = known.get(article.key)
            if sheet is None or sheet.article != article or not (same or sheet.holds(resolver)):
                sheet = self._cutter.sheet(article, resolver)
            found[article.key] = sheet
        return found

    # --- searching ---------------------------------------------------------------------------------------------------

    def _searcher(self, before: Searcher | None) -> Searcher:
        edition = self.edition
        with writing(self._data):
            self._embed(edition)
        sheets = list(edition.sheets.values())
        owner = np.repeat(np.arange(len(sheets)), [len(sheet.passages) for sheet in sheets]).astype(np.int32)
        passages = Passages.of(tuple(passage for sheet in sheets for passage in sheet.passages), owner)
        ends = np.cumsum([len(sheet.passages) for sheet in sheets]).tolist()
        starts = [0, *ends[:-1]]
        entries = tuple(
            Entry.of(sheet.article, range(start, end), sheet.sections)
            for sheet, start, end in zip(sheets, starts, ends, strict=True)
        )
        vectors = [
            np.concatenate([self._vectors[key][1][number] for key in edition.sheets])
            for number in range(len(self._embedders))
        ]
        snapshot = Snapshot(
            id=f"preview-{edition.number}",
            folder=self.source,
            manifest={
                "counts": {"articles": len(entries), "passages": len(passages), "skipped": len(edition.loaded.skipped)},
                "skipped": [asdict(skipped) for skipped in edition.loaded.skipped],
                "topics": edition.loaded.topics,
            },
            entries=entries,
            passages=passages,
            owner=owner,
            encoders=tuple(
                Encoded(embedder, store_of(rows)) for embedder, rows in zip(self._embedders, vectors, strict=True)
            ),
            words=Bm25.of([sheet.words for sheet in sheets]),
            units=Bm25.of([terms for sheet in sheets for terms in sheet.units]),
            by_key={key: number for number, key in enumerate(edition.sheets)},
            languages=languages_of(entries),
            calibration=self._calibration,
            pictures=dict(edition.resolver.pictures),
        )
        return Searcher(snapshot, before=before)

    def _embed(self, edition: Edition) -> None:
        """Has `_vectors` hold those of all sheets, one array an encoder."""
        known = {
            key: held for key, sheet in edition.sheets.items() if (held := self._vectors.get(key)) and held[0] is sheet
        }
        new = {key: sheet for key, sheet in edition.sheets.items() if key not in known}
        sheets = list(new.values())
        ends = np.cumsum([len(sheet.passages) for sheet in sheets])[:-1]
        looked = self._clock()

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal looked
            self._progress(stage, done, total)
            if edition.number and 0 < done < total and self._clock() - looked >= _LOOK_EVERY_S:
                looked = self._clock()
                if dict(_stamps(self.source, self._data.resolve())) != self._stamps:
                    raise _Saved

        with VectorCache(cache_file(self._data)) as cache:
            made = [
                np.split(embed_sheets(sheets, embedder, self._embedders, cache, progress)[0], ends)
                for embedder in (self._embedders if sheets else ())
            ]
        for number, (key, sheet) in enumerate(new.items()):
            known[key] = sheet, [parts[number] for parts in made]
        self._vectors = known


def _stamps(source: Path, data: Path) -> Iterator[tuple[str, _Stamp]]:
    """Every file that says something, by its path in the source; hidden folders and the data folder aside."""
    if source.is_file():
        yield source.name, _stamp(source.stat())
        return
    waiting = [source]
    while waiting:
        folder = waiting.pop()
        try:
            listed = list(os.scandir(folder))
        except OSError:  # gone since its parent was listed
            continue
        for each in listed:
            path = Path(each.path)
            if each.name.startswith("."):
                continue
            try:
                if each.is_dir():
                    if path.resolve() != data and not each.is_symlink():
                        waiting.append(path)
                elif path.suffix.lower() in _SUFFIXES or path == source / topics.FILE:
                    yield path.relative_to(source).as_posix(), _stamp(each.stat())
            except OSError:
                continue


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
