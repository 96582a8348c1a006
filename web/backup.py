"""The commands `firstline backup` and `firstline restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.terminal import Data, Json, check_targets, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    from bot.backup import Backup


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write, such as firstline.zip.")],
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Save the database and the snapshot in use in one file, while the server runs.

    Whoever has the file has tickets, addresses and password hashes: keep it as safe as the database.
    """
    from datetime import UTC, datetime
    from importlib.metadata import version

    from bot.backup import back_up
    from bot.database import open_engine
    from web.progress import progress

    check_targets(to)
    if to.exists() and not replace:
        fail(f"{to} exists. Name another file, or write --replace to lose what it holds.")
    settings = read_settings(data=data)
    engine = open_engine(settings.database)
    try:
        with progress() as show:
            made = back_up(
                engine,
                settings.data,
                to,
                version=version("firstline"),
                now=datetime.now(UTC),
                told=lambda _: show("Saving", 0, 0),
            )
    finally:
        engine.dispose()
    _tell(made, f"Saved in {to}", as_json)


def restore(
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="What `firstline backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Lose what is in the database and in use now.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put a backup in place of an empty database, SQLite or PostgreSQL, whichever it was made of.

    The file is verified first; then all of it is taken up, or nothing is changed. Stop the servers before.
    """
    from bot.database import open_engine
    from bot.restore import restore as take_up
    from bot.shared.snapshots import snapshot_in_database
    from web.progress import progress

    settings = read_settings(data=data)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    try:
        with progress() as show:
            told = take_up(
                source,
                engine,
                settings.data,
                replace=replace,
                told=lambda what: show("Verifying" if what == "verifying" else "Restoring", 0, 0),
            )
        unnamed = settings.snapshots == "database" and not snapshot_in_database(engine)
    finally:
        engine.dispose()
    _tell(told, f"Restored from {source}", as_json)
    if not told.snapshot:
        warn("The backup holds no snapshot. Index the articles: firstline index")
    elif unnamed:
        warn("Servers take their snapshot from the database, which holds none yet. Index the articles: firstline index")


def _tell(made: Backup, done: str, as_json: bool) -> None:
    if as_json:
        print_json(asdict(made))
        return
    rows = sum(made.tables.values())
    typer.echo(f"{done}: {rows:,} rows of {len(made.tables)} tables, {made.size:,} bytes")
    typer.echo(f"  snapshot {made.snapshot or 'none'}; from {made.database}, version {made.version}, {made.created}")
