"""Fixtures for all tests: small knowledge bases built with the fake encoder, and the real one where it matters."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock

os.environ["HF_HUB_OFFLINE"] = "1"
# One thread a worker of pytest-xdist, set before torch is loaded: with two on two cores they wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

from hypothesis import configuration, settings

from bot.database import migrate, open_engine, sqlite_url
from kb import e5
from kb.build import BuildReport, BuildSettings, build
from kb.export import DEFAULT_MODEL, prepare
from tests import built
from tests.built import CREATED
from tests.databases import Emptied
from tests.postgres import PostgresServer

PROJECT = Path(__file__).parent.parent

# The same examples on every run: a red test stays red until somebody mends it.
settings.register_profile("firstline", deadline=None, max_examples=60, derandomize=True, database=None)
settings.load_profile("firstline")
configuration.set_hypothesis_home_dir(PROJECT / "build" / "hypothesis")

#: Python looks for what refers to itself after so many new objects; usually 700.
_NEW_OBJECTS = 10_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several workers the first begins with what needs a browser and a server, before another one is idle and takes
    half of what is left: else it starts them once more.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not item.nodeid.startswith("tests/browser/"))


def pytest_collection_finish() -> None:
    """All modules are there to stay: to look through them again and again took 15 % of the processor time of tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


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
    return lambda source: built.index(source, data)


def _exported(model: str) -> Path:
    """The folder of an exported encoder; a worker waits for another one that is exporting it."""
    encoders = PROJECT / "build" / "encoders"
    encoders.mkdir(parents=True, exist_ok=True)
    with FileLock(encoders / f".{model}.lock"):
        return prepare(model, encoders)


@pytest.fixture(scope="session")
def encoder_folder() -> Path:
    """The real encoder, exported once for all test runs of this checkout."""
    return _exported(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def multilingual_folder() -> Path:
    """The real multilingual encoder, exported once for all test runs of this checkout."""
    return _exported(e5.NAME)


@pytest.fixture(scope="session")
def own_data(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, encoder_folder: Path, multilingual_folder: Path
) -> Path:
    """A data folder with our own articles indexed by the real encoders, built by one worker for all; read only."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    data = shared / "own"
    with FileLock(shared / "own.lock"):
        if not data.exists():
            (data / "cache").mkdir(parents=True)
            (data / "cache" / "encoders").symlink_to(encoder_folder.parent, target_is_directory=True)
            # Vectors of articles that did not change since the last test run: embedding them all takes a minute.
            (data / "cache" / "vectors.db").symlink_to(PROJECT / "build" / "vectors.db")
        if not (data / "current").exists():  # it is known without a look at every file and encoder, which takes 3 s
            build(PROJECT / "articles", data, BuildSettings(), created=CREATED)
    return data


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "firstline.db"


@pytest.fixture
def engine(database: Path) -> Iterator[sa.Engine]:
    """An engine on a new SQLite file, its tables made by the migrations."""
    built.database(database)
    engine = open_engine(sqlite_url(database))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server; what it keeps need not survive a power cut."""
    server = PostgresServer.start(durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pgvector() -> Iterator[sa.Engine]:
    """An engine on a PostgreSQL database with pgvector, which many tests share: each has snapshots of its own."""
    server = PostgresServer.start(vector=True, durable=False)
    engine = open_engine(server.create())
    migrate(engine)
    yield engine
    engine.dispose()
    server.stop()


@pytest.fixture(scope="session")
def _postgres_template(postgres: PostgresServer) -> str:
    """The name of a database as the migrations make it, to be copied: to migrate takes five times as long."""
    url = postgres.create()
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()  # who is connected keeps others from copying
    return url.rpartition("/")[2]


@pytest.fixture
def new_postgres_engine(postgres: PostgresServer, _postgres_template: str) -> Iterator[sa.Engine]:
    """An engine on a PostgreSQL database of its own, whose tables a test may change."""
    url = postgres.create(_postgres_template)
    engine = open_engine(url)
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture(scope="session")
def _postgres_emptied(postgres: PostgresServer, _postgres_template: str) -> Iterator[tuple[sa.Engine, Emptied]]:
    engine = open_engine(postgres.create(_postgres_template))
    yield engine, Emptied(engine)
    engine.dispose()


@pytest.fixture
def postgres_engine(_postgres_emptied: tuple[sa.Engine, Emptied]) -> Iterator[sa.Engine]:
    """An engine on a PostgreSQL database that many tests share, one after another: each finds it empty."""
    engine, emptied = _postgres_emptied
    yield engine
    emptied()
