"""`SqlPlace`: published snapshots whose files lie in the database, for servers that share no disk.

What a file holds is stored once, under its SHA-256, in parts: most snapshots differ from the one before in a few files,
and the encoder, which is the largest, in none. Contents are written first, each in a short transaction of its own. One
transaction then names the files of the snapshot, has it be the one in use and removes old ones. A builder that is
killed leaves contents that no snapshot names; they are removed a day later.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from bot.database import insert, parts, reachable
from bot.errors import StoreUnavailable
from bot.patience import unlimited
from bot.tables import snapshot_contents as contents
from bot.tables import snapshot_files as files
from bot.tables import snapshot_parts as pieces
from bot.tables import snapshot_servers as servers
from bot.tables import snapshots_in_use as pointer
from kb import published
from kb.embedding import sha256_of
from kb.errors import SnapshotDamaged, SnapshotMissing
from kb.place import FolderPlace, due
from kb.scratch import scratch
from kb.snapshot import MANIFEST_FILE, read_manifest, snapshots_folder

_PART_BYTES = 4_000_000
#: How long contents wait for the snapshot they belong to.
_WAITS = timedelta(days=1)
_COUNTS = timedelta(seconds=published.MARK_COUNTS_S)


def snapshot_in_database(engine: sa.Engine) -> str:
    """The id of the snapshot in use there, "" before the first publication. Raises StoreUnavailable."""
    with reachable("Which snapshot is in use could not be read"), engine.connect() as connection:
        return _pointer(connection)[0]


class SqlPlace:
    """Snapshots in a database that is up to date; `data` is the folder they are brought to and built in.

    `server` names who serves from there, "" for who only builds. The folder also says what was in use last, so that a
    server can start from it while the database does not answer.
    """

    def __init__(
        self,
        engine: sa.Engine,
        data: Path,
        now: Callable[[], datetime],
        server: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._data, self._now, self._server, self._clock = engine, data, now, server, clock
        self._here = FolderPlace(data, server, clock)
        self._said: tuple[str, float] | None = None

    def wanted(self) -> tuple[str, int]:
        with reachable("Which snapshot is in use could not be read"), self._engine.connect() as connection:
            snapshot_id, revision, _ = _pointer(connection)
        if not snapshot_id:
            raise SnapshotMissing(
                "The database holds no snapshot yet. Build one first: firstline index ARTICLES "
                f"--data {self._data}, with the same database_url and snapshots = 'database'."
            )
        return snapshot_id, revision

    def published(self) -> tuple[str, ...]:
        with reachable("What was published could not be read"), self._engine.connect() as connection:
            return _pointer(connection)[2]

    def publish(self, snapshot_id: str) -> None:
        folder = snapshots_folder(self._data) / snapshot_id
        wanted = {**read_manifest(folder)["files"], MANIFEST_FILE: sha256_of(folder / MANIFEST_FILE)}
        by_content = {sha256: folder / path for path, sha256 in wanted.items()}
        # Another builder may be at it for a while, and a file of 100 MB has a slow network to go through.
        with unlimited(), reachable(f"Snapshot {snapshot_id} could not be stored"):
            while True:
                for sha256 in self._missing(by_content):
                    self._store(sha256, by_content[sha256])
                with self._engine.begin() as connection:
                    current, order = _lock(connection)
                    if _missing(connection, by_content):  # removed by another builder, a day after they were stored
                        continue
                    connection.execute(files.delete().where(files.c.snapshot == snapshot_id))
                    rows = [{"snapshot": snapshot_id, "path": path, "sha256": sha} for path, sha in wanted.items()]
                    connection.execute(files.insert(), rows)
                    order = published.after(order, current, snapshot_id)
                    _switch(connection, snapshot_id, order)
                    self._collect(connection, order)
                break
        published.mirror(self._data, order, snapshot_id)

    def take_back(self, snapshot_id: str) -> None:
        with reachable(f"Snapshot {snapshot_id} could not be taken back to"), self._engine.begin() as connection:
            _, order = _lock(connection)
            if snapshot_id not in order:
                can = ", ".join(order[::-1]) or "none"
                raise SnapshotMissing(f"The database holds no published snapshot {snapshot_id!r}. There are: {can}.")
            _switch(connection, snapshot_id, order)
        if (snapshots_folder(self._data) / snapshot_id).is_dir():
            published.mirror(self._data, order, snapshot_id)

    def kept(self) -> frozenset[str]:
        with reachable("What servers use could not be read"), self._engine.connect() as connection:
            query = sa.select(servers.c.snapshot).where(servers.c.seen >= self._now() - _COUNTS)
            return frozenset((*_pointer(connection)[2], *connection.execute(query).scalars()))

    def fetch(self, snapshot_id: str) -> Path:
        """As `Place.fetch`; all files are verified. Raises SnapshotDamaged where the database holds something else."""
        folder = snapshots_folder(self._data) / snapshot_id
        try:
            with reachable(f"Snapshot {snapshot_id} could not be fetched"), self._engine.connect() as connection:
                query = sa.select(files.c.path, files.c.sha256).where(files.c.snapshot == snapshot_id)
                wanted = {row.path: row.sha256 for row in connection.execute(query)}
        except StoreUnavailable:
            if folder.is_dir():  # brought here before; whoever opens it verifies it
                return folder
            raise
        if not wanted:
            raise SnapshotMissing(f"The database holds no files of snapshot {snapshot_id}. Publish it again.")
        if _whole(folder, wanted):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch(folder.parent, ".fetching-") as temporary:
            made = temporary / snapshot_id
            held = _contents_here(folder.parent)
            for path, sha256 in wanted.items():
                self._bring(made / _inside(path), sha256, held.get(sha256, ()))
            with published.switching(self._data):  # several servers of one machine may share the folder
                if not _whole(folder, wanted):
                    if folder.exists():
                        folder.rename(temporary / "damaged")
                    made.rename(folder)
        return folder

    def uses(self, snapshot_id: str) -> None:
        self._here.uses(snapshot_id)
        if not self._server or not due(self._said, snapshot_id, self._clock()):
            return
        row = {"server": self._server[:200], "snapshot": snapshot_id, "seen": self._now()}
        with suppress(StoreUnavailable, OSError):
            with reachable("Who uses a snapshot could not be stored"), self._engine.begin() as connection:
                stored = insert(connection, servers).values(row)
                connection.execute(stored.on_conflict_do_update(index_elements=["server"], set_=row))
                current, _, order = _pointer(connection)
            self._said = snapshot_id, self._clock()
            if current == snapshot_id:
                published.mirror(self._data, order, current)

    def _missing(self, wanted: Iterable[str]) -> list[str]:
        with self._engine.connect() as connection:
            return _missing(connection, wanted)

    def _store(self, sha256: str, path: Path) -> None:
        """Writes a file's bytes; where another builder is at it, this waits until it has. Raises SnapshotDamaged."""
        digest = hashlib.sha256()
        row = {"sha256": sha256, "stored": self._now(), "damaged": False}
        with self._engine.begin() as connection:
            connection.execute(contents.delete().where(contents.c.sha256 == sha256, contents.c.damaged))
            stored = insert(connection, contents).values(row).on_conflict_do_nothing().returning(contents.c.sha256)
            if connection.execute(stored).first() is None:
                return
            for number, part in enumerate(_read(path)):
                digest.update(part)
                connection.execute(pieces.insert().values(sha256=sha256, number=number, bytes=part))
            if digest.hexdigest() != sha256:  # takes the transaction back
                raise SnapshotDamaged(f"{path} was changed after it was built. Build the snapshot again.")

    def _bring(self, target: Path, sha256: str, held: Iterable[Path]) -> None:
        """Has a file lie here, by a link to one of the same content or out of the database."""
        target.parent.mkdir(parents=True, exist_ok=True)
        for same in held:
            with suppress(OSError):
                if sha256_of(same) == sha256:
                    try:
                        os.link(same, target)
                    except OSError:
                        shutil.copyfile(same, target)
                    return
        digest = hashlib.sha256()
        with target.open("wb") as file, reachable("A file of the snapshot could not be fetched"):
            for part in self._parts(sha256):
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            with suppress(StoreUnavailable), reachable("Damage could not be noted"), self._engine.begin() as connection:
                connection.execute(contents.update().where(contents.c.sha256 == sha256).values(damaged=True))
            raise SnapshotDamaged(
                f"{target.name} arrived from the database with other bytes than were published. It is stored again "
                "when the articles are next indexed or published."
            )

    def _parts(self, sha256: str) -> Iterator[bytes]:
        number = 0
        with self._engine.connect() as connection:
            while True:
                query = sa.select(pieces.c.bytes).where(pieces.c.sha256 == sha256, pieces.c.number == number)
                part = connection.execute(query).scalar_one_or_none()
                if part is None:
                    return
                yield bytes(part)
                number += 1

    def _collect(self, connection: sa.Connection, order: tuple[str, ...]) -> None:
        """Removes snapshots that can neither be gone back to nor are used by a server, and contents of none."""
        now = self._now()
        connection.execute(servers.delete().where(servers.c.seen < now - _COUNTS))
        used = sa.select(servers.c.snapshot)
        connection.execute(files.delete().where(files.c.snapshot.not_in(order), files.c.snapshot.not_in(used)))
        named = sa.select(files.c.sha256)
        connection.execute(contents.delete().where(contents.c.sha256.not_in(named), contents.c.stored < now - _WAITS))


def _pointer(connection: sa.Connection) -> tuple[str, int, tuple[str, ...]]:
    row = connection.execute(sa.select(pointer.c.snapshot, pointer.c.revision, pointer.c.published)).one()
    return row.snapshot, row.revision, tuple(row.published)


def _lock(connection: sa.Connection) -> tuple[str, tuple[str, ...]]:
    """Has other builders wait until this transaction is over; returns what is in use, and the order."""
    connection.execute(pointer.update().values(revision=pointer.c.revision + 1))
    snapshot_id, _, order = _pointer(connection)
    return snapshot_id, order


def _switch(connection: sa.Connection, snapshot_id: str, order: tuple[str, ...]) -> None:
    connection.execute(pointer.update().values(snapshot=snapshot_id, published=list(order)))


def _missing(connection: sa.Connection, wanted: Iterable[str]) -> list[str]:
    """Which of some contents the database does not hold whole."""
    wanted, held = list(wanted), set()
    for part in parts(wanted):
        query = sa.select(contents.c.sha256).where(contents.c.sha256.in_(part), contents.c.damaged.is_(False))
        held |= set(connection.execute(query).scalars())
    return [sha256 for sha256 in wanted if sha256 not in held]


def _inside(path: str) -> PurePosixPath:
    """Raises SnapshotDamaged for a path that would lead out of the snapshot's folder."""
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts or not found.parts:
        raise SnapshotDamaged(f"The database names a file {path!r} that is in no snapshot. Publish it again.")
    return found


def _whole(folder: Path, wanted: dict[str, str]) -> bool:
    """Whether a folder has these files with these hashes."""
    try:
        return all(sha256_of(folder / _inside(path)) == sha256 for path, sha256 in wanted.items())
    except OSError:
        return False


def _contents_here(snapshots: Path) -> dict[str, list[Path]]:
    """Files of snapshots that lie here already, by what their manifests say they hold."""
    held: dict[str, list[Path]] = {}
    for manifest in snapshots.glob(f"*/{MANIFEST_FILE}"):
        with suppress(Exception):  # one that cannot be read helps nobody, and harms nobody
            for path, sha256 in read_manifest(manifest.parent)["files"].items():
                held.setdefault(sha256, []).append(manifest.parent / path)
    return held


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part
