"""What many tests begin with, made once a process and copied: a build takes 0.3 s, the migrations 0.04 s."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from bot.database import migrate, open_engine, sqlite_url
from kb.build import BuildReport, BuildSettings, build, fingerprint_source
from kb.embedding import HashEmbedder
from kb.search import Searcher
from kb.snapshot import open_current

CREATED = "2026-11-21T12:00:00+00:00"

_made: dict[str, tuple[Path, BuildReport]] = {}


def index(source: Path, data: Path) -> BuildReport:
    """Builds a folder's snapshot into `data` with the fake encoder; the first build of the same articles is copied."""
    settings = BuildSettings(model=HashEmbedder.NAME)
    if data.exists():
        return build(source, data, settings, created=CREATED)
    key = fingerprint_source(source, data)
    if key not in _made:
        folder = kept() / "data" / key
        _made[key] = folder, build(source, folder, settings, created=CREATED)
    folder, report = _made[key]
    shutil.copytree(folder, data)
    return report


def searched(folder: Path, files: dict[str, str]) -> Searcher:
    """Writes articles below a folder, and searches their snapshot with the fake encoder."""
    for name, text in files.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    index(folder / "articles", folder / "data")
    return Searcher(open_current(folder / "data"))


def database(path: Path) -> None:
    """Writes an empty SQLite file whose tables were made by the migrations."""
    shutil.copyfile(_migrated(), path)


@cache
def _migrated() -> Path:
    path = kept() / "firstline.db"
    engine = open_engine(sqlite_url(path))
    migrate(engine)
    engine.dispose()
    return path


@cache
def kept() -> Path:
    """A folder that stays until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="firstline-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
