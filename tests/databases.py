"""Which stores a contract is run over: the fake in memory, and SQL on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bot.tables import metadata

DATABASES = ["sqlite", "postgresql"]
#: What the fixture of a seam is given as `params`.
STORES = ["memory", *DATABASES]


def engine_of(request: pytest.FixtureRequest, kind: str = "") -> sa.Engine:
    """An engine on an empty database of a kind of DATABASES, by default the one the fixture has as its parameter."""
    fixture = {"sqlite": "engine", "postgresql": "postgres_engine"}[kind or request.param]
    engine: sa.Engine = request.getfixturevalue(fixture)
    return engine


@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def _as_strict_as_postgresql(
    _connection: sa.Connection, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """SQLite takes what PostgreSQL refuses: a text longer than its column, and the character NUL."""
    if not context or not context.compiled or not (context.isinsert or context.isupdate):
        return
    columns = context.compiled.statement.table.c
    for row in context.compiled_parameters:
        for name, value in row.items():
            column = columns.get(name)
            if column is None or not isinstance(value, str):
                continue
            longest = getattr(column.type, "length", None)
            assert not longest or len(value) <= longest, f"{column} takes {longest} characters, not {value!r}"
            assert "\0" not in value, f"{column} was given the character NUL: {value!r}"


class Emptied:
    """Brings a PostgreSQL database back to how the migrations left it. To make one anew takes ten times as long."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with engine.connect() as connection:
            found = {
                name: connection.execute(sa.select(metadata.tables[name])).mappings().all() for name in metadata.tables
            }
        self._rows = {name: [dict(row) for row in rows] for name, rows in found.items() if rows}

    def __call__(self) -> None:
        filled = sa.union_all(
            *(
                sa.select(sa.literal(table.name)).where(sa.exists(sa.select(1).select_from(table)))
                for table in _tables()
            )
        )
        begun = "SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"
        with self._engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
            names = connection.execute(filled).scalars().all()
            if names:
                connection.exec_driver_sql(f"TRUNCATE {', '.join(names)} CASCADE")
            for sequence in connection.exec_driver_sql(begun).scalars().all():
                connection.exec_driver_sql(f"ALTER SEQUENCE {sequence} RESTART")
            for name in self._rows.keys() & set(names):
                connection.execute(metadata.tables[name].insert(), self._rows[name])


def _tables() -> list[sa.Table]:
    return list(metadata.tables.values())
