"""What `SqlPlace` does for servers that share nothing but a database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database import open_engine
from bot.errors import StoreUnavailable
from bot.shared.snapshots import SqlPlace
from bot.tables import snapshot_contents, snapshot_files, snapshot_parts
from kb.errors import SnapshotDamaged, SnapshotMissing
from kb.published import in_use
from kb.snapshot import snapshots_folder
from tests.bot.samples import NOON
from tests.contracts.test_place import make_snapshot

At = Callable[..., SqlPlace]


@pytest.fixture
def at(engine: sa.Engine, tmp_path: Path) -> At:
    """The place as a machine of some name sees it, so many days after the start."""

    def machine(name: str, days: float = 0, server: str = "") -> SqlPlace:
        (tmp_path / name).mkdir(exist_ok=True)
        return SqlPlace(engine, tmp_path / name, lambda: NOON + timedelta(days=days), server)

    return machine


@pytest.fixture
def publish(at: At, tmp_path: Path) -> Callable[..., str]:
    """Builds and publishes a snapshot on the machine "builder"."""

    def run(name: str, days: float = 0, **files: bytes) -> str:
        if not (snapshots_folder(tmp_path / "builder") / name).exists():
            make_snapshot(tmp_path / "builder", name, **files)
        at("builder", days).publish(name)
        return name

    return run


def _count(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _damage(engine: sa.Engine, content: bytes) -> None:
    """Has the database hold other bytes than it was given."""
    with engine.begin() as connection:
        done = connection.execute(snapshot_parts.update().where(snapshot_parts.c.bytes == content).values(bytes=b"?"))
        assert done.rowcount == 1


def test_another_machine_gets_every_file_as_it_was_built(at: At, publish: Callable[..., str], tmp_path: Path) -> None:
    large = bytes(range(256)) * 40_000  # more than one part
    publish("a", large=large, empty=b"")
    folder = at("web").fetch(at("web").wanted()[0])
    assert folder == snapshots_folder(tmp_path / "web") / "a"
    built = snapshots_folder(tmp_path / "builder") / "a"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in built.iterdir()
    }
    assert [path.name for path in folder.parent.iterdir()] == ["a"]


def test_what_is_here_already_is_not_fetched_again(
    at: At, publish: Callable[..., str], engine: sa.Engine, tmp_path: Path
) -> None:
    publish("a")
    before = at("web").fetch("a").stat().st_mtime_ns
    publish("b")
    _damage(engine, b"the same in all")  # nobody reads it: a's encoder is b's
    assert (at("web").fetch("b") / "encoder").read_bytes() == b"the same in all"
    assert at("web").fetch("a").stat().st_mtime_ns == before


def test_a_damaged_folder_here_is_replaced(at: At, publish: Callable[..., str]) -> None:
    publish("a")
    folder = at("web").fetch("a")
    (folder / "articles").write_bytes(b"half")
    assert (at("web").fetch("a") / "articles").read_bytes() == b"a"


def test_what_the_database_holds_damaged_is_refused_until_it_is_published_again(
    at: At, publish: Callable[..., str], engine: sa.Engine, tmp_path: Path
) -> None:
    publish("a")
    _damage(engine, b"a")
    with pytest.raises(SnapshotDamaged, match=r"articles arrived from the database with other bytes than were publ"):
        at("web").fetch("a")
    assert list(snapshots_folder(tmp_path / "web").iterdir()) == []
    before = at("web").wanted()
    publish("a")
    assert at("web").wanted() != before  # so that whoever refused it tries again
    assert (at("web").fetch("a") / "articles").read_bytes() == b"a"


def test_a_snapshot_that_was_changed_after_it_was_built_is_not_published(
    at: At, publish: Callable[..., str], engine: sa.Engine, tmp_path: Path
) -> None:
    publish("a")
    make_snapshot(tmp_path / "builder", "b")
    (snapshots_folder(tmp_path / "builder") / "b" / "articles").write_bytes(b"?")
    with pytest.raises(SnapshotDamaged, match=r"articles was changed after it was built"):
        at("builder").publish("b")
    assert at("web").wanted()[0] == "a"
    assert _count(engine, snapshot_contents) == _count(engine, snapshot_parts) == 3


def test_what_snapshots_have_in_common_is_stored_once_and_removed_with_the_last_of_them(
    publish: Callable[..., str], engine: sa.Engine
) -> None:
    publish("a")
    publish("b")
    assert (_count(engine, snapshot_files), _count(engine, snapshot_contents)) == (6, 5)
    for name in ("c", "d"):
        publish(name, days=2)
    assert (_count(engine, snapshot_files), _count(engine, snapshot_contents)) == (9, 7)


def test_contents_that_another_builder_is_about_to_name_stay_for_a_day(
    publish: Callable[..., str], engine: sa.Engine
) -> None:
    waits = {"sha256": "f" * 64, "stored": NOON, "damaged": False}
    with engine.begin() as connection:
        connection.execute(snapshot_contents.insert().values(waits))
    publish("a", days=0.9)
    assert _count(engine, snapshot_contents) == 4
    publish("b", days=1.1)
    assert _count(engine, snapshot_contents) == 5


def test_a_server_starts_from_what_it_had_where_the_database_does_not_answer(
    at: At, publish: Callable[..., str], tmp_path: Path
) -> None:
    publish("a")
    place = at("web", server="web-1")
    place.fetch("a")
    place.uses("a")
    gone = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    alone = SqlPlace(gone, tmp_path / "web", lambda: NOON, "web-1")
    with pytest.raises(StoreUnavailable, match="Which snapshot is in use could not be read"):
        alone.wanted()
    assert in_use(tmp_path / "web") == "a"
    assert (alone.fetch("a") / "articles").read_bytes() == b"a"
    alone.uses("a")
    with pytest.raises(StoreUnavailable):
        alone.fetch("b")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", ""])
def test_a_path_that_leads_out_of_the_folder_is_refused(
    at: At, publish: Callable[..., str], engine: sa.Engine, tmp_path: Path, path: str
) -> None:
    publish("a")
    with engine.begin() as connection:
        connection.execute(snapshot_files.update().where(snapshot_files.c.path == "articles").values(path=path))
    with pytest.raises(SnapshotDamaged, match=r"names a file .* that is in no snapshot\. Publish it again\."):
        at("web").fetch("a")


def test_what_the_database_never_had_is_missing(at: At, publish: Callable[..., str]) -> None:
    publish("a")
    with pytest.raises(SnapshotMissing, match=r"holds no files of snapshot b\. Publish it again\."):
        at("web").fetch("b")
