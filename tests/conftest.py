"""Fixtures for all tests: small knowledge bases built with the fake encoder, and the real one where it matters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

os.environ["HF_HUB_OFFLINE"] = "1"

from hypothesis import configuration, settings

from bot.database import migrate, open_engine, sqlite_url
from kb import e5
from kb.build import BuildReport, BuildSettings, build
from kb.embedding import HashEmbedder
from kb.export import DEFAULT_MODEL, prepare

PROJECT = Path(__file__).parent.parent
CREATED = "2026-11-21T12:00:00+00:00"

# The same examples on every run: a red test stays red until somebody mends it.
settings.register_profile("firstline", deadline=None, max_examples=60, derandomize=True, database=None)
settings.load_profile("firstline")
configuration.set_hypothesis_home_dir(PROJECT / "build" / "hypothesis")

#: Writes files below a folder: `write({"a/b.md": "text"})`, and returns the folder.
Write = Callable[[dict[str, str]], Path]
Index = Callable[[Path], BuildReport]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(files: dict[str, str]) -> Path:
        folder = tmp_path / "articles"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    return _write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def index(data: Path) -> Index:
    """Builds a folder's snapshot into `data` with the fake encoder."""

    def _index(source: Path) -> BuildReport:
        return build(source, data, BuildSettings(model=HashEmbedder.NAME), created=CREATED)

    return _index


@pytest.fixture(scope="session")
def encoder_folder() -> Path:
    """The real encoder, exported once for all test runs of this checkout."""
    return prepare(DEFAULT_MODEL, PROJECT / "build" / "encoders")


@pytest.fixture(scope="session")
def multilingual_folder() -> Path:
    """The real multilingual encoder, exported once for all test runs of this checkout."""
    return prepare(e5.NAME, PROJECT / "build" / "encoders")


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with our own articles indexed by the real encoder (the export is shared with `encoder_folder`)."""
    data = tmp_path_factory.mktemp("own")
    (data / "cache").mkdir()
    (data / "cache" / "encoders").symlink_to(PROJECT / "build" / "encoders", target_is_directory=True)
    (PROJECT / "build" / "encoders").mkdir(parents=True, exist_ok=True)
    # Vectors of articles that did not change since the last test run: embedding them all takes a minute.
    (data / "cache" / "vectors.db").symlink_to(PROJECT / "build" / "vectors.db")
    build(PROJECT / "articles", data, BuildSettings(), created=CREATED)
    return data


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "firstline.db"


@pytest.fixture
def engine(database: Path) -> Iterator[sa.Engine]:
    """An engine on a new SQLite file, its tables made by the migrations."""
    engine = open_engine(sqlite_url(database))
    migrate(engine)
    yield engine
    engine.dispose()
