"""The database of all that changes: how it is opened and brought up to date. Its tables stand in `bot.tables`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot import patience
from bot.errors import EntryRefused, StoreUnavailable
from bot.tables import server_secrets

if TYPE_CHECKING:
    from alembic.config import Config

#: How long a writer waits for another one before it gives up.
LOCK_TIMEOUT_S = 5.0
#: After so many seconds a transaction nobody goes on with is given up by PostgreSQL, with all it has locked.
_IDLE_S = 60
#: Of the lock that a server holds while it changes the schema; any number that nobody else uses.
_MIGRATING = 0x6669727374
#: SQLite takes a limited number of values in one statement.
_AT_ONCE = 500

_MIGRATIONS = Path(__file__).parent / "migrations"

_T = TypeVar("_T")


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(str(path.resolve()))}"


def open_engine(url: str) -> sa.Engine:
    """An engine for a database URL. SQLite runs in WAL mode, so that readers never wait for a writer.

    Its errors name no values: they are what people typed, and errors end in logs.

    Raises StoreUnavailable where the package that talks to such a database is not installed.
    """
    if not url.startswith("sqlite"):
        try:
            return _open_server(url)
        except ModuleNotFoundError as error:
            words = f"database_url needs the Python package {error.name}. Install it: pip install {error.name}"
            raise StoreUnavailable(words) from error
    engine = sa.create_engine(
        url,
        poolclass=patience.PatientPool,
        pool_timeout=LOCK_TIMEOUT_S,
        connect_args={"timeout": LOCK_TIMEOUT_S},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL may lose the last commits on a power cut; an accepted ticket must not be lost.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _open_server(url: str) -> sa.Engine:
    """An engine for a database that other machines reach too, and that may be gone, come back or hang."""
    known = sa.make_url(url).query
    wanted = {"connect_timeout": 2, "options": f"-c idle_in_transaction_session_timeout={_IDLE_S * 1000}"}
    server = sa.make_url(url).get_driver_name() == "psycopg"
    options = {name: value for name, value in wanted.items() if name not in known} if server else {}
    engine = sa.create_engine(
        url,
        poolclass=patience.PatientPool,
        pool_pre_ping=True,
        pool_timeout=LOCK_TIMEOUT_S,
        connect_args=options,
        hide_parameters=True,
    )
    if server:
        patience.watch(engine)
    return engine


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that can say what to do about a row that is there already (`on_conflict_do_update`)."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def parts(values: Iterable[_T]) -> Iterator[list[_T]]:
    """The values in lists that one statement takes (`column.in_(part)`)."""
    listed = list(values)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def migrate(engine: sa.Engine) -> None:
    """Brings the tables up to date with Alembic. Raises StoreUnavailable where the database cannot be written."""
    _keep_private(engine)
    if up_to_date(engine):
        return  # Alembic reads all migrations before it knows that there is nothing to do: 0.2 s of every start
    with reachable("The database cannot be prepared"), patience.unlimited(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # of several servers that start at once, one does it
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
        migrate_on(connection, "head")


def up_to_date(engine: sa.Engine) -> bool:
    """Whether the tables are those that this version works with. Raises StoreUnavailable."""
    with reachable("The database cannot be prepared"):
        return _version(engine) == max(path.name for path in _MIGRATIONS.glob("versions/[0-9]*.py"))[:4]


def _keep_private(engine: sa.Engine) -> None:
    """Makes the file of a new SQLite database, and so those beside it, one that nobody else on the machine can read."""
    file = engine.url.database or ""
    if engine.dialect.name == "sqlite" and file and not file.startswith((":", "file:")):
        with suppress(OSError):  # SQLite says it in its own words
            Path(file).touch(mode=0o600, exist_ok=True)


def migrate_on(connection: sa.Connection, revision: str) -> None:
    """Brings the tables up to a revision of the schema, within the transaction that is under way.

    Raises StoreUnavailable where the database was brought up to date by a newer version.
    """
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and not has_revision(found):
        raise StoreUnavailable(
            f"The database has revision {found}, which this version does not know: a newer one wrote it. Install that "
            "one, or restore a backup (docs/upgrading.md)."
        )
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def has_revision(revision: str) -> bool:
    """Whether this version knows a revision of the schema."""
    from alembic.script import ScriptDirectory

    return any(step.revision == revision for step in ScriptDirectory.from_config(_alembic()).walk_revisions())


def newest_revision() -> str:
    """The revision of the schema that this version works with."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(_alembic()).get_current_head())


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _version(engine: sa.Engine) -> str:
    """The migration the tables are at; "" where there are none yet."""
    if not sa.inspect(engine).has_table("alembic_version"):
        return ""
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""


def shared_secret(engine: sa.Engine, name: str) -> bytes:
    """A secret that every server over this database has; made up when it is first asked for.

    Raises StoreUnavailable.
    """
    query = sa.select(server_secrets.c.value).where(server_secrets.c.name == name)
    with reachable("The secret could not be read"):
        with engine.connect() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known is None:
            # Of two servers that start at once one comes first; both then read what that one wrote.
            with suppress(IntegrityError), engine.begin() as connection:
                connection.execute(server_secrets.insert().values(name=name, value=secrets.token_hex(32)))
            with engine.connect() as connection:
                known = connection.execute(query).scalar_one()
    return bytes.fromhex(known)


@contextmanager
def reachable(what: str) -> Iterator[None]:
    """Turns a database's own errors (locked, read-only, gone, full) into StoreUnavailable."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        said = _said(error)
        raise StoreUnavailable(f"{what}: {said}" + ("" if said.endswith("?") else ".")) from error
    except PoolTimeoutError as error:
        raise StoreUnavailable(f"{what}: all connections to the database are in use.") from error


@contextmanager
def acceptable(what: str) -> Iterator[None]:
    """As `reachable`; what is refused for its values, and would be again, is raised as EntryRefused."""
    try:
        with reachable(what):
            yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, DatabaseError) and _of_values(error.__cause__):
            raise EntryRefused(str(error)) from error
        raise
    except IntegrityError as error:
        raise EntryRefused(f"{what}: {_said(error)}.") from error
    except (StatementError, OverflowError, ValueError) as error:  # drivers tell some of it before they ask the database
        raise EntryRefused(f"{what}: {type(getattr(error, 'orig', None) or error).__name__}.") from error


def refers_to_nothing(error: IntegrityError) -> bool:
    """Whether a row was refused since the one it belongs to is not there. PostgreSQL's words may be of any language."""
    return str(getattr(error.orig, "sqlstate", "")) == "23503" or "FOREIGN KEY" in str(error.orig)


def _of_values(error: DatabaseError) -> bool:
    """Data exceptions, and limits of the database (PostgreSQL's classes 22 and 54)."""
    return isinstance(error, DataError) or str(getattr(error.orig, "sqlstate", "") or "").startswith(("22", "54"))


def _said(error: DBAPIError) -> str:
    """What went wrong as one line of the log. What PostgreSQL adds to it may name values, which are people's words."""
    told = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(told or error.orig or error).split()).rstrip(".")
