"""What `firstline doctor` looks at: each part of an installation, how it stands, and what mends it."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from bot.aside import Aside
from bot.backup import VERSIONS
from bot.database import has_revision, newest_revision, open_engine, reachable
from bot.errors import BotError, DeliveryFailed
from bot.handoff.guard import Guard
from bot.handoff.mail import own_server
from bot.outbox import LEASE
from bot.shared.snapshots import snapshot_in_database
from bot.tables import outbox, people, publications, questions
from kb.errors import KbError, SnapshotMissing
from kb.snapshot import Snapshot, open_current
from web.settings import Settings, settings_file

State = Literal["ok", "warn", "fail"]

#: The vectors, the database and a second snapshot beside the first need room while something is published.
_LITTLE_BYTES, _NO_BYTES = 2_000_000_000, 200_000_000
#: Each connection is a file, and so is each request.
_FEW_FILES = 1_024
_CLOCKS_DIFFER = timedelta(seconds=5)
_PATIENCE_S = 5.0
#: A server that runs delivers within seconds of the database's return.
_SPOOLED_S = 600
#: A publication takes minutes.
_LONG = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part stands. `fix` is what to do, "" where all is well."""

    name: str
    state: State
    said: str
    fix: str = ""


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """One finding after another, as they are made; no fault of one ends the others."""
    yield _settings(settings)
    yield from _each("secrets", lambda: _permissions(settings))
    yield from _each("disk", lambda: _disk(settings.data))
    try:
        snapshot = open_current(settings.data)
    except (KbError, OSError) as error:
        if isinstance(error, SnapshotMissing) and settings.snapshots == "database":
            said = f"{settings.data} holds no snapshot yet"
            yield Finding("snapshot", "warn", said, "firstline serve fetches the one that the database names.")
        else:
            yield Finding("snapshot", "fail", str(error), "Build one: firstline index ARTICLES, or firstline rollback.")
    else:
        yield from _each("snapshot", lambda: iter([_snapshot(snapshot, now)]))
        yield from _each("encoder", lambda: _encoders(snapshot))
    yield from _database(settings, now)
    yield from _each("spool", lambda: _spool(settings.data / "spool", now))
    yield from _each("network", lambda: _receivers(settings))
    yield from _each("open files", lambda: iter([_open_files()]))
    yield from _each("time zone", lambda: iter([_time_zone(settings, now)]))


def _each(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except (BotError, KbError, OSError, ValueError, RuntimeError) as error:
        yield Finding(name, "fail", f"{type(error).__name__}: {error}", "Mend what it names, and look again.")


def _settings(settings: Settings) -> Finding:
    file = settings_file()
    where = str(file.resolve()) if file.is_file() else f"the environment and what is usual; there is no {file} here"
    if settings.base_url.startswith("http://") and not _loopback(settings.base_url):
        fix = "Put a proxy with TLS before the server, and write https:// in base_url (docs/operating.md)."
        return Finding("settings", "warn", f"from {where}; {settings.base_url} is not encrypted", fix)
    if settings.smtp_url.get_secret_value() and not settings.base_url:
        fix = "Set base_url: mail to requesters has no link to their ticket without it."
        return Finding("settings", "warn", f"from {where}; base_url is empty", fix)
    return Finding("settings", "ok", f"from {where}")


def _permissions(settings: Settings) -> Iterator[Finding]:
    """Files that hold secrets or what people wrote are for the server's user alone."""
    files = [settings.data / "firstline.db"] if not settings.database_url else []
    if settings.secrets:
        files.append(settings_file())
    open_ones = [file for file in files if file.is_file() and file.stat().st_mode & 0o077]
    for file in open_ones:
        mode = oct(file.stat().st_mode & 0o777)[2:]
        yield Finding("secrets", "warn", f"others on this machine may read {file} ({mode})", f"Run: chmod 600 {file}")
    if not open_ones:
        yield Finding("secrets", "ok", "no file with secrets is open to others")


def _disk(data: Path) -> Iterator[Finding]:
    if not data.is_dir():
        yield Finding("disk", "fail", f"{data} does not exist", f"Make it, or set data: mkdir -p {data}")
        return
    try:
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        fix = "The server answers, but nothing can be published there; give the folder to the server's user."
        yield Finding("disk", "warn", f"{data} cannot be written: {error.strerror}", fix)
    free = shutil.disk_usage(data).free
    state: State = "fail" if free < _NO_BYTES else "warn" if free < _LITTLE_BYTES else "ok"
    fix = "" if state == "ok" else "Make room: publishing needs a second snapshot beside the first."
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free in {data}", fix)


def _snapshot(snapshot: Snapshot, now: datetime) -> Finding:
    counts = snapshot.manifest["counts"]
    age = now - datetime.fromisoformat(str(snapshot.manifest["created"]))
    said = f"{snapshot.id}: {counts['articles']:,} articles, verified; built {_ago(age)}"
    if age < -_CLOCKS_DIFFER:
        return Finding(
            "snapshot", "warn", said, "It is of the future: set the clock of this machine or of the builder."
        )
    return Finding("snapshot", "ok", said)


def _encoders(snapshot: Snapshot) -> Iterator[Finding]:
    for encoded in snapshot.encoders:
        encoded.embedder.embed_queries(["warm up"])
        began = perf_counter()
        (vector,) = encoded.embedder.embed_queries(["I forgot my password"])
        ms = (perf_counter() - began) * 1_000
        if abs(float(np.linalg.norm(vector)) - 1) > 0.01:
            fix = "Build the snapshot again on this kind of machine."
            yield Finding("encoder", "fail", f"{encoded.embedder.name} gives no unit vectors", fix)
        else:
            yield Finding("encoder", "ok", f"{encoded.embedder.name} answers in {ms:.1f} ms")


# --- the database --------------------------------------------------------------------------------------------------


def _database(settings: Settings, now: datetime) -> Iterator[Finding]:
    engine = None
    try:
        engine = open_engine(settings.database)
        if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
            yield Finding("database", "warn", f"{engine.url.database} is not there yet", "firstline serve makes it.")
            return
        with reachable("The database does not answer"), engine.connect() as connection:
            yield _version(connection)
            standing = _schema(connection)
            yield standing
            if standing.state == "ok":
                yield from _clocks(connection, now)
                yield _letters(connection, now)
                yield from _stale(connection, now)
                yield _people(connection)
                if settings.snapshots == "database" and not snapshot_in_database(engine):
                    fix = "Run firstline index with the same database_url and snapshots."
                    yield Finding("database", "fail", "it holds no snapshot for servers to fetch", fix)
    except (BotError, sa.exc.SQLAlchemyError, OSError) as error:
        yield Finding("database", "fail", str(error), "See that it runs, and that database_url is right.")
    finally:
        if engine is not None:
            engine.dispose()


def _version(connection: sa.Connection) -> Finding:
    if connection.dialect.name == "sqlite":
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        if (whole := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()) != "ok":
            return Finding(
                "database", "fail", f"SQLite {version}: {whole}", "Restore a backup: firstline restore --from …"
            )
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails where it cannot be written
        connection.rollback()
        return Finding("database", "ok", f"SQLite {version}, whole and writable")
    version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    query = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    found = connection.exec_driver_sql(query).scalar_one_or_none()
    said = f"PostgreSQL {version}, {f'pgvector {found}' if found else 'without pgvector'}"
    if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on":
        return Finding("database", "fail", f"{said}, read-only", "Name the primary in database_url, not a standby.")
    return Finding("database", "ok", said)


def _schema(connection: sa.Connection) -> Finding:
    if not sa.inspect(connection).has_table(VERSIONS):
        return Finding(
            "schema", "warn", "the database is empty", "The first start of firstline serve makes the tables."
        )
    found = str(connection.exec_driver_sql(f"SELECT version_num FROM {VERSIONS}").scalar_one())
    if not has_revision(found):
        fix = "Install the version that wrote it, or a newer one; or restore a backup (docs/upgrading.md)."
        return Finding("schema", "fail", f"revision {found} is of a newer version", fix)
    if found != (newest := newest_revision()):
        fix = "Make a backup; the next start of firstline serve brings it up to date (docs/upgrading.md)."
        return Finding("schema", "warn", f"revision {found}, this version has {newest}", fix)
    return Finding("schema", "ok", f"revision {found}, up to date")


def _clocks(connection: sa.Connection, now: datetime) -> Iterator[Finding]:
    if connection.dialect.name == "postgresql":
        theirs = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        apart = abs(theirs - datetime.now(UTC))
        if apart > _CLOCKS_DIFFER:
            fix = "Have both follow a time server."
            yield Finding("clock", "warn", f"the database's is {apart.total_seconds():.0f} s off ours", fix)
            return
    last = connection.execute(sa.select(sa.func.max(questions.c.at))).scalar_one_or_none()
    if last is not None and last - now > timedelta(minutes=1):
        fix = "See whether the clock of a server is wrong: what waits for a time will wait longer."
        yield Finding("clock", "warn", f"the last question was asked in {_ago(last - now)[:-4]} from now", fix)
        return
    yield Finding("clock", "ok", "agrees with the database's")


def _letters(connection: sa.Connection, now: datetime) -> Finding:
    """Letters that were given up, and those that no server takes although they are due."""
    dead = connection.execute(sa.select(sa.func.count()).where(outbox.c.state == "dead")).scalar_one()
    free = sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now - LEASE)
    late = sa.and_(outbox.c.state == "waiting", outbox.c.next_at < now - 2 * LEASE, free)
    waiting = connection.execute(sa.select(sa.func.count()).where(late)).scalar_one()
    if dead:
        return Finding(
            "outbox", "warn", f"letters that were given up: {dead:,}", "Look at /outbox: it says why of each."
        )
    if waiting:
        fix = "No server delivers them: start one whose settings have their receiver, or discard them on /outbox."
        return Finding("outbox", "warn", f"letters that are late: {waiting:,}", fix)
    return Finding("outbox", "ok", "nothing is late")


def _stale(connection: sa.Connection, now: datetime) -> Iterator[Finding]:
    began = sa.select(sa.func.min(publications.c.began)).where(publications.c.state == "running")
    since = connection.execute(began).scalar_one_or_none()
    if since is not None and now - since > _LONG:
        fix = "A builder was ended in the middle: publish again with firstline pull."
        yield Finding("publishing", "warn", f"one has been running since {since:%Y-%m-%d %H:%M} UTC", fix)


def _people(connection: sa.Connection) -> Finding:
    if connection.execute(sa.select(sa.func.count()).select_from(people)).scalar_one():
        return Finding("people", "ok", "somebody can sign in")
    return Finding("people", "warn", "nobody can sign in yet", "Open the link that firstline serve shows at its start.")


def _spool(folder: Path, now: datetime) -> Iterator[Finding]:
    """What could not be stored while the database was away, and should be by now; and what never could."""
    aside, found = Aside(folder), list[Finding]()
    counts = aside.counts()
    if counts["refused"]:
        said = f"events that the database refuses: {counts['refused']:,}, in {aside.file('refused')}"
        fix = "The log says why. Mend that, rename the file to again.jsonl to have them stored, or remove it."
        found.append(Finding("spool", "warn", said, fix))
    if counts["given-up"]:
        said = f"outcomes of questions that are nowhere: {counts['given-up']:,}, in {aside.file('given-up')}"
        found.append(Finding("spool", "warn", said, "Look at them, and remove the file."))
    waits = [file.stat() for file in folder.glob("*") if file.is_file() and not aside.holds(file)]
    old = [stat for stat in waits if stat.st_size and now.timestamp() - stat.st_mtime > _SPOOLED_S]
    if old:
        fix = "Start a server over this data folder: it delivers them once the database answers."
        said = f"{sum(stat.st_size for stat in old):,} bytes wait to be stored"
        found.append(Finding("spool", "warn", said, fix))
    yield from found or [Finding("spool", "ok", "nothing waits")]


# --- around it -----------------------------------------------------------------------------------------------------


def _receivers(settings: Settings) -> Iterator[Finding]:
    """Whether what we send to can be reached; nothing is sent."""
    addresses = {
        "smtp_url": settings.smtp_url.get_secret_value(),
        "handoff_url": settings.handoff_url,
        "spike_url": settings.spike_url,
    }
    for name, address in addresses.items():
        if not address:
            continue
        parts = urlsplit(address)
        port = parts.port or {"smtp": 587, "smtps": 465, "http": 80}.get(parts.scheme, 443)
        host, guard = parts.hostname or "", Guard(settings.outgoing_private_hosts)
        try:
            (own_server(guard, host) if name == "smtp_url" else guard).connect(host, port, _PATIENCE_S).close()
        except DeliveryFailed as error:
            yield Finding(name, "fail", str(error), f"Nothing is sent there until then; else mend {name}.")
        except OSError as error:
            fix = f"See that it runs and that no firewall is between; else mend {name}."
            yield Finding(name, "warn", f"{parts.hostname}:{port} cannot be reached: {error}", fix)
        else:
            yield Finding(name, "ok", f"{parts.hostname}:{port} can be reached")


def _open_files() -> Finding:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FEW_FILES:
        fix = f"Raise it: ulimit -n {_FEW_FILES * 64}, or LimitNOFILE={_FEW_FILES * 64} in the unit."
        return Finding("open files", "warn", f"at most {soft}", fix)
    return Finding("open files", "ok", "no limit" if soft < 0 else f"at most {soft:,}")


def _time_zone(settings: Settings, now: datetime) -> Finding:
    local = now.astimezone(ZoneInfo(settings.time_zone))
    return Finding("time zone", "ok", f"{settings.time_zone}, where it is {local:%H:%M}")


def _loopback(address: str) -> bool:
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


def _ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} seconds ago"
